"""What the console needs of the platform behind it; ``footfall.compose`` gives the real one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from footfall.ports import Answer, RejectedEvent, SourceRecord, Warehouse
from footfall.services.export_files import FileOrder
from footfall.services.jobs import Jobs
from footfall.services.ledger import Ledger
from footfall.services.rejected import Retried
from footfall.services.trace import Trace
from footfall.settings import Settings

__all__ = ["Platform"]


class Platform(Protocol):
    """The platform as pages and API see it. Every method may be called from any thread."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, for the console's own questions (``queries/*.sql``)."""
        ...

    def metric(self, name: str, values: Mapping[str, str]) -> Answer:
        """Answer one metric. Raises NotFound for an unknown name, BadQuery for a bad value."""
        ...

    def sql(self, text: str) -> Answer:
        """Answer one SELECT, read-only. Raises BadQuery."""
        ...

    def ledger(self, wait_seconds: float = 0.0) -> Ledger:
        """Return the books; first wait so long for the loader to reach what the logs hold now."""
        ...

    def trace(self, event_id: str) -> Trace:
        """Return what is known of one event id."""
        ...

    def rejected(
        self, app_id: str | None = None, rejected_id: str | None = None, limit: int = 100
    ) -> list[RejectedEvent]:
        """Return rejected events, newest first."""
        ...

    def retry(
        self,
        rejected_ids: Sequence[str] | None = None,
        app_id: str | None = None,
        body: str | None = None,
    ) -> Retried:
        """Put rejected events (all when none is named) through today's rules again.

        ``body`` is read instead of what was kept of the one that is named.
        """
        ...

    def import_files(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
        *,
        growing: bool = False,
    ) -> Mapping[str, Any]:
        """Import files of this machine and objects of S3; return the outcome. Raises BadSource."""
        ...

    def imported(self, limit: int = 100, app: str | None = None) -> Sequence[SourceRecord]:
        """Return what is remembered of imported sources, newest first."""
        ...

    def export_mart(
        self, url: str, whole: bool, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Bring the relational mart at a database URL up to date; return the outcome."""
        ...

    def export_files(
        self, order: FileOrder, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Write events to files of this machine; return the outcome. Raises BadTarget."""
        ...

    @property
    def jobs(self) -> Jobs:
        """The jobs by the clock."""
        ...

    def health(self) -> Mapping[str, Any]:
        """Return what each part says of itself."""
        ...

    def version(self) -> int:
        """Return a number that grows with each commit of the warehouse."""
        ...
