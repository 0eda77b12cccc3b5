"""From a stream's records to the stores beyond one machine: nothing lost, as little as can be twice.

Records go in groups, in order, and each group ends before the next begins. In a group the stores
that hold a row once come first: while one of them does not take everything, the group is given back
to the stream, which sends it again. Then the dead letters, then the stores that may hold a row
twice: what they took of a group stays, and what they did not take goes to the queue, to be written
there later. Only when such a store took nothing at all is the group given back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
import pyarrow as pa

from footfall.core.dead_letter import DeadLetter, row_letter, unreadable_letter
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.json_rows import json_rows
from footfall.core.raw_line import read_line
from footfall.core.record import AppId, Logged, Sender
from footfall.errors import FootfallError, StoreFailed
from footfall.ports.delivery import DeadLetters, Sink

__all__ = [
    "Arrived",
    "Delivered",
    "Delivery",
    "Transformed",
    "deliver",
    "read_rows",
    "refused_letters",
    "rejected_letters",
    "store_failed",
    "transform",
]

GROUP_BYTES = 2_097_152
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone


class Arrived(NamedTuple):
    """A record as a stream hands it over: its place there, and its bytes."""

    position: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where records go; ``place`` is what dead letters call the stream that they came from."""

    place: str
    sinks: Sequence[Sink]
    letters: DeadLetters
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was done, in events; ``letters`` counts what went to the queue.

    ``again_from`` is the position of the first record that has to come again, with ``why``.
    """

    events: int = 0
    letters: int = 0
    again_from: str | None = None
    why: str = ""


class Transformed(NamedTuple):
    """One record's rows as lines of JSON; None where it has none."""

    position: str
    lines: bytes | None


class ReadRows(NamedTuple):
    """Rows of events, how many of each record, and letters of what holds none."""

    rows: pa.Table
    counts: Mapping[str, int]
    letters: list[DeadLetter]


def deliver(arrived: Sequence[Arrived], delivery: Delivery) -> Delivered:
    """Bring records to every sink, and what can't go on to the queue."""
    events = letters = 0
    for group in _groups(arrived):
        read = read_rows(group, delivery.place, delivery.clock())
        try:
            letters += _write(read, delivery)
        except FootfallError as error:
            return Delivered(events, letters, group[0].position, str(error))
        events += read.rows.num_rows
    return Delivered(events, letters)


def transform(arrived: Sequence[Arrived], delivery: Delivery) -> list[Transformed]:
    """Return the rows of each record, for a stream that stores them itself. Raises QueueFailed.

    What is rejected or can't be read is in the queue when this returns; ``delivery`` needs no sinks.
    """
    read = read_rows(arrived, delivery.place, delivery.clock())
    if read.letters:
        delivery.letters.send(read.letters)
    lines = json_rows(read.rows, "sql", nested=False)
    found: list[Transformed] = []
    at = 0
    for each in arrived:
        count = read.counts.get(each.position, 0)
        own = b"".join(line + b"\n" for line in lines[at : at + count])
        found.append(Transformed(each.position, own or None))
        at += count
    return found


def _groups(arrived: Sequence[Arrived]) -> Iterator[list[Arrived]]:
    group: list[Arrived] = []
    size = 0
    for each in arrived:
        group.append(each)
        size += len(each.data)
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def read_rows(arrived: Sequence[Arrived], place: str, now: datetime) -> ReadRows:
    """Decode and enrich records; what is rejected or can't be read becomes letters.

    ``place`` is where they come from, for the letters; ``now`` is naive UTC.
    """
    letters: list[DeadLetter] = []
    logged: dict[str, Logged] = {}
    for each in arrived:
        try:
            logged[each.position] = read_line(each.data)
        except msgspec.DecodeError as error:
            why = f"it is no record of ours: {error}"
            letters.append(unreadable_letter(place, each.position, each.data, why))
    decoded = decode(list(logged.values()))
    letters += rejected_letters(decoded.rejected)
    rejected = {letter.letter_id for letter in letters}
    counts = {
        position: each.record.count
        for position, each in logged.items()
        if each.record.kind == "events" and f"{each.log}-{each.offset}-0" not in rejected
    }
    return ReadRows(enrich(decoded.rows, now), counts, letters)


def _write(read: ReadRows, delivery: Delivery) -> int:
    """Write the rows, then return how many letters were sent. Raises for a group that must come again."""
    letters = list(read.letters)
    if read.rows.num_rows:
        for sink in (sink for sink in delivery.sinks if sink.once):
            written = sink.write(read.rows)
            if written.left:
                raise store_failed(sink, written.left)
            letters += refused_letters(sink, read.rows, written.refused)
    if letters:
        delivery.letters.send(letters)
    sent = len(letters)
    if read.rows.num_rows:
        for sink in (sink for sink in delivery.sinks if not sink.once):
            written = sink.write(read.rows)
            if written.left and len(written.left) + len(written.refused) == read.rows.num_rows:
                raise store_failed(sink, written.left)
            parked = refused_letters(sink, read.rows, {**written.refused, **written.left})
            if parked:
                delivery.letters.send(parked)
            sent += len(parked)
    return sent


def store_failed(sink: Sink, left: Mapping[int, str]) -> StoreFailed:
    """Return the error of rows that a store did not take in time."""
    reasons = "; ".join(sorted(set(left.values()))[:3])
    return StoreFailed(store=sink.name, cause=f"{len(left)} rows: {reasons}")


def refused_letters(sink: Sink, rows: pa.Table, reasons: Mapping[int, str]) -> list[DeadLetter]:
    """Return a letter for each row that is named by its number, with the reason."""
    if not reasons:
        return []
    numbers = sorted(reasons)
    chosen = rows.take(numbers)
    lines = json_rows(chosen, "iso", nested=True)
    columns = (chosen[name].to_pylist() for name in ("app_id", "event_id", "received_at"))
    return [
        row_letter(sink.name, app, event, line, reasons[number], _micros(received))
        for number, line, app, event, received in zip(numbers, lines, *columns, strict=True)
    ]


def rejected_letters(rejected: pa.Table) -> list[DeadLetter]:
    """Return a letter for each row of ``REJECTED_SCHEMA``."""
    return [
        DeadLetter(
            letter_id=row["rejected_id"],
            kind="event",
            reasons=tuple(row["reasons"]),
            body=row["body"],
            app_id=AppId(row["app_id"]),
            event_id=row["event_id"],
            received_at=_micros(row["received_at"]),
            origin=row["origin"],
            sender=Sender(*(row[name] for name in Sender.__struct_fields__)),
        )
        for row in rejected.to_pylist()
    ]


def _micros(moment: datetime) -> int:
    span = moment - EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
