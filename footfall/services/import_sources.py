"""The files of an import: found by path, folder or glob, and opened whether packed or not.

What is in them belongs to ``import_blocks`` (cutting, read positions) and ``core`` (formats).
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.accesslog.json_lines import json_text
from footfall.errors import BadSource

__all__ = ["Source", "SourceReader", "find_sources"]

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ROWS = 20_000  # of a Parquet file that are JSON lines at a time


@dataclass(frozen=True, slots=True)
class Source:
    """One file; ``named`` when the caller gave its path, not only a folder or glob above it."""

    path: Path
    size: int
    named: bool


def find_sources(format: str, paths: Sequence[str]) -> list[Source]:
    """Return the files behind the paths, each once, in the order given and by name within a folder.

    A folder means all files below it but hidden ones. Raises BadSource for a path with nothing behind it.
    """
    found: dict[Path, Source] = {}
    for given in paths:
        path = Path(given).expanduser()
        if path.is_file():
            files, named = [path], True
        elif path.is_dir():
            files, named = sorted(_below(path)), False
        else:
            files, named = sorted(_matching(path)), False
        if not files:
            raise BadSource(
                path=given,
                format=format,
                cause="there is no file by this name, in this folder or for this pattern",
                hint="Give files, folders or globs of this machine",
            )
        for file in files:
            try:
                source = Source(file, file.stat().st_size, named)
            except OSError as error:
                raise _unreadable(file, format, error) from error
            found.setdefault(file.resolve(), source)
    return list(found.values())


def _matching(pattern: Path) -> list[Path]:
    relative = str(pattern.relative_to(pattern.anchor))
    return [path for path in Path(pattern.anchor or ".").glob(relative or "*") if path.is_file()]


def _below(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


class _Stream(Protocol):
    def read(self, count: int, /) -> bytes: ...
    def close(self) -> None: ...


class ParquetLines:
    """The rows of a Parquet file as JSON lines. Raises pyarrow's errors for damage."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._batches: Any = None  # opened by the first read, whose errors are told
        self._rest = b""

    def read(self, count: int, /) -> bytes:
        """Return the next bytes, fewer than ``count`` where a batch ends; none at the end."""
        if self._batches is None:
            self._batches = pq.ParquetFile(self._file).iter_batches(batch_size=_ROWS)
        while not self._rest and (batch := next(self._batches, None)) is not None:
            self._rest = json_text(pa.Table.from_batches([batch]))
        part, self._rest = self._rest[:count], self._rest[count:]
        return part

    def close(self) -> None:
        """Forget the batches; the file is its owner's."""
        self._batches, self._rest = iter(()), b""


class SourceReader:
    """A file's bytes, unpacked if they are gzip or Zstandard (told by their first bytes, not the name).

    A Parquet file is read as JSON lines, one a row.

    ``read`` raises BadSource when the file cannot be read or its packing is damaged; bytes before
    the damage are given first.
    """

    def __init__(self, path: Path, format: str) -> None:
        self._path, self._format = path, format
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise _unreadable(path, format, error) from error
        magic = self._file.read(4)
        self._file.seek(0)
        self.packed = magic.startswith((_GZIP, _ZSTD, _PARQUET))
        if magic.startswith(_GZIP):
            self._stream: _Stream = gzip.GzipFile(fileobj=self._file)
        elif magic.startswith(_ZSTD):
            self._stream = pa.CompressedInputStream(self._file, "zstd")
        elif magic == _PARQUET:
            self._stream = ParquetLines(self._file)
        else:
            self._stream = self._file

    def read(self, count: int) -> bytes:
        """Return the next bytes, ``count`` of them unless the file ends before."""
        parts: list[bytes] = []
        missing = count
        while missing:
            try:
                part = self._stream.read(min(missing, 1 << 20))
            except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
                if parts:
                    break  # the damage is met again by the next read, when these bytes are safe
                raise _unreadable(self._path, self._format, error) from error
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over bytes at the beginning; packed ones must be unpacked for it."""
        if not self.packed:
            self._file.seek(count)
            return
        while count and (passed := self.read(min(count, 1 << 20))):
            count -= len(passed)

    def consumed(self) -> int:
        """Return how many bytes of the file itself, packed as it is, have been read."""
        return self._file.tell() if not self._file.closed else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._file.close()


def _unreadable(path: Path, format: str, error: Exception) -> BadSource:
    return BadSource(
        path=path,
        format=format,
        cause=f"it cannot be read to its end ({error})",
        hint="Mend the file and import it again: what was read before the damage is kept and not doubled",
    )
