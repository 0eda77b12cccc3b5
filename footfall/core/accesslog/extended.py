"""The W3C extended log format: lines below a ``#Fields:`` line that names them, and may change.

https://www.w3.org/TR/WD-logfile. IIS and CloudFront write it; what each means by a field is theirs.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells, cut_cells, filled_lines, trusted
from footfall.core.accesslog.columnar import PADDING, Ints
from footfall.core.accesslog.fields import Parsed, Refused
from footfall.core.accesslog.grid import Sign, grid_of
from footfall.core.accesslog.meaning import joined

__all__ = ["Below", "last_header", "moment_cell", "names_of", "parse_below"]

HEADER_BYTES = 8_192
BOM = b"\xef\xbb\xbf"
_FIELDS = re.compile(rb"#Fields:[ \t]*", re.IGNORECASE)
_WORD = re.compile(r'"((?:[^"]|"")*)"(?=\s|$)|(\S+)')


class Below(NamedTuple):
    """How the lines below a header are read."""

    delimiter: str
    lines: Callable[[bytes, Cells, str | None], Parsed]
    refusal: Callable[[str | None], str | None]  # why no line below this header is of the format
    default: str | None = None  # the header of a log that has none


def names_of(header: str) -> list[str]:
    """Return the names in ``#Fields: a b c``."""
    return header.partition(":")[2].split()


def parse_below(block: bytes, header: str | None, way: Below) -> Parsed:
    """Read a block whose first lines stand below ``header``; lines of one header at once."""
    starts, ends, lines = filled_lines(block)
    if block.startswith(BOM) and len(starts) and starts[0] == 0:
        starts = starts.copy()
        starts[0] = min(len(BOM), int(ends[0]) - 1)
    buffer = np.frombuffer(block or b"\n", np.uint8)
    marked = np.flatnonzero(buffer[starts] == ord("#")) if len(starts) else np.zeros(0, np.int64)
    header = header or way.default
    below: dict[str | None, list[Ints]] = {}
    place = 0
    for mark in [*marked.tolist(), len(starts)]:
        if mark > place:
            below.setdefault(header, []).append(np.arange(place, mark))
        place = mark + 1
        if mark < len(starts):
            header = _header(block[starts[mark] : ends[mark]]) or header
    parts = [
        _parse_group(block, name, way, *(each[np.concatenate(some)] for each in (starts, ends, lines)))
        for name, some in below.items()
    ]
    return joined(parts, header)


def _header(line: bytes) -> str | None:
    found = _FIELDS.match(line[:HEADER_BYTES])
    return (
        "#Fields: " + " ".join(line[found.end() : HEADER_BYTES].decode("latin-1").split())
        if found
        else None
    )


def last_header(parts: Iterable[bytes]) -> str | None:
    """Return the last ``#Fields`` line of bytes that come in parts and end with a whole line."""
    header, rest = None, b"\n"
    for part in parts:
        data = rest + part
        end = data.rfind(b"\n")
        place = max(data.rfind(b"\n#Fields:", 0, end), data.rfind(b"\n" + BOM + b"#Fields:", 0, end))
        if place >= 0:
            line = data[place + 1 : place + 1 + HEADER_BYTES].partition(b"\n")[0]
            header = _header(line.removeprefix(BOM)) or header
        rest = data[max(0, end) :][-HEADER_BYTES:]
    return header


def _parse_group(
    block: bytes, header: str | None, way: Below, starts: Ints, ends: Ints, lines: Ints
) -> Parsed:
    refusal = way.refusal(header)
    names = [] if refusal or header is None else names_of(header)
    if refusal:
        every = _places(starts, ends, lines)
        return Parsed(joined([]).rows, tuple(_refused(block, *place, refusal, header) for place in every))
    padded = block + bytes(PADDING)
    grid = grid_of(padded, starts, ends, Sign(way.delimiter, quotes=False))
    buffer = np.frombuffer(padded, np.uint8)
    # A first cell in quotes may hold delimiters; as IIS writes it, no cell is quoted.
    usual = (grid.counts == len(names)) & grid.fine & trusted(block, starts, ends)
    usual &= buffer[starts] != ord('"')

    def cut(text: str) -> list[str | None] | None:
        parts: list[str | None] = [*text.split(way.delimiter)]
        if len(parts) != len(names) and way.delimiter == " ":
            words = _WORD.findall(text)
            parts = [quoted.replace('""', '"') or plain for quoted, plain in words]
        return parts if len(parts) == len(names) else None

    cells, missed = cut_cells(
        block,
        starts,
        ends,
        lines,
        lambda place: names[place] if place < len(names) else "",
        grid,
        usual,
        cut,
    )
    read = way.lines(block, cells, header)
    bad = [
        _refused(
            block, *place,
            f"it has {1 + block[place[0] : place[1]].count(way.delimiter.encode())} fields "
            f"where its #Fields line names {len(names)}", header,
        )
        for place in _places(starts[missed], ends[missed], lines[missed])
    ]  # fmt: skip
    return Parsed(read.rows, (*read.refused, *bad), read.extra)


def _places(starts: Ints, ends: Ints, lines: Ints) -> list[tuple[int, int, int]]:
    return list(zip(starts.tolist(), ends.tolist(), lines.tolist(), strict=True))


def _refused(block: bytes, start: int, end: int, line: int, why: str, header: str | None) -> Refused:
    return Refused(line, start, block[start:end], (why,), header)


def moment_cell(cells: Cells) -> pa.DictionaryArray:
    """Return ``date`` and ``time`` (UTC) as one ISO 8601 cell; null where one is missing."""
    day, clock = cells.get("date"), cells.get("time")
    both = pc.binary_join_element_wise(day.cast(pa.string()), clock.cast(pa.string()), "T")
    return both.dictionary_encode()
