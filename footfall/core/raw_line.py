"""One record as one line of JSON: how it stands in the raw archive, in Kinesis and in Firehose.

Apart from ``raw_block`` so that a door which needs no Arrow does not load it.
"""

import gzip
import zlib

import msgspec
from msgspec import Struct

from footfall.core.record import AppId, Logged, Offset, Record, RecordKind, Sender

__all__ = ["GZIP", "read_line", "write_line"]

GZIP = b"\x1f\x8b"
"""How a compressed line begins: one that a store would not have taken as it is."""


class SenderLine(Struct, frozen=True):
    """The sender, with names: what people and other programs read."""

    ip: str | None = None
    country: str | None = None
    user_agent: str | None = None
    language: str | None = None
    visitor_hash: str | None = None


class Line(Struct, frozen=True):
    """One record; ``events`` last, so that it can be joined as bytes."""

    log: str
    offset: int
    kind: RecordKind
    app_id: str
    origin: str
    received_at: int
    count: int
    sender: SenderLine
    events: msgspec.Raw


_read = msgspec.json.Decoder(Line).decode


def write_line(logged: Logged) -> bytes:
    """Return the record as a line, with its end."""
    record = logged.record
    head = {
        "log": logged.log,
        "offset": logged.offset,
        "kind": record.kind,
        "app_id": record.app_id,
        "origin": record.origin,
        "received_at": record.received_at,
        "count": record.count,
        "sender": SenderLine(*(getattr(record.sender, name) for name in SenderLine.__struct_fields__)),
    }
    # A raw newline in JSON can only be white space between values, so a space says the same.
    body = record.body.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.json.encode(head)[:-1] + b',"events":' + body + b"}\n"


def read_line(line: bytes) -> Logged:
    """Return the record that a line holds, compressed or not. Raises msgspec.DecodeError."""
    if line.startswith(GZIP):
        try:
            line = gzip.decompress(line)
        except (OSError, EOFError, zlib.error) as error:
            raise msgspec.DecodeError(f"it is no sound gzip: {error}") from error
    read = _read(line)
    record = Record(
        kind=read.kind,
        app_id=AppId(read.app_id),
        origin=read.origin,
        received_at=read.received_at,
        count=read.count,
        sender=Sender(*(getattr(read.sender, name) for name in Sender.__struct_fields__)),
        body=bytes(read.events),
    )
    return Logged(read.log, Offset(read.offset), record)
