"""A block of the raw archive as bytes: compressed NDJSON, one record a line, with its checksum.

Layout: ``year=/month=/day=/<log>-<first>-<last>.ndjson.zst`` and beside it ``….sha256`` as
``sha256sum`` writes it; the day is that of the receipt. The same in a folder and on S3; where the
bytes lie, the adapters know.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
import pyarrow as pa

from footfall.core.raw_line import read_line, write_line
from footfall.core.record import Logged
from footfall.errors import BadSource

__all__ = [
    "CHECKSUM",
    "BlockName",
    "block_name",
    "check_line",
    "day_folder",
    "day_of",
    "decode_block",
    "encode_block",
    "lost_block",
    "parse_name",
]

CHECKSUM = ".sha256"
FORMAT = "raw archive"
NAME = re.compile(r"(?P<log>.+)-(?P<first>\d+)-(?P<last>\d+)\.ndjson\.zst")
DAY = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})$")
HINT = "Put back a good copy of this block and its .sha256, or delete both to go on without it"


class BlockName(NamedTuple):
    """What a block's file name says: which offsets of which log it holds."""

    log: str
    first: int
    last: int


def parse_name(name: str) -> BlockName | None:
    """Return what a file name says; None when it is no block's."""
    match = NAME.fullmatch(name)
    return BlockName(match["log"], int(match["first"]), int(match["last"])) if match else None


def block_name(log: str, first: int, last: int) -> str:
    """Return the file name of a block."""
    return f"{log}-{first}-{last}.ndjson.zst"


def day_folder(day: date) -> str:
    """Return the folder of a day's blocks, from the archive's top."""
    return f"year={day:%Y}/month={day:%m}/day={day:%d}"


def day_of(folder: str) -> date | None:
    """Return the day that a folder is for; None when it is none's."""
    match = DAY.search(folder)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def encode_block(records: Sequence[Logged]) -> bytes:
    """Return the bytes of a block."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(b"".join(map(write_line, records)))
    block: bytes = sink.getvalue().to_pybytes()
    return block


def check_line(block: bytes, name: str) -> str:
    """Return the text of the checksum file beside a block."""
    return f"{hashlib.sha256(block).hexdigest()}  {name}\n"


def decode_block(block: bytes, check: str, path: str) -> Iterator[Logged]:
    """Yield a block's records, once its bytes match their checksum.

    Raises BadSource naming ``path`` when they don't, or when a line is not of this layout.
    """
    if hashlib.sha256(block).hexdigest() != check.split(" ")[0]:
        raise lost_block(path, "its bytes do not match its checksum")
    try:
        with pa.CompressedInputStream(pa.BufferReader(block), "zstd") as stream:
            lines = stream.read().splitlines()
        yield from map(read_line, lines)
    except (OSError, msgspec.DecodeError) as error:
        raise lost_block(path, error) from error


def lost_block(path: str, cause: object) -> BadSource:
    """Return the error of a block that cannot be used."""
    return BadSource(path=path, format=FORMAT, cause=cause, hint=HINT)
