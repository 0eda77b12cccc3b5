"""What is remembered of sources that were imported, so that only new ones are opened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from footfall.core.record import AppId

__all__ = ["ImportState", "SourceRecord"]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What is known of a source (a file or an object) for one app.

    ``key`` is an object's address, or a file's device and inode, which stay when it is renamed;
    ``name`` its path then. ``version`` (an object's ETag, a file's time of change) and ``size`` are
    of the bytes that were read. ``owner`` is the installation that read them, up to byte ``offset``
    of the unpacked content in line ``line``, where its warehouse has the read position ``position``;
    ``head`` and ``tail`` are hashes of the file's bytes at both ends of that. ``lines`` and
    ``rejected`` are of the last import that found news, ended (or begun) at ``at``.
    Times are naive UTC. ``claim`` counts how often the source was claimed.
    """

    app_id: AppId
    key: str
    name: str
    version: str
    size: int
    owner: str
    at: datetime
    state: Literal["begun", "done", "failed"] = "begun"
    claim: int = 0
    leased_until: datetime | None = None
    position: str = ""
    offset: int = 0
    line: int = 1
    head: str = ""
    tail: str = ""
    lines: int = 0
    rejected: int = 0
    error: str = ""


class ImportState(Protocol):
    """Which sources were imported, and which are being imported now by somebody.

    The warehouse's positions decide what is in it; this only spares the opening of what is known,
    and may be deleted. Several installations may share one. Raises StateFailed.
    """

    def look(self, app_id: AppId, keys: Sequence[str]) -> Mapping[str, SourceRecord]:
        """Return what is known of these keys."""
        ...

    def claim(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """Begin the work on sources, as leases until then; return those that were granted.

        Each record is as it was looked at, with what it shall become; its ``claim`` is 0 for a
        source never seen. It is granted when nobody has claimed it since, and goes up by one. A lease that
        lasts is only given to another than its owner once it has run out, by ``at`` of the claim.
        """
        ...

    def renew(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """Make leases last until then; return those that are still ours, with it."""
        ...

    def settle(self, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        """Write how the work on sources ended; return those that were still ours, and are written."""
        ...

    def entries(self, limit: int = 100, app_id: AppId | None = None) -> Sequence[SourceRecord]:
        """Return records, newest first."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
