"""Lines cut into cells at a delimiter, many lines at once; the odd ones by a grammar of their own.

A cell is what stands between two delimiters, without its quotes; ``-`` and nothing are null.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from footfall.core.accesslog.columnar import Flags, Ints, lines_of, texts_at, utf8
from footfall.core.accesslog.grid import Grid, Sign

__all__ = [
    "Cells",
    "Cut",
    "cells_of",
    "cut_cells",
    "filled_lines",
    "no_values",
    "read_cells",
    "respread",
    "text_of",
    "trusted",
]

_TEXTS = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Cells:
    """Lines as columns: ``line`` and ``offset`` in the block, and the text of each named cell."""

    line: Ints
    offset: Ints
    end: Ints
    columns: Mapping[str, pa.DictionaryArray]

    def __len__(self) -> int:
        return len(self.line)

    def get(self, name: str) -> pa.DictionaryArray:
        """Return a column; one of nulls when no line has it."""
        found = self.columns.get(name)
        return no_values(len(self)) if found is None else found


Cut = Callable[[str], Sequence[str | None] | None]
"""Reads an odd line exactly: its cells, or None when it cannot be cut."""


def cut_cells(
    block: bytes,
    starts: Ints,
    ends: Ints,
    lines: Ints,
    names: Callable[[int], str],
    grid: Grid,
    usual: Flags,
    cut: Cut,
) -> tuple[Cells, Ints]:
    """Return the cells of all lines that can be cut, and the numbers of those that cannot.

    ``usual`` lines are taken from the grid, the others by ``cut``, in order. ``names`` tells the name
    of each place; an empty one is passed over.
    """
    chosen = np.flatnonzero(usual)
    fast = _from_grid(block, starts, ends, lines, names, grid, chosen)
    odd = np.flatnonzero(~usual)
    if not len(odd):
        return fast, odd
    found = [cut(text_of(block[starts[place] : ends[place]])) for place in odd.tolist()]
    read = [place for place, cells in zip(odd.tolist(), found, strict=True) if cells is not None]
    rows = [cells for cells in found if cells is not None]
    width = max((len(row) for row in rows), default=0)
    slow = {
        name: _encoded([row[place] if place < len(row) else None for row in rows])
        for place in range(width)
        if (name := names(place))
    }
    exact = Cells(lines[read], starts[read], ends[read], slow)
    missed = np.array(sorted(set(odd.tolist()) - set(read)), np.int64)
    return (_merged(fast, exact) if read else fast), missed


def _from_grid(
    block: bytes,
    starts: Ints,
    ends: Ints,
    lines: Ints,
    names: Callable[[int], str],
    grid: Grid,
    chosen: Ints,
) -> Cells:
    """Return the cells of usual lines: of those with the most common number of cells by the reader."""
    buffer = pa.py_buffer(block)
    wanted = {place: name for place in range(grid.width) if (name := names(place))}

    def cut(rows: Ints, places: Iterable[int]) -> Cells:
        columns = {}
        for place in places:
            cell = grid.cell(place)
            columns[wanted[place]] = texts_at(buffer, cell.begins[rows], cell.ends[rows])
        return Cells(lines[rows], starts[rows], ends[rows], columns)

    counts = grid.counts[chosen]
    width = int(np.bincount(counts).argmax()) if len(chosen) else 0
    alike = chosen[counts == width]
    places = [place for place in wanted if place < width and place not in grid.own]
    read = read_cells(block, starts[alike], ends[alike], width, places, grid.sign)
    if read is None:
        return cut(chosen, wanted)
    left = cut(alike, grid.own.keys() & wanted.keys())
    left = replace(left, columns={**left.columns, **{wanted[place]: read[place] for place in read}})
    others = chosen[counts != width]
    return _merged(left, cut(others, wanted)) if len(others) else left


def read_cells(
    block: bytes, starts: Ints, ends: Ints, width: int, places: Sequence[int], sign: Sign
) -> dict[int, pa.DictionaryArray] | None:
    """Return the cells at ``places`` of lines that have ``width`` each; ``-`` or nothing is null.

    Arrow's CSV reader takes a third of the time of ``texts_at``. None when it sees the lines otherwise:
    a return inside one is a line's end to it.
    """
    if not len(starts) or width < 2:
        return None
    data = _only(block, starts, ends)
    table = pv.read_csv(
        data,
        pv.ReadOptions(
            use_threads=False, block_size=data.size + 1, column_names=[str(n) for n in range(width)]
        ),
        pv.ParseOptions(
            delimiter=sign.delimiter,
            quote_char='"' if sign.quotes else False,
            double_quote=False,
            invalid_row_handler=lambda _: "skip",
        ),
        pv.ConvertOptions(
            check_utf8=False,
            include_columns=[str(place) for place in places],
            column_types={str(place): _TEXTS for place in places},
            null_values=["-", ""],
            strings_can_be_null=True,
        ),
    )
    if len(table) != len(starts):
        return None
    return {place: _one(column) for place, column in zip(places, table.columns, strict=True)}


def _only(block: bytes, starts: Ints, ends: Ints) -> pa.Buffer:
    """Return the lines with their ends; of the block itself where there are no others."""
    breaks = np.flatnonzero(starts[1:] - ends[:-1] > 2) + 1
    begins = starts[np.concatenate([[0], breaks])].tolist()
    behind = ends[np.append(breaks - 1, len(ends) - 1)].tolist()
    if b"\r" in block:
        parts = (block[begin:end] for begin, end in zip(begins, behind, strict=True))
        return pa.py_buffer(b"\n".join(parts).replace(b"\r\n", b"\n"))
    if len(begins) == 1:
        return pa.py_buffer(block).slice(begins[0], behind[0] - begins[0])
    return pa.py_buffer(b"\n".join(block[begin:end] for begin, end in zip(begins, behind, strict=True)))


def _one(column: pa.ChunkedArray) -> pa.DictionaryArray:
    return column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()


def cells_of(rows: Sequence[Mapping[str, str | None]], line: Ints, offset: Ints, end: Ints) -> Cells:
    """Return rows that were read one by one as columns."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _encoded([row.get(name) for row in rows]) for name in names}
    return Cells(line, offset, end, columns)


