"""A file cut into blocks of whole lines, with the read position that stands for its content.

A position's name is a hash of the app and of all bytes up to it, so it is the content that is known
again and not the file: under another name, packed or grown, it is read on from where it ended.
Where a file is known to have only grown, the hash goes on from the position that stood at its end
instead of from the first byte (``go_on``); the name then says from which.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

import numpy as np

__all__ = [
    "BLOCK_BYTES",
    "LINE_BYTES",
    "Block",
    "ByteStream",
    "Known",
    "Start",
    "blocks",
    "find_start",
    "go_on",
    "known_content",
    "learn",
    "line_ends",
    "whole_lines",
]

BLOCK_BYTES = 4 << 20  # some 17,000 lines of an access log; larger ones are no faster, and take more memory
LINE_BYTES = 1 << 20  # the longest line: as the collector's largest body
KEPT_BYTES = 64 << 10  # what is kept of a longer one: as of a rejected event
_HEAD_BYTES = 4_096
_PREFIX = "file:"

Known = dict[str, dict[int, set[str]]]
"""Names of positions by head, then by the byte that each stands for."""

RecordEnd = Callable[[bytes], int]


class ByteStream(Protocol):
    """What blocks are read from."""

    def read(self, count: int, /) -> bytes:
        """Return the next bytes, fewer than ``count`` only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: ``data`` starts at byte ``offset`` of the content, with line ``line`` (from 1).

    ``position`` names the content up to its byte ``end``. ``resumed`` is the position that the
    block follows when that ended inside the first line here. ``too_long`` marks one single line
    above the limit, of which ``data`` holds the beginning. ``joined`` tells where in ``data`` each of
    several contents begins, and its position.
    """

    data: bytes
    offset: int
    line: int
    end: int
    position: str
    resumed: str | None = None
    too_long: bool = False
    joined: tuple[tuple[int, str], ...] = ()

    @property
    def contents(self) -> list[tuple[int, str]]:
        """At which byte of ``data`` each content begins, and what its lines' ids begin with."""
        begun = self.joined or ((-self.offset, self.position),)
        return [(begin, position.rpartition("-")[2]) for begin, position in begun]

    @property
    def may_come_again(self) -> bool:
        """Whether a line of it was, or will be, read twice: the last one of a file that was not ended."""
        return self.resumed is not None or not self.data.endswith(b"\n")

    def line_id(self, offset: int) -> str:
        """Return the event id of the line at byte ``offset`` of this block.

        It is made from the content up to the block's end and the line's byte, so the same bytes
        give the same id, and equal lines of different files differ.
        """
        name = self.resumed if self.resumed and offset == 0 else self.position
        return f"{name.rpartition('-')[2]}-{self.offset + offset}"


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading begins: ``offset`` of the content, in line ``line``; 0 and 1 for a new file.

    ``position`` is the known position found there. ``line_start`` lies before ``offset`` when the
    content ended inside a line at that time.
    """

    head: str
    hash: blake2b
    offset: int = 0
    line: int = 1
    position: str | None = None
    line_start: int = 0


def known_content(positions: Mapping[str, int]) -> Known:
    """Arrange the committed positions of files."""
    known: Known = {}
    learn(known, positions)
    return known


def learn(known: Known, positions: Mapping[str, int]) -> None:
    """Add positions to the known ones."""
    for name, offset in positions.items():
        head, dash, _ = name.partition("-")
        if name.startswith(_PREFIX) and dash:
            known.setdefault(head.partition("~")[0], {}).setdefault(offset, set()).add(name)


def _mark(position: str) -> str:
    """Return what the names of positions begin with whose hash goes on from this one."""
    head, _, digest = position.partition("-")
    return f"{head.partition('~')[0]}~{digest}"


def go_on(app_id: str, position: str, offset: int, line: int) -> Start:
    """Start behind a known position that ends a line, trusting that the bytes before are the same."""
    return Start(_mark(position), _hash_of(app_id, position), offset, line, position, offset)


def _hash_of(app_id: str, position: str = "") -> blake2b:
    seed = app_id.encode("utf-8", "surrogatepass") + b"\0" + position.encode()
    return blake2b(seed, digest_size=12)


def find_start(stream: ByteStream, app_id: str, known: Known) -> Start:
    """Return the furthest known position whose bytes are all the same as the stream's.

    The head (a hash of the first line) only spares the reading of files that cannot be known; what
    decides is the hash over every byte before the position. Reads the stream no further than needed.
    """
    data = stream.read(_HEAD_BYTES)
    heads = _heads(app_id, data)
    best = Start(heads[0], _hash_of(app_id))
    places: dict[int, set[str]] = {}
    for head in heads:
        for place, names in known.get(head, {}).items():
            places[place] = places.get(place, set()) | names
    hashes = {head: _hash_of(app_id) for head in heads}  # by the beginning of the names that they give
    last = {name.partition("-")[0]: place for place in sorted(places) for name in places[place]}
    offset, newlines, line_start = 0, 0, 0
    for place in sorted(places):
        while offset < place and data:
            part, data = data[: place - offset], data[place - offset :]
            for hashed in hashes.values():
                hashed.update(part)
            if b"\n" in part:
                newlines += line_ends(part)
                line_start = offset + part.rfind(b"\n") + 1
            offset += len(part)
            data = data or stream.read(min(1 << 20, place - offset))
        if offset < place:
            break
        data = data or stream.read(1 << 20)
        unfinished = line_start < offset and data[:1] not in {b"", b"\r", b"\n"}
        for begin, hashed in list(hashes.items()):
            name = f"{begin}-{hashed.hexdigest()}"
            if name in places[place]:
                begin_line = line_start if unfinished else offset
                best = Start(begin, hashed.copy(), offset, newlines + 1, name, begin_line)
                hashes[_mark(name)] = _hash_of(app_id, name)
        hashes = {begin: hashed for begin, hashed in hashes.items() if last.get(begin, 0) > place}
    return best


def _heads(app_id: str, data: bytes) -> list[str]:
    """Return the names' beginning for a file that begins so, and that from when it was shorter.

    It is made of the first line that is no header, for all logs of a kind begin with the same headers; of
    the first line while there is no such, or not to its end.
    """
    begin = 0
    while data.startswith(b"#", begin) and (end := data.find(b"\n", begin)) >= 0:
        begin = end + 1
    firsts = [data[begin : data.find(b"\n", begin) + 1], data[: data.find(b"\n") + 1] or data]
    seed = app_id.encode("utf-8", "surrogatepass") + b"\0"
    return [
        _PREFIX + blake2b(seed + first, digest_size=6).hexdigest()
        for first in dict.fromkeys(firsts)
        if first or not data
    ]


def line_ends(data: bytes) -> int:
    """Count the newlines; NumPy takes a quarter of the time of ``bytes.count``."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def whole_lines(data: bytes) -> int:
    """Return how many of the bytes are whole lines."""
    return data.rfind(b"\n") + 1


