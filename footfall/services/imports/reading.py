"""The bytes of one source, unpacked: what packs it is told by its first bytes, not by its name."""

import gzip
import os
import zlib
from types import TracebackType
from typing import IO, Any, Protocol, Self

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.accesslog.json_lines import json_text
from footfall.services.imports.sources import Source, unreadable

__all__ = ["SourceReader", "is_packed", "lines_end"]

_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ROWS = 20_000  # of a Parquet file that are JSON lines at a time
_LOOK_BACK = 64 << 10


def is_packed(beginning: bytes) -> bool:
    """Say whether a file that begins so holds its lines packed."""
    return beginning.startswith((_GZIP, _ZSTD, _PARQUET))


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


class _Beginning:
    """A file up to a byte: what a log that is being written holds in whole lines."""

    def __init__(self, file: IO[bytes], end: int) -> None:
        self._file, self._end = file, end

    def read(self, count: int, /) -> bytes:
        return self._file.read(max(0, min(count, self._end - self._file.tell())))

    def close(self) -> None:
        """Leave the file open: it is its owner's."""


class SourceReader:
    """A source's bytes, unpacked if they are gzip or Zstandard. A Parquet file is JSON lines, one a row.

    Of a source that is ``growing`` and not packed, the last line counts once it is ended.
    ``read`` raises BadSource when the source cannot be read or its packing is damaged, after the
    bytes before the damage; and what the source itself raises where it is an object of a store.
    """

    def __init__(self, source: Source, format: str) -> None:
        self._name, self._format = source.name, format
        try:
            self._file = source.opened()
            magic = self._file.read(4)
            self._file.seek(0)
            self.packed = is_packed(magic)
            self._stream: _Stream = self._file
            if magic.startswith(_GZIP):
                self._stream = gzip.GzipFile(fileobj=self._file)
            elif magic.startswith(_ZSTD):
                self._stream = pa.CompressedInputStream(self._file, "zstd")
            elif magic == _PARQUET:
                self._stream = ParquetLines(self._file)
            elif source.growing:
                self._stream = _Beginning(self._file, lines_end(self._file))
        except OSError as error:
            raise unreadable(source.name, format, error) from error

    def read(self, count: int) -> bytes:
        """Return the next bytes, ``count`` of them unless the source ends before."""
        parts: list[bytes] = []
        missing = count
        while missing:
            try:
                part = self._stream.read(min(missing, 1 << 20))
            except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
                if parts:
                    break  # the damage is met again by the next read, when these bytes are safe
                raise unreadable(self._name, self._format, error) from error
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
        """Return how many bytes of the source itself, packed as it is, have been read."""
        return self._file.tell() if not self._file.closed else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._file.close()


def lines_end(file: IO[bytes]) -> int:
    """Return the byte behind the file's last newline; leave the file at its beginning."""
    end = file.seek(0, os.SEEK_END)
    while end:
        begin = max(0, end - _LOOK_BACK)
        file.seek(begin)
        newline = file.read(end - begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    file.seek(0)
    return end