def respread(values: Any, indices: pa.Array) -> pa.DictionaryArray:
    """Return a dictionary column of what became of distinct values, equal results made one."""
    encoded = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(indices), encoded.dictionary)


def text_of(body: bytes) -> str:
    """Decode as UTF-8, else as Latin-1, which every byte is."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def trusted(block: bytes, starts: Ints, ends: Ints) -> Flags:
    """Say of each line whether its bytes may be taken for UTF-8 as they are."""
    if utf8(block):
        return np.ones(len(starts), np.bool_)
    places = np.flatnonzero(np.frombuffer(block, np.uint8) >= 128)
    plain: Flags = np.searchsorted(places, starts) == np.searchsorted(places, ends)
    return plain


def filled_lines(block: bytes) -> tuple[Ints, Ints, Ints]:
    """Return start, end and number of each line that is not blank."""
    starts, ends = lines_of(block)
    filled = np.flatnonzero(ends > starts)
    return starts[filled], ends[filled], filled


def _encoded(values: Sequence[str | None]) -> pa.DictionaryArray:
    texts = [None if value in {None, "", "-"} else value for value in values]
    return pa.array(texts, pa.string()).dictionary_encode()


def no_values(count: int) -> pa.DictionaryArray:
    """Return a column of nulls."""
    return pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int32()), pa.array([], pa.string()))


def _merged(left: Cells, right: Cells) -> Cells:
    """Return both parts' lines in the order of the file."""
    line = np.concatenate([left.line, right.line])
    order = np.argsort(line, kind="stable")
    take = pa.array(order)
    columns = {}
    for name in dict.fromkeys([*left.columns, *right.columns]):
        both = pa.chunked_array([left.get(name), right.get(name)]).unify_dictionaries()
        columns[name] = pc.take(both.combine_chunks(), take)
    return Cells(
        line[order],
        np.concatenate([left.offset, right.offset])[order],
        np.concatenate([left.end, right.end])[order],
        columns,
    )
