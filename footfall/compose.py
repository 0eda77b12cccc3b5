"""Puts an installation together: the only module that knows all adapters."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from footfall.adapters.data_folder import FolderLock, running_platform
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt, expire_salts, installation_key
from footfall.adapters.log_slot import log_files
from footfall.adapters.parquet_lake import ParquetLake
from footfall.adapters.platform_client import PlatformClient
from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.sqlite_log import SqliteLog
from footfall.core.record import AppId
from footfall.core.scrub import ScrubPlan, plan_for
from footfall.errors import NotFound, PlatformUnreachable
from footfall.metrics import ROLLUPS, catalogue, metric, render
from footfall.ports import Answer, EventLog, RejectedEvent
from footfall.services.export_mart import export_mart
from footfall.services.health import (
    Finding,
    check_books,
    check_folder,
    check_keys,
    check_lake,
    check_logs,
)
from footfall.services.import_files import ImportRules, import_files
from footfall.services.ledger import Ledger, read_ledger
from footfall.services.load import Loader
from footfall.services.rejected import Retried, retry_rejected
from footfall.services.trace import Trace, trace_event
from footfall.services.upkeep import Upkeep
from footfall.services.wire import answer_json, rejected_json
from footfall.settings import App, Settings, load_settings

__all__ = ["Here", "Platform", "connect", "examine"]

MOST_RETRIED = 100_000


def utc_now() -> datetime:
    """Return the time now, UTC, without a zone: as all our times are."""
    return datetime.now(UTC).replace(tzinfo=None)


class Platform:
    """An installation in this process, which owns the data folder until ``close()``.

    Every method may be called from any thread. Raises PlatformBusy when another process owns it.
    """

    def __init__(self, settings: Settings, *, console: str = "", collector: str = "") -> None:
        self.settings = settings
        self._lock = FolderLock(settings.data, console=console, collector=collector)
        self._keys = settings.data / "keys"
        self._key = installation_key(self._keys)
        self.warehouse = DuckDBWarehouse(settings.data, settings.warehouse)
        self._open_logs: dict[Path, SqliteLog] = {}
        self.loader = Loader(self.logs, self.warehouse, utc_now, settings.loader.batch_events)
        self.lake = ParquetLake(settings.data / "lake", self.warehouse, settings.lake)
        self.archive = FolderArchive(settings.data / "raw")
        self.country_of = open_country_lookup(settings.loader.geo_database)

    def logs(self) -> list[EventLog]:
        """Return every worker's log, opened for reading: those whose file is there now."""
        found: list[EventLog] = []
        for path in log_files(self.settings.data / "log"):
            if path not in self._open_logs:
                self._open_logs[path] = SqliteLog(
                    path, max_bytes=self.settings.log.max_bytes, writable=False
                )
            found.append(self._open_logs[path])
        return found

    def metric(self, name: str, values: Mapping[str, str]) -> Answer:
        """Answer one metric. Raises NotFound for an unknown name, BadQuery for a bad value."""
        return self.sql(render(metric(name), values, rollups=frozenset(ROLLUPS)))

    def sql(self, text: str) -> Answer:
        """Answer one SELECT, read-only. Raises BadQuery."""
        return self.warehouse.query(text, limit=self.settings.warehouse.query_rows)

    def ledger(self, wait_seconds: float = 0.0) -> Ledger:
        """Return the books; first wait so long for the loader to reach what the logs hold now."""
        ends = {log.name: log.end() for log in self.logs()} if wait_seconds else {}
        deadline = time.monotonic() + wait_seconds
        while time.monotonic() < deadline:
            positions = self.warehouse.positions()
            if all(positions.get(name, 0) >= end for name, end in ends.items()):
                break
            time.sleep(0.02)
        return read_ledger(self.logs(), self.warehouse)

    def trace(self, event_id: str) -> Trace:
        """Return what is known of one event id."""
        lake = self.lake if self.settings.lake.enabled else None
        return trace_event(event_id, self.logs(), self.warehouse, lake)

    def rejected(
        self, app_id: str | None = None, rejected_id: str | None = None, limit: int = 100
    ) -> list[RejectedEvent]:
        """Return rejected events, newest first."""
        return self.warehouse.rejected(app_id, rejected_id, limit)

    def rejected_one(self, rejected_id: str) -> RejectedEvent:
        """Return one rejected event. Raises NotFound."""
        found = self.warehouse.rejected(None, rejected_id, 1)
        if not found:
            hint = '"footfall rejected list" names them'
            raise NotFound(what="rejected event", name=rejected_id, hint=hint)
        return found[0]

    def retry(
        self,
        rejected_ids: Sequence[str] | None = None,
        app_id: str | None = None,
        body: str | None = None,
    ) -> Retried:
        """Put rejected events (all when none is named) through today's rules again.

        ``body`` is read instead of what was kept of the one that is named. Raises NotFound,
        BadCorrection.
        """
        if rejected_ids is None and body is None:
            events = self.warehouse.rejected(app_id, None, MOST_RETRIED)
        else:
            events = [self.rejected_one(each) for each in dict.fromkeys(rejected_ids or ())]
        return retry_rejected(events, self.warehouse, self._rules, utc_now(), body)

    def import_files(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
    ) -> Mapping[str, Any]:
        """Import files of this machine; return the outcome. Raises BadSource."""
        outcome = import_files(
            format,
            paths,
            self._rules(AppId(app)),
            warehouse=self.warehouse,
            clock=utc_now,
            on_progress=lambda progress: on_progress(asdict(progress)),
        )
        return asdict(outcome)

    def export_mart(
        self, url: str, whole: bool, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Bring a mart up to date. Raises MissingExtra, MartLost, MartRefused, MartWrong."""
        from footfall.adapters.sql_mart import SqlMart  # needs an extra

        source = hashlib.blake2b(b"mart", key=self._key[:64], digest_size=8).hexdigest()
        mart = SqlMart(url)
        try:
            done = export_mart(self.warehouse, mart, source, whole=whole, on_progress=on_progress)
        finally:
            mart.close()
        return asdict(done)

    def plan(self, app: str) -> ScrubPlan:
        """Return the scrub rules of one app."""
        return plan_for(self.settings.apps.get(app, App()).scrub, self._key)

    def upkeep(self) -> Upkeep:
        """Return the regular work on this installation's stores."""
        return Upkeep(
            self.logs,
            self.warehouse,
            self.lake,
            self.archive,
            self.settings,
            lambda: sum(self.loader.state.backlog.values()),
        )

    def expire_salts(self, today: date) -> int:
        """Delete the daily salts that have had their time."""
        return expire_salts(self._keys, today)

    def health(self) -> Mapping[str, Any]:
        """Return what each part says of itself; ``ok`` is false when one is broken."""
        findings = self.findings()
        return {
            "ok": all(finding.state != "broken" for finding in findings),
            "findings": msgspec.to_builtins(findings),
        }

    def findings(self) -> list[Finding]:
        """Look at every part."""
        return [
            *check_folder(self.settings),
            *check_keys(self.settings.data),
            *check_logs(self.logs(), self.warehouse.positions(), self.settings, utc_now()),
            *check_lake(self.settings),
            *check_books(read_ledger(self.logs(), self.warehouse)),
        ]

    def version(self) -> int:
        """Return a number that grows with each commit of the warehouse."""
        return self.warehouse.version()

    def close(self) -> None:
        """Release every file and the folder."""
        self.warehouse.close()
        for log in self._open_logs.values():
            log.close()
        self._lock.close()

    def _rules(self, app: AppId) -> ImportRules:
        return ImportRules(app, self.plan(app), lambda day: derived_salt(self._key, day), self.country_of)


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

    def import_files(
        self, format: str, paths: Sequence[str], app: str, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Any:
        """Import files."""
        return self._platform.import_files(format, paths, app, on_progress)

    def health(self) -> Any:
        """Return what each part says of itself."""
        return self._platform.health()


@contextmanager
def connect(
    data: Path | None = None, *, create: bool = False, settings: Settings | None = None
) -> Iterator["Here | PlatformClient"]:
    """Give commands a way to the platform of a data folder: the running one, else one in this process.

    Raises NotFound when the folder isn't there and ``create`` is false; PlatformBusy when another
    command works on it.
    """
    settings = settings or load_settings(flags={"data": data})
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
            platform.lake.flush(utc_now(), everything=True)
    finally:
        platform.close()


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
