"""What the services are promised by the stores, whichever adapter stands behind.

One contract suite per port (``footfall.testing``) runs over every adapter.
"""

from __future__ import annotations  # the collector imports this module and must not load Arrow

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

from footfall.core.record import AppId, Logged, Offset, Record, Sender

if TYPE_CHECKING:
    import pyarrow as pa

    from footfall.core.mart import MartTable

__all__ = [
    "Answer",
    "Batch",
    "Books",
    "CountryLookup",
    "EventLog",
    "Kept",
    "Lake",
    "Mart",
    "MartChange",
    "RawArchive",
    "RejectedEvent",
    "Sighting",
    "Stored",
    "Warehouse",
]


class CountryLookup(Protocol):
    """Country of an address: alpha-2 in upper case, or None when unknown or not an address."""

    def __call__(self, ip: str, /) -> str | None: ...  # noqa: D102


class EventLog(Protocol):
    """An append-only log of records: the durability promise stands on it.

    One process appends; others may read at the same time. Offsets ascend, with gaps where the log was
    opened again. None is ever used twice under one name, not even when what the log stands on was
    lost or an older copy put back: readers then go on behind the position that they had reached.
    """

    name: str

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """Write all records in one commit and return their offsets, ascending.

        When this returns the records survive ``kill -9`` and power loss. When it raises, none of
        them is in the log. Raises LogFull at the size limit, LogFailed when the disk refuses.
        """
        ...

    def read(self, after: Offset, max_events: int) -> list[Logged]:
        """Return records behind ``after`` in order: as many as hold ``max_events``, at least one."""
        ...

    def end(self) -> Offset:
        """Return the last committed offset; 0 for an empty log. Never goes back, even trimmed."""
        ...

    def received(self, upto: Offset) -> Mapping[AppId, int]:
        """Count the events per app in records up to and with ``upto``, trimmed ones included."""
        ...

    def trim(self, upto: Offset) -> int:
        """Delete records up to and with ``upto``, keep their counts; return how many went."""
        ...

    def size(self) -> int:
        """Return the bytes in use against the limit."""
        ...

    def close(self) -> None:
        """Release files; the log can be opened again."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """What one store transaction takes.

    ``rows`` has the columns of ``core.schema.EVENTS`` (``session_id`` null where the sender gave
    none); ``rejected`` the columns of ``REJECTED_SCHEMA`` in ``core.arrow``; ``positions`` maps a
    source's name (a log, or ``file:<hash>`` of an import) to the read position reached with it.
    """

    rows: pa.Table
    rejected: pa.Table
    positions: Mapping[str, int]


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

    def flush(self, now: datetime, *, everything: bool = False, within_seconds: float | None = None) -> int:
        """Write the hours that are due (or all changed ones); return the rows written.

        After ``within_seconds`` it stops between two files; the next flush goes on from there.
        """
        ...

    def find(self, event_id: str) -> list[Kept]:
        """Return the files that hold the event, as of now; for any thread."""
        ...


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


class RawArchive(Protocol):
    """Immutable, compressed raw records by day of receipt, with checksums."""

    def write(self, records: Sequence[Logged]) -> int:
        """Write one log's records as blocks, each visible only when whole; return the bytes.

        Writing the same records again changes nothing.
        """
        ...

    def read(self, start: datetime, end: datetime) -> Iterator[Logged]:
        """Yield the records received in [start, end), oldest block first. Raises BadSource."""
        ...

    def expire(self, before: datetime) -> int:
        """Delete the days that lie wholly before; return how many blocks went."""
        ...
