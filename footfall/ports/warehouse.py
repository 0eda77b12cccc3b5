"""The table of events and what is kept with it: what is stored, asked and copied to the lake."""

from __future__ import annotations  # the collector imports this and must not load Arrow

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from footfall.core.record import AppId, Sender

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Answer",
    "Batch",
    "Books",
    "Kept",
    "Lake",
    "RejectedEvent",
    "Sighting",
    "Stored",
    "Warehouse",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one store transaction takes.

    ``rows`` has the columns of ``core.schema.EVENTS`` (``session_id`` null where the sender gave
    none); ``rejected`` the columns of ``REJECTED_SCHEMA`` in ``core.arrow``; ``positions`` maps a
    source's name (a log, or ``file:<hash>`` of an import) to the read position reached with it.
    ``unique`` promises that no event id was ever stored before or will be again, but with the same
    positions: then none is compared with others or remembered.
    """

    rows: pa.Table
    rejected: pa.Table
    positions: Mapping[str, int]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store transaction did, in events."""

    stored: int = 0
    duplicate: int = 0
    rejected: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class Books:
    """The loader's side of the ledger for one app, in events, since the beginning."""

    stored: int = 0
    duplicate: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place where an event id was seen: ``state`` is stored, duplicate or rejected."""

    state: str
    app_id: AppId
    event_id: str
    received_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of the lake that holds an event: its path from the data folder, and when it was written."""

    app_id: AppId
    file: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class RejectedEvent:
    """A rejected event as it is listed; ``body`` is scrubbed text, as a rule JSON.

    ``sender`` is who sent it, as the door saw it; ``header`` how the lines of its table are read
    (``core.delimited``).
    """

    rejected_id: str
    app_id: AppId
    event_id: str | None
    received_at: datetime
    origin: str
    reasons: tuple[str, ...]
    body: str
    sender: Sender = field(default_factory=Sender)
    header: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's rows with what they rest on; ``rows`` hold plain Python values."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    sql: str
    rows_read: int
    fresh_to: datetime | None


class Warehouse(Protocol):
    """The table of events and what is kept with it. One process owns it; its threads may share it."""

    def store(self, batch: Batch) -> Stored:
        """Commit rows, sessions, rollups, books and positions in one transaction.

        A row whose (``app_id``, ``event_id``) was stored within 7 days (by ``received_at``), or
        stands earlier in the same batch, becomes a duplicate: counted and remembered for
        ``find``, not stored. Raises StoreFailed with nothing committed.
        """
        ...

    def positions(self) -> Mapping[str, int]:
        """Return the committed read position of every source. Never waits for a store."""
        ...

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, limit: int | None = None
    ) -> Answer:
        """Answer one SELECT, read-only, over the last commit. Raises BadQuery."""
        ...

    def scan(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[pa.RecordBatch]:
        """Stream one SELECT as Arrow batches (our own SQL: exports, the lake)."""
        ...

    def books(self) -> Mapping[AppId, Books]:
        """Return what was stored, duplicate and rejected per app."""
        ...

    def standing(self) -> tuple[Mapping[str, int], Mapping[AppId, Books]]:
        """Return positions and books as of one and the same commit. Never waits for a store."""
        ...

    def find(self, event_id: str) -> list[Sighting]:
        """Return every place where the event id was seen, oldest first."""
        ...

    def rejected(
        self, app_id: str | None = None, rejected_id: str | None = None, limit: int = 100
    ) -> list[RejectedEvent]:
        """Return rejected events, newest first."""
        ...

    def retried(self, rejected_ids: Sequence[str], batch: Batch) -> Stored:
        """Store ``batch`` and strike the rejected events that it came from, in one transaction."""
        ...

    def prune(self, now: datetime) -> int:
        """Forget event ids and duplicates past their time at ``now`` (naive UTC); return how many."""
        ...

    def rebuild_rollups(self) -> None:
        """Compute sessions and rollups from the rows again, in one transaction."""
        ...

    def version(self) -> int:
        """Return a number that grows with each commit (for live pages and caches)."""
        ...

    def close(self) -> None:
        """Checkpoint and release the file."""
        ...


class Lake(Protocol):
    """Hive-partitioned Parquet of the warehouse's rows, under ``events/``."""

    def flush(
        self,
        now: datetime,
        *,
        everything: bool = False,
        within_seconds: float | None = None,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> int:
        """Write the hours that are due (or all changed ones); return the rows written.

        After ``within_seconds`` it stops between two files; the next flush goes on from there.
        ``on_progress`` is told how many files are written, of how many.
        """
        ...

    def find(self, event_id: str) -> list[Kept]:
        """Return the files that hold the event, as of now; for any thread."""
        ...
