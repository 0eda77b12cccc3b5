"""The one way in which enrichment works: Python once per distinct value, Arrow for the rows.

A column is encoded as a dictionary, a function is called for each entry, and the results are
spread over the rows again by index.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Spread", "distinct", "pairs", "plain"]


class Spread(NamedTuple):
    """Distinct values and, for each row, the index of its value (null where the row has none)."""

    values: list[Any]
    index: pa.Array

    def map(self, function: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
        """Call ``function`` for each distinct value and return the rows' results."""
        return self.of([function(value) for value in self.values], kind)

    def then(self, results: Sequence[Any]) -> "Spread":
        """Return the spread of results, one given for each value in order, equal ones made one."""
        numbers: dict[Any, int] = {}
        places = [numbers.setdefault(result, len(numbers)) for result in results]
        return Spread(list(numbers), pa.array(places, pa.int32()).take(self.index))

    def of(self, results: Sequence[Any], kind: pa.DataType) -> pa.Array:
        """Return the rows' results, one given for each distinct value in order."""
        return pa.array(results, kind).take(self.index)


def plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as one array: chunk by chunk work costs more than the copy."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def distinct(column: pa.Array) -> Spread:
    """Spread out a column of text or numbers; nulls stay null."""
    encoded = column.dictionary_encode()
    return Spread(encoded.dictionary.to_pylist(), encoded.indices)


def pairs(left: Spread, right: Spread) -> Spread:
    """Return the distinct pairs of two spreads; a null side is None in the pair, so no row is null."""
    width = len(right.values) + 1
    left_index = pc.fill_null(left.index.cast(pa.int64()), len(left.values))
    right_index = pc.fill_null(right.index.cast(pa.int64()), len(right.values))
    keys = pc.add(pc.multiply(left_index, width), right_index).dictionary_encode()
    lefts, rights = [*left.values, None], [*right.values, None]
    values = [(lefts[key // width], rights[key % width]) for key in keys.dictionary.to_pylist()]
    return Spread(values, keys.indices)
