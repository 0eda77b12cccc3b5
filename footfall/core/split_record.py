"""A record in parts, for stores that limit how large one may be."""

from collections.abc import Iterator

import msgspec

from footfall.core.record import Record

__all__ = ["split_record"]

_read = msgspec.json.Decoder(list[msgspec.Raw]).decode


def split_record(record: Record, most_bytes: int) -> Iterator[Record]:
    """Yield records of the same frame whose bodies have at most so many bytes, in the order of events.

    A single event that is larger stays a record of its own.
    """
    if len(record.body) <= most_bytes or record.count == 1:
        yield record
        return
    part: list[bytes] = []
    size = 1
    for raw in _read(record.body):
        event = bytes(raw)
        if part and size + len(event) + 1 > most_bytes:
            yield _part(record, part)
            part, size = [], 1
        part.append(event)
        size += len(event) + 1
    yield _part(record, part)


def _part(record: Record, events: list[bytes]) -> Record:
    return msgspec.structs.replace(record, count=len(events), body=b"[%b]" % b",".join(events))
