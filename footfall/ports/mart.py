"""Tables in a relational database that others ask too."""

from __future__ import annotations  # the collector imports this and must not load Arrow

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from footfall.core.mart import MartTable

__all__ = ["Mart", "MartChange"]


class MartChange(Protocol):
    """One transaction on a mart."""

    def upsert(self, table: MartTable, rows: Iterator[pa.RecordBatch]) -> int:
        """Write rows, each in place of the one with its key; return how many were written."""
        ...

    def clear(self, table: MartTable, day: date) -> None:
        """Delete a day's rows."""
        ...

    def count(self, table: MartTable, day: date) -> int:
        """Count a day's rows."""
        ...


class Mart(Protocol):
    """Tables of ``core.mart`` in a relational database that others ask too.

    Raises MartLost when the connection breaks (nothing of the transaction stays), MartRefused when
    the database refuses the work.
    """

    def prepare(self, tables: Sequence[MartTable]) -> None:
        """Make tables that aren't there, and add columns that they lack."""
        ...

    def reached(self, source: str) -> int:
        """Return the warehouse version up to which a source was written; -1 when never."""
        ...

    def note(self, source: str, version: int) -> None:
        """Note the version reached."""
        ...

    def transaction(self) -> AbstractContextManager[MartChange]:
        """Begin a transaction; it commits at the block's end, and leaves nothing when it raises."""
        ...

    def close(self) -> None:
        """Release the connection."""
        ...
