"""Small sources of an import gathered into one transaction of the warehouse.

A commit costs some tens of milliseconds however few rows it has, and a bucket of logs is thousands of
objects of a few hundred lines.
"""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from footfall.ports import Batch, Stored, Warehouse

__all__ = ["GROUP_BYTES", "GROUP_ROWS", "StoreGroup"]

GROUP_ROWS = 98_000  # six blocks of a log: a third less work in the warehouse than with two
GROUP_BYTES = 48 << 20  # as Arrow


class StoreGroup:
    """Keeps batches until they are worth a transaction; positions are as committed.

    ``store`` and ``commit`` return what was committed by this call. ``before`` is called ahead of
    each commit, and its error prevents it; ``after`` behind it. ``rejected`` counts the rejected
    lines of all batches so far.
    """

    def __init__(self, warehouse: Warehouse, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._warehouse, self._before, self._after = warehouse, before, after
        self._batches: list[Batch] = []
        self._rows, self._bytes = 0, 0
        self.rejected = 0

    def positions(self) -> Mapping[str, int]:
        """Return the committed positions."""
        return self._warehouse.positions()

    def store(self, batch: Batch) -> Stored:
        """Take a batch, and commit when enough has come together. Raises StoreFailed."""
        self._batches.append(batch)
        self._rows += len(batch.rows) + len(batch.rejected)
        self._bytes += batch.rows.nbytes + batch.rejected.nbytes
        self.rejected += len(batch.rejected)
        return self.commit() if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES else Stored()

    def commit(self) -> Stored:
        """Commit what was kept, if anything. Raises StoreFailed with nothing of it committed."""
        batches, self._batches = self._batches, []
        self._rows, self._bytes = 0, 0
        stored = Stored()
        if batches:
            self._before()
            batch = _together(batches)
            batches.clear()  # the copy is enough while it is stored
            stored = self._warehouse.store(batch)
        self._after()
        return stored


def _together(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    positions: dict[str, int] = {}
    for batch in batches:
        positions.update(batch.positions)
    return Batch(
        pa.concat_tables([batch.rows for batch in batches]).combine_chunks(),
        pa.concat_tables([batch.rejected for batch in batches]).combine_chunks(),
        positions,
        unique=all(batch.unique for batch in batches),
    )
