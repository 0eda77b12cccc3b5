"""The raw archive in a folder: blocks by day of receipt, each with its checksum, never changed.

What a block is made of is said in ``core.raw_block``.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from footfall.core.raw_block import (
    CHECKSUM,
    block_name,
    check_line,
    day_folder,
    day_of,
    decode_block,
    encode_block,
    lost_block,
    parse_name,
)
from footfall.core.record import Logged
from footfall.errors import StoreFailed

__all__ = ["FolderArchive"]

DAY_US = 86_400_000_000


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
            day = day_of(block.path.parent.as_posix())
            if day is None or day >= _day_after(end) or day < start.date():
                continue
            for logged in _read_block(block.path):
                if first <= logged.record.received_at < last:
                    yield logged

    def expire(self, before: datetime) -> int:
        """See the port."""
        gone = 0
        for folder in sorted(self._folder.glob("year=*/month=*/day=*")):
            day = day_of(folder.as_posix())
            if day is not None and day < before.date():
                gone += sum(1 for path in folder.iterdir() if parse_name(path.name))
                shutil.rmtree(folder)
        return gone

    def _blocks(self) -> list[Block]:
        """Return all blocks, by day, then log and offset."""
        found = []
        for path in self._folder.glob("year=*/month=*/day=*/*.ndjson.zst"):
            name = parse_name(path.name)
            if name:
                found.append(Block(path, *name))
        return sorted(found, key=lambda block: (block.path.parent, block.log, block.first))

    def _reached_of(self, log: str) -> int:
        if log not in self._reached:
            lasts = [block.last for block in self._blocks() if block.log == log]
            self._reached[log] = max(lasts, default=0)
        return self._reached[log]

    def _write_block(self, day: date, records: list[Logged]) -> int:
        log, first, last = records[0].log, records[0].offset, records[-1].offset
        folder = self._folder / day_folder(day)
        folder.mkdir(parents=True, exist_ok=True)
        name = block_name(log, first, last)
        block = encode_block(records)
        # The checksum goes first: a block that can be seen can be verified.
        _write_whole(folder / f"{name}{CHECKSUM}", check_line(block, name).encode())
        _write_whole(folder / name, block)
        self._reached[log] = last
        return len(block)


def _read_block(path: Path) -> Iterator[Logged]:
    try:
        block = path.read_bytes()
        check = path.with_name(f"{path.name}{CHECKSUM}").read_text()
    except OSError as error:
        cause = f"{error.filename} cannot be read ({error.strerror})"
        raise lost_block(str(path), cause) from error
    yield from decode_block(block, check, str(path))


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
