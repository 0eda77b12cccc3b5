"""The raw archive: compressed NDJSON by day of receipt, each block with its checksum, never changed.

Layout: ``year=/month=/day=/<log>-<first>-<last>.ndjson.zst`` and beside it ``….sha256`` as
``sha256sum`` writes it. The same on a disk and on S3.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct

from footfall.core.record import AppId, Logged, Offset, Record, RecordKind, Sender
from footfall.errors import BadSource, StoreFailed

__all__ = ["FolderArchive"]

FORMAT = "raw archive"
NAME = re.compile(r"(?P<log>.+)-(?P<first>\d+)-(?P<last>\d+)\.ndjson\.zst")
HINT = "Put back a good copy of this block and its .sha256, or delete both to go on without it"
DAY_US = 86_400_000_000


class SenderLine(Struct, frozen=True):
    """The sender, with names: what Spark and people read."""

    ip: str | None = None
    country: str | None = None
    user_agent: str | None = None
    language: str | None = None
    visitor_hash: str | None = None


class Line(Struct, frozen=True):
    """One record as it stands in a block; ``events`` last, so that it can be joined as bytes."""

    log: str
    offset: int
    kind: RecordKind
    app_id: str
    origin: str
    received_at: int
    count: int
    sender: SenderLine
    events: msgspec.Raw


class Block(NamedTuple):
    """A block's place and which offsets of which log it holds."""

    path: Path
    log: str
    first: int
    last: int


class FolderArchive:
    """The RawArchive port on a folder. One thread writes; any may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reached: dict[str, int] = {}

    def write(self, records: Sequence[Logged]) -> int:
        """See the port; records come in the log's order. Raises StoreFailed.

        What was written of them already, by a run that ended before it could trim the log, is left
        as it is.
        """
        new = [each for each in records if each.offset > self._reached_of(each.log)]
        written = 0
        for day, run in groupby(new, key=lambda each: each.record.received_at // DAY_US):
            try:
                written += self._write_block(date(1970, 1, 1) + timedelta(days=day), list(run))
            except OSError as error:
                raise StoreFailed(store="The raw archive", cause=error.strerror or error) from error
        return written

    def read(self, start: datetime, end: datetime) -> Iterator[Logged]:
        """See the port; each block's checksum is verified before its first record is given."""
        first, last = _micros(start), _micros(end)
        for block in self._blocks():
            day = _day_of(block.path.parent)
            if day is None or day >= _day_after(end) or day < start.date():
                continue
            for logged in _read_block(block.path):
                if first <= logged.record.received_at < last:
                    yield logged

    def expire(self, before: datetime) -> int:
        """See the port."""
        gone = 0
        for folder in sorted(self._folder.glob("year=*/month=*/day=*")):
            day = _day_of(folder)
            if day is not None and day < before.date():
                gone += sum(1 for path in folder.iterdir() if NAME.fullmatch(path.name))
                shutil.rmtree(folder)
        return gone

    def _blocks(self) -> list[Block]:
        """Return all blocks, by day, then log and offset."""
        found = []
        for path in self._folder.glob("year=*/month=*/day=*/*.ndjson.zst"):
            match = NAME.fullmatch(path.name)
            if match:
                found.append(Block(path, match["log"], int(match["first"]), int(match["last"])))
        return sorted(found, key=lambda block: (block.path.parent, block.log, block.first))

    def _reached_of(self, log: str) -> int:
        if log not in self._reached:
            lasts = [block.last for block in self._blocks() if block.log == log]
            self._reached[log] = max(lasts, default=0)
        return self._reached[log]

    def _write_block(self, day: date, records: list[Logged]) -> int:
        log, first, last = records[0].log, records[0].offset, records[-1].offset
        folder = self._folder / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{log}-{first}-{last}.ndjson.zst"
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(b"".join(map(_line, records)))
        block = sink.getvalue().to_pybytes()
        # The checksum goes first: a block that can be seen can be verified.
        check = f"{hashlib.sha256(block).hexdigest()}  {name}\n".encode()
        _write_whole(folder / f"{name}.sha256", check)
        _write_whole(folder / name, block)
        self._reached[log] = last
        return len(block)


def _line(logged: Logged) -> bytes:
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


def _read_block(path: Path) -> Iterator[Logged]:
    try:
        block = path.read_bytes()
        expected = path.with_name(f"{path.name}.sha256").read_text().split(" ")[0]
    except OSError as error:
        cause = f"{error.filename} cannot be read ({error.strerror})"
        raise BadSource(path=path, format=FORMAT, cause=cause, hint=HINT) from error
    if hashlib.sha256(block).hexdigest() != expected:
        cause = "its bytes do not match its checksum"
        raise BadSource(path=path, format=FORMAT, cause=cause, hint=HINT)
    decoder = msgspec.json.Decoder(Line)
    try:
        with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
            lines = stream.read().splitlines()
        yield from (_logged(decoder.decode(line)) for line in lines)
    except (OSError, msgspec.DecodeError) as error:
        raise BadSource(path=path, format=FORMAT, cause=error, hint=HINT) from error


def _logged(line: Line) -> Logged:
    record = Record(
        kind=line.kind,
        app_id=AppId(line.app_id),
        origin=line.origin,
        received_at=line.received_at,
        count=line.count,
        sender=Sender(*(getattr(line.sender, name) for name in Sender.__struct_fields__)),
        body=bytes(line.events),
    )
    return Logged(line.log, Offset(line.offset), record)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is seen whole or not at all, also after a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _micros(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def _day_after(end: datetime) -> date:
    """Return the first day that holds nothing before ``end``."""
    return (end - timedelta(microseconds=1)).date() + timedelta(days=1)


def _day_of(folder: Path) -> date | None:
    match = re.search(r"year=(\d{4})/month=(\d{2})/day=(\d{2})$", folder.as_posix())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
