"""Small log files read together: parsing takes a few milliseconds however few lines there are.

A bundle is one block to whoever makes rows of it, and keeps the position of each of its pieces. It is
for lines without fault only: where one is refused, each piece is read by itself, which tells its
file and line.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import NamedTuple

from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.errors import FootfallError
from footfall.services.imports.blocks import Block, Known, blocks, find_start
from footfall.services.imports.layouts import looks_like
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.sources import Source

__all__ = ["Bundle", "Piece", "piece_of"]

BUNDLE_BYTES = 8 << 20
PIECE_BYTES = 1 << 20  # unpacked; a larger one is worth a block of its own


class Piece(NamedTuple):
    """A source that is one block, from its beginning to its end."""

    source: Source
    block: Block

    @property
    def head(self) -> str:
        """Those that begin alike share it: one may be the beginning of another."""
        return self.block.position.partition("-")[0]

    @property
    def data(self) -> bytes:
        """Its lines, the last one ended."""
        return self.block.data if self.block.data.endswith(b"\n") else self.block.data + b"\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Pieces of one format."""

    pieces: Sequence[Piece]

    @property
    def is_full(self) -> bool:
        """Whether it is worth being read."""
        return sum(len(piece.block.data) for piece in self.pieces) >= BUNDLE_BYTES

    @property
    def block(self) -> Block:
        """All lines as one block; each has the id that it has in its own content."""
        data = [piece.data for piece in self.pieces]
        begins = accumulate(map(len, data), initial=0)
        joined = tuple(
            (begin, piece.block.position) for begin, piece in zip(begins, self.pieces, strict=False)
        )
        whole = b"".join(data)
        return Block(whole, 0, 1, len(whole), "bundle", joined=joined)

    @property
    def may_come_again(self) -> bool:
        """Whether a line of it will be read again should its file grow."""
        return any(piece.block.may_come_again for piece in self.pieces)

    @property
    def positions(self) -> Mapping[str, int]:
        """The positions that stand for the pieces' contents."""
        return {piece.block.position: piece.block.end for piece in self.pieces}

    @property
    def lines(self) -> Sequence[int]:
        """How many lines each piece has; headers are none."""
        return [_lines(piece.data) for piece in self.pieces]


def _lines(data: bytes) -> int:
    headers = data.count(b"\n#") + data.startswith(b"#")
    return data.count(b"\n") - headers


def piece_of(source: Source, format: str, app_id: str, known: Known, *, sure: bool = True) -> Piece | None:
    """Return a small source of which nothing is known as a piece; None when it must be read by itself.

    Where it is not ``sure`` that it is of the format, its first lines must tell.
    """
    log = LOG_FORMATS.get(format)
    if log is None or source.growing or source.size > PIECE_BYTES:
        return None
    try:
        with SourceReader(source, format) as reader:
            data = reader.read(PIECE_BYTES + 1)
            reader.read(1)  # damage behind the last bytes is raised here
    except FootfallError:
        return None  # told by who reads it by itself
    if len(data) > PIECE_BYTES or (log.headed and not data.startswith(b"#")):
        return None
    if not sure and not looks_like(data, format):
        return None
    start = find_start(io.BytesIO(data), app_id, known)
    if start.offset:
        return None
    cut = list(islice(blocks(io.BytesIO(data), start), 2))
    return Piece(source, cut[0]) if len(cut) == 1 and not cut[0].too_long else None
