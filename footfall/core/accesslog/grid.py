"""Where the cells of many lines are: between delimiters, inside quotes; not what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from footfall.core.accesslog.columnar import Bytes, Flags, Ints

__all__ = ["Grid", "Places", "Sign", "grid_of"]

MOST_CELLS = 64
_QUOTE = ord('"')


class Sign(NamedTuple):
    """What stands between cells, and whether quotes may stand around them."""

    delimiter: str
    quotes: bool


class Places(NamedTuple):
    """Where a cell begins and ends, one value a line."""

    begins: Ints
    ends: Ints


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of lines.

    ``counts`` is the number of cells, ``width`` that of the line with most. Only lines that ``fine``
    marks are to be trusted. ``own`` cells are others than those between delimiters.
    """

    sign: Sign
    counts: Ints
    width: int
    fine: Flags
    buffer: Bytes
    starts: Ints
    ends: Ints
    marks: Ints
    first: Ints
    own: Mapping[int, Places] = field(default_factory=dict)

    def cell(self, place: int) -> Places:
        """Return where the cells at ``place`` are, without their quotes; empty where a line has fewer."""
        if place in self.own:
            return self.own[place]
        begins, ends = self._between(place)
        if not self.sign.quotes:
            return Places(begins, ends)
        wrapped = self.buffer[begins] == _QUOTE
        wrapped &= (ends - begins >= 2) & (self.buffer[ends - 1] == _QUOTE)
        return Places(begins + wrapped, ends - wrapped)

    def quoted(self, place: int) -> Flags:
        """Say which lines have their cell at ``place`` in quotes."""
        found: Flags = (self.buffer[self._between(place).begins] == _QUOTE) & (place < self.counts)
        return found

    def _between(self, place: int) -> Places:
        last = len(self.marks) - 1  # a mark behind all others, so that there is one
        begins = self.starts
        if place:
            cut = self.marks[np.minimum(self.first + (place - 1), last)] + 1
            begins = np.where(place < self.counts, cut, self.ends)
        cut = self.marks[np.minimum(self.first + place, last)]
        return Places(begins, np.where(place < self.counts - 1, cut, self.ends))


def grid_of(padded: bytes, starts: Ints, ends: Ints, sign: Sign) -> Grid:
    """Cut lines at a delimiter, with quotes not inside of those; escapes make a line odd then."""
    buffer = np.frombuffer(padded, np.uint8)
    marks = np.flatnonzero(buffer == ord(sign.delimiter))
    fine = np.ones(len(starts), np.bool_)
    if sign.quotes:
        signs = np.flatnonzero(buffer == _QUOTE)
        first, last = np.searchsorted(signs, starts), np.searchsorted(signs, ends)
        opening = (np.arange(len(signs)) - np.repeat(first, last - first)) % 2 == 0
        fine &= (last - first) % 2 == 0
        marks = marks[~_inside(marks, signs, first, last, opening)]
        odd = _unwrapped(buffer, Places(starts, ends), signs, last - first, opening, ord(sign.delimiter))
        fine[odd] = False
        if b"\\" in padded:
            escapes = np.flatnonzero(buffer == ord("\\"))
            fine &= np.searchsorted(escapes, starts) == np.searchsorted(escapes, ends)
    first, last = np.searchsorted(marks, starts), np.searchsorted(marks, ends)
    counts = last - first + 1
    fine &= counts <= MOST_CELLS
    width = int(min(counts.max(initial=1), MOST_CELLS))
    return Grid(sign, counts, width, fine, buffer, starts, ends, np.append(marks, 0), first)


def _inside(marks: Ints, signs: Ints, first: Ints, last: Ints, opening: Flags) -> Flags:
    """Say which marks stand inside quotes; a line's last quote without its other one opens nothing."""
    alone = np.zeros(len(signs), np.bool_)
    alone[last[(last - first) % 2 == 1] - 1] = True
    begin = np.bincount(np.searchsorted(marks, signs[opening & ~alone]), minlength=len(marks) + 1)
    end = np.bincount(np.searchsorted(marks, signs[~opening]), minlength=len(marks) + 1)
    inside: Flags = np.cumsum(begin - end)[:-1] > 0
    return inside


def _unwrapped(
    buffer: Bytes, lines: Places, signs: Ints, counts: Ints, opening: Flags, delimiter: int
) -> Ints:
    """Return the lines with a quote that neither opens nor closes a whole cell."""
    line = np.repeat(np.arange(len(counts)), counts)
    begins = (signs == lines.begins[line]) | (buffer[signs - 1] == delimiter)
    closes = (signs + 1 == lines.ends[line]) | (buffer[signs + 1] == delimiter)
    return np.asarray(line[~np.where(opening, begins, closes)])
