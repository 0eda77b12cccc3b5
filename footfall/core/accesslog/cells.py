"""Lines cut into cells at a delimiter, many lines at once; the odd ones by a grammar of their own.

A cell is what stands between two delimiters, without its quotes; ``-`` and nothing are null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.columnar import Flags, Ints, lines_of, texts_at

__all__ = [
    "Cells",
    "Cut",
    "Grid",
    "cells_of",
    "cut_cells",
    "filled_lines",
    "grid_of",
    "no_values",
    "respread",
    "text_of",
    "trusted",
]

MOST_CELLS = 64
_QUOTE = ord('"')


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


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the cells of each line are: ``begins`` and ``ends`` have a row a line.

    ``counts`` is the number of cells; behind the last one both are the line's end. Only lines that
    ``fine`` marks are to be trusted.
    """

    begins: Ints
    ends: Ints
    counts: Ints
    fine: Flags

    def quoted(self, padded: bytes, place: int) -> Flags:
        """Say which lines have their cell at ``place`` in quotes."""
        if place >= self.begins.shape[1]:
            return np.zeros(len(self.counts), np.bool_)
        found: Flags = np.frombuffer(padded, np.uint8)[np.maximum(self.begins[:, place] - 1, 0)] == _QUOTE
        return found & (place < self.counts)


def _quoted(marks: Ints, signs: Ints, first: Ints, last: Ints) -> Flags:
    """Say which marks stand inside quotes; a line's last quote without its other one opens nothing."""
    counts = last - first
    ordinal = np.arange(len(signs)) - np.repeat(first, counts)
    opening = ordinal % 2 == 0
    alone = opening & (ordinal == np.repeat(counts, counts) - 1)
    begin = np.bincount(np.searchsorted(marks, signs[opening & ~alone]), minlength=len(marks) + 1)
    end = np.bincount(np.searchsorted(marks, signs[~opening]), minlength=len(marks) + 1)
    inside: Flags = np.cumsum(begin - end)[:-1] > 0
    return inside


Cut = Callable[[str], Sequence[str | None] | None]
"""Reads an odd line exactly: its cells, or None when it cannot be cut."""


def grid_of(padded: bytes, starts: Ints, ends: Ints, delimiter: str, *, quotes: bool) -> Grid:
    """Cut lines at a delimiter, with ``quotes`` not inside of those; escapes make a line odd then."""
    buffer = np.frombuffer(padded, np.uint8)
    marks = np.flatnonzero(buffer == ord(delimiter))
    fine = np.ones(len(starts), np.bool_)
    signs = np.flatnonzero(buffer == _QUOTE) if quotes else marks[:0]
    first, last = np.searchsorted(signs, starts), np.searchsorted(signs, ends)
    if quotes:
        marks = marks[~_quoted(marks, signs, first, last)]
        fine &= (last - first) % 2 == 0
        escapes = np.flatnonzero(buffer == ord("\\"))
        fine &= np.searchsorted(escapes, starts) == np.searchsorted(escapes, ends)
    total = last - first
    first, last = np.searchsorted(marks, starts), np.searchsorted(marks, ends)
    counts = last - first + 1
    width = int(min(counts.max(initial=1), MOST_CELLS))
    fine &= counts <= MOST_CELLS
    places = first[:, None] + np.arange(width - 1)
    within = np.arange(width - 1) < (counts - 1)[:, None]
    cuts = np.where(within, np.append(marks, 0)[np.minimum(places, len(marks))], ends[:, None])
    begins = np.hstack([starts[:, None], np.minimum(cuts + 1, ends[:, None])])
    finishes = np.hstack([cuts, ends[:, None]])
    if quotes:
        wrapped = (buffer[begins] == _QUOTE) & (finishes - begins >= 2) & (buffer[finishes - 1] == _QUOTE)
        fine &= total == 2 * wrapped.sum(axis=1)
        begins, finishes = begins + wrapped, finishes - wrapped
    return Grid(begins, finishes, counts, fine)


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
    buffer = pa.py_buffer(block)
    chosen = np.flatnonzero(usual)
    width = grid.begins.shape[1]
    columns = {
        name: texts_at(buffer, grid.begins[chosen, place], grid.ends[chosen, place])
        for place in range(width)
        if (name := names(place))
    }
    odd = np.flatnonzero(~usual)
    fast = Cells(lines[chosen], starts[chosen], ends[chosen], columns)
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
    try:
        block.decode()
    except UnicodeDecodeError:
        places = np.flatnonzero(np.frombuffer(block, np.uint8) >= 128)
        plain: Flags = np.searchsorted(places, starts) == np.searchsorted(places, ends)
        return plain
    return np.ones(len(starts), np.bool_)


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
