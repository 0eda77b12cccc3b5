"""The raw archive's blocks wherever they lie, a folder or S3: listed here, read where the work is."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import fs

from footfall.core.raw_block import CHECKSUM, day_of, decode_block, lost_block, parse_name
from footfall.core.record import Logged
from footfall.errors import NotFound

__all__ = ["RawBlock", "list_blocks", "read_block"]


class RawBlock(NamedTuple):
    """A block: where it lies, the day of its receipt, which offsets of which log, and its bytes."""

    place: str
    day: date
    log: str
    first: int
    last: int
    size: int


def list_blocks(archive: str) -> list[RawBlock]:
    """Return all blocks of an archive, by day, then log and offset; ``archive`` is a folder or s3://.

    Raises NotFound when there is no such archive, or nothing in it.
    """
    try:
        files, path = _opened(archive)
        listed = files.get_file_info(fs.FileSelector(path, recursive=True))
    except (OSError, pa.ArrowInvalid) as error:
        raise _no_archive(archive, error) from error
    prefix, query = _around(archive, path)
    found = []
    for info in listed:
        name, day = parse_name(info.base_name), day_of(info.path.rpartition("/")[0])
        if name and day:
            found.append(RawBlock(f"{prefix}{info.path}{query}", day, *name, info.size))
    if not found:
        raise _no_archive(archive, "no block lies below it")
    return sorted(found, key=lambda block: (block.day, block.log, block.first))


def read_block(place: str) -> Iterator[Logged]:
    """Yield a block's records once its checksum is verified. Raises BadSource."""
    try:
        files, path = _opened(place)
        block, check = _content(files, path), _content(files, f"{path}{CHECKSUM}")
    except (OSError, pa.ArrowInvalid) as error:
        raise lost_block(place, error) from error
    yield from decode_block(block, check.decode("ascii", "replace"), place)


def _opened(place: str) -> tuple[Any, str]:
    if "://" not in place:
        return fs.LocalFileSystem(), place
    # s3a is what Hadoop calls it.
    return fs.FileSystem.from_uri(place.replace("s3a://", "s3://", 1))  # type: ignore[no-any-return]


def _around(archive: str, path: str) -> tuple[str, str]:
    """Return what stands before and after the path in the archive's name."""
    if "://" not in archive:
        return "", ""
    before, _, query = archive.partition("?")
    return before[: before.rindex(path)] if path in before else "s3://", f"?{query}" if query else ""


def _content(files: Any, path: str) -> bytes:
    with files.open_input_stream(path, compression=None) as stream:
        content: bytes = stream.read()
    return content


def _no_archive(archive: str, cause: object) -> NotFound:
    hint = f"It is the folder raw/ of a data folder, or its copy on S3 ({cause})"
    return NotFound(what="raw archive", name=archive, hint=hint)
