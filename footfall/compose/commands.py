"""What commands speak to: the platform that runs, or one in their own process; both answer the same."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import structs

from footfall.adapters.data_folder import running_platform
from footfall.adapters.platform_client import PlatformClient
from footfall.compose.clock import utc_now
from footfall.compose.platform import Platform
from footfall.errors import NotFound, PlatformUnreachable
from footfall.metrics import catalogue
from footfall.services.export_files import FileOrder
from footfall.services.health import Finding, check_folder
from footfall.services.wire import answer_json, rejected_json, source_json
from footfall.settings import Settings, load_settings

__all__ = ["Here", "connect", "examine"]


class Here:
    """The commands' view of a platform in this very process: the same calls as PlatformClient's.

    What waits in the logs is loaded first, so that answers hold everything that was taken in.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        platform.loader.drain()

    def metrics(self) -> Any:
        """List the metrics."""
        return [msgspec.to_builtins(each) for each in catalogue().values()]

    def metric(self, name: str, values: Mapping[str, str]) -> Any:
        """Answer one metric."""
        return answer_json(self._platform.metric(name, values))

    def sql(self, query: str) -> Any:
        """Answer one SELECT."""
        return answer_json(self._platform.sql(query))

    def ledger(self) -> Any:
        """Return the books."""
        return msgspec.to_builtins(self._platform.ledger())

    def trace(self, event_id: str) -> Any:
        """Return one event's life."""
        return msgspec.to_builtins(self._platform.trace(event_id))

    def rejected(self, *, app: str | None = None, limit: int = 100) -> Any:
        """List rejected events."""
        return [rejected_json(event) for event in self._platform.rejected(app, None, limit)]

    def rejected_one(self, rejected_id: str) -> Any:
        """Return one rejected event."""
        return rejected_json(self._platform.rejected_one(rejected_id))

    def retry(
        self, *, ids: Sequence[str] | None = None, app: str | None = None, body: str | None = None
    ) -> Any:
        """Take rejected events in again."""
        return msgspec.to_builtins(self._platform.retry(ids, app, body))

    def export_mart(self, url: str, whole: bool, on_progress: Callable[[Mapping[str, Any]], None]) -> Any:
        """Bring a relational mart up to date."""
        return self._platform.export_mart(url, whole, on_progress)

    def export_files(
        self, order: FileOrder, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Write events to files."""
        return self._platform.export_files(order, on_progress)

    def import_files(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
        *,
        growing: bool = False,
    ) -> Any:
        """Import files."""
        return self._platform.import_files(format, paths, app, on_progress, growing=growing)

    def imported(self, *, app: str | None = None, limit: int = 100) -> Any:
        """List imported sources."""
        return [source_json(record) for record in self._platform.imported(limit, app)]

    def health(self) -> Any:
        """Return what each part says of itself."""
        return self._platform.health()


@contextmanager
def connect(
    data: Path | None = None,
    *,
    create: bool = False,
    settings: Settings | None = None,
    importing: bool = False,
    on_lake: Callable[[int, int], None] = lambda *_: None,
) -> Iterator["Here | PlatformClient"]:
    """Give commands a way to the platform of a data folder: the running one, else one in this process.

    For ``importing`` alone the warehouse takes ``warehouse.import_memory``. A platform in this process
    writes its lake at the end; ``on_lake`` is told how many files it has written, of how many. Raises
    NotFound when the folder isn't there and ``create`` is false; PlatformBusy when another command works
    on it.
    """
    settings = settings or load_settings(flags={"data": data})
    if importing:
        settings = _sparing(settings)
    running = running_platform(settings.data)
    if running and running.console:
        yield PlatformClient(running.console, data=settings.data, token=settings.console.token)
        return
    if not create and not settings.data.is_dir():
        hint = 'Start one with "footfall up" or "footfall import", or name another with --data'
        raise NotFound(what="data folder", name=settings.data, hint=hint)
    platform = Platform(settings)
    try:
        yield Here(platform)
        if settings.lake.enabled:
            platform.lake.flush(utc_now(), everything=True, on_progress=on_lake)
    finally:
        platform.close()


def _sparing(settings: Settings) -> Settings:
    """Return the settings of a process that only imports; its memory is given back after each block."""
    pa.set_memory_pool(pa.system_memory_pool())  # the usual pool keeps what a block took
    sys.setswitchinterval(0.0005)  # storing waits a tenth as long for a turn while a block is read
    little = structs.replace(settings.warehouse, memory_limit=settings.warehouse.import_memory)
    return structs.replace(settings, warehouse=little)


def examine(data: Path | None = None) -> list[Finding]:
    """Look at every part of an installation, running or not. Raises BadSettings."""
    settings = load_settings(flags={"data": data})
    findings = [finding for finding in check_folder(settings) if finding.state == "broken"]
    if findings:
        return findings
    running = running_platform(settings.data)
    if running and running.console:
        client = PlatformClient(
            running.console, data=settings.data, token=settings.console.token, timeout=10
        )
        try:
            told = client.health()
        except PlatformUnreachable as error:
            mend = f"see what process {running.pid} prints; if it hangs, stop it and start it again"
            return [Finding(part="platform", state="broken", detail=str(error), mend=mend)]
        found: list[Finding] = msgspec.convert(told["findings"], list[Finding])
        here = f"process {running.pid} answers at {running.console}"
        return [Finding(part="platform", state="ok", detail=here), *found]
    platform = Platform(settings)
    try:
        return [
            Finding(part="platform", state="ok", detail="not running; looked at from here"),
            *platform.findings(),
        ]
    finally:
        platform.close()
