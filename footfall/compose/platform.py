"""The platform of one data folder: its stores, and the services over them."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from footfall.adapters.data_folder import FolderLock
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt, expire_salts, installation_key
from footfall.adapters.log_slot import log_files
from footfall.adapters.parquet_lake import ParquetLake
from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.sqlite_log import SqliteLog
from footfall.adapters.sqlite_schedule import SqliteSchedule
from footfall.compose.clock import utc_now
from footfall.compose.imports import Imports
from footfall.compose.schedule import scheduler
from footfall.core.record import AppId
from footfall.core.scrub import ScrubPlan, plan_for
from footfall.errors import NotFound
from footfall.metrics import ROLLUPS, VIEWS, metric, render
from footfall.ports import Answer, EventLog, RejectedEvent, SourceRecord
from footfall.services.export_files import FileOrder, export_files
from footfall.services.export_mart import export_mart
from footfall.services.health import (
    Finding,
    check_books,
    check_folder,
    check_jobs,
    check_keys,
    check_lake,
    check_logs,
)
from footfall.services.imports.files import ImportRules
from footfall.services.jobs import Jobs
from footfall.services.ledger import Ledger, read_ledger
from footfall.services.load import Loader
from footfall.services.rejected import Retried, retry_rejected
from footfall.services.schedule import Scheduler
from footfall.services.trace import Trace, trace_event
from footfall.services.upkeep import Upkeep
from footfall.settings import App, Settings

__all__ = ["Platform"]

MOST_RETRIED = 100_000


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
        self._imports = Imports(settings, self.warehouse, self._name_for("imports"), self._rules)
        self._schedule = SqliteSchedule(settings.data / "schedule.sqlite")
        self.jobs = Jobs(self._schedule, settings.schedule, utc_now, self.scheduler)

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
        return self.sql(render(metric(name), values, rollups=frozenset(ROLLUPS + VIEWS)))

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
        *,
        growing: bool = False,
    ) -> Mapping[str, Any]:
        """Import files of this machine and objects of S3; return the outcome. Raises BadSource."""
        return self._imports.run(format, paths, app, on_progress, growing=growing)

    def imported(self, limit: int = 100, app: str | None = None) -> Sequence[SourceRecord]:
        """Return what is remembered of imported sources, newest first."""
        return self._imports.entries(limit, app)

    def export_files(
        self, order: FileOrder, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Write events to files of this machine; return the outcome. Raises BadTarget."""
        done: Mapping[str, Any] = msgspec.to_builtins(export_files(self.warehouse, order, on_progress))
        return done

    def export_mart(
        self, url: str, whole: bool, on_progress: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Bring a mart up to date. Raises MissingExtra, MartLost, MartRefused, MartWrong."""
        from footfall.adapters.sql_mart import SqlMart  # needs an extra

        mart = SqlMart(url)
        try:
            done = export_mart(
                self.warehouse, mart, self._name_for("mart"), whole=whole, on_progress=on_progress
            )
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

    def scheduler(self) -> AbstractContextManager[Scheduler | None]:
        """Give a block what runs the jobs; None while another process has it."""
        return scheduler(self.settings, self._schedule)

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
            *check_jobs(self.jobs.all()),
        ]

    def version(self) -> int:
        """Return a number that grows with each commit of the warehouse."""
        return self.warehouse.version()

    def close(self) -> None:
        """Release every file and the folder."""
        self.warehouse.close()
        for log in self._open_logs.values():
            log.close()
        self._imports.close()
        self._schedule.close()
        self._lock.close()

    def _name_for(self, purpose: str) -> str:
        """Return this installation's name where others know it; another one for each purpose."""
        return hashlib.blake2b(purpose.encode(), key=self._key[:64], digest_size=8).hexdigest()

    def _rules(self, app: AppId) -> ImportRules:
        return ImportRules(app, self.plan(app), lambda day: derived_salt(self._key, day), self.country_of)
