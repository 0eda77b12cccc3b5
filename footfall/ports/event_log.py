"""The durable log of what was taken in, and the archive of its older part."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from footfall.core.record import AppId, Logged, Offset, Record

__all__ = ["EventLog", "RawArchive"]


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