def blocks(stream: ByteStream, start: Start, record_end: RecordEnd = whole_lines) -> Iterator[Block]:
    """Cut a stream, placed at ``start.line_start``, into blocks of at most ``BLOCK_BYTES``.

    ``record_end`` says how many bytes hold whole records (lines, unless quotes may span them). The
    last line counts without a newline too; should the file grow, it is read again whole.
    """
    cutter = _Cutter(start)
    rest = b""
    while True:
        data = rest + stream.read(BLOCK_BYTES - len(rest))
        last = len(data) < BLOCK_BYTES
        end = len(data) if last else record_end(data) or whole_lines(data)
        if end:
            yield from cutter.cut(data[:end])
            rest = data[end:]
        elif data:
            block, rest, last = cutter.skip(data, stream)
            yield block
        if last:
            stream.read(1)  # damage behind the last bytes that could be read is raised here
            return


class _Cutter:
    """The running hash and line number of one pass over a file."""

    def __init__(self, start: Start) -> None:
        self._head, self._hash = start.head, start.hash.copy()
        self._offset, self._line = start.line_start, start.line
        self._hashed = start.offset - start.line_start  # bytes that the hash has had already
        self._resumed = start.position if self._hashed else None

    def cut(self, data: bytes) -> Iterator[Block]:
        """Yield the lines as one block, but for lines above the limit, which come alone."""
        newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
        ends = newlines if data.endswith(b"\n") else np.append(newlines, len(data))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        done = 0
        for place in np.flatnonzero(ends - starts > LINE_BYTES).tolist():
            begin, end = int(starts[place]), int(ends[place])
            if begin > done:
                yield self._block(data[done:begin])
            yield self._block(data[begin:end], too_long=True)
            done = end
        if done < len(data):
            yield self._block(data[done:] if done else data)

    def skip(self, data: bytes, stream: ByteStream) -> tuple[Block, bytes, bool]:
        """Read on to the end of a line larger than a block, keeping only its beginning.

        Returns it with the bytes read behind it, and whether the stream ended with it.
        """
        kept, begin, line = data[:KEPT_BYTES], self._offset, self._line
        end = 0
        while data and not end:
            self._take(data)
            data = stream.read(LINE_BYTES)
            end = data.find(b"\n") + 1
        self._take(data[:end])
        return self._named(kept, begin, line, too_long=True), data[end:], not data

    def _block(self, data: bytes, *, too_long: bool = False) -> Block:
        begin, line = self._offset, self._line
        self._take(data)
        return self._named(data[:KEPT_BYTES] if too_long else data, begin, line, too_long=too_long)

    def _take(self, data: bytes) -> None:
        self._hash.update(memoryview(data)[self._hashed :])
        self._hashed = max(0, self._hashed - len(data))
        self._offset += len(data)
        self._line += line_ends(data)

    def _named(self, data: bytes, offset: int, line: int, *, too_long: bool) -> Block:
        resumed, self._resumed = self._resumed, None
        position = f"{self._head}-{self._hash.hexdigest()}"
        return Block(data, offset, line, self._offset, position, resumed, too_long)
