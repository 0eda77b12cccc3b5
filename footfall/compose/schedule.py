"""What runs jobs and tells people: the same in a platform and in a command."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

from footfall.adapters.data_folder import alone, running_platform
from footfall.adapters.job_process import ProcessRunner
from footfall.adapters.log_notifier import LogNotifier
from footfall.adapters.sqlite_schedule import SqliteSchedule
from footfall.compose.clock import utc_now
from footfall.errors import NotFound
from footfall.ports import Notifier
from footfall.services.alerts import Alerts
from footfall.services.jobs import Jobs
from footfall.services.schedule import Scheduler
from footfall.settings import Settings, load_settings

__all__ = ["notifier", "open_jobs", "scheduler"]


def notifier(settings: Settings) -> Notifier:
    """Return what tells people: the addresses of alerts.urls, or the log where there are none."""
    if not settings.alerts.urls:
        return LogNotifier()
    from footfall.adapters.apprise_notifier import AppriseNotifier  # slow to load

    return AppriseNotifier(settings.alerts.urls)


@contextmanager
def scheduler(settings: Settings, store: SqliteSchedule) -> Iterator[Scheduler | None]:
    """Give the block what runs a folder's jobs; None while another process has it."""
    with alone(settings.data / "schedule.lock") as mine:
        if not mine:
            yield None
            return
        interval = timedelta(seconds=settings.alerts.min_interval_seconds)
        alerts = Alerts(notifier(settings), store, interval)
        work = Scheduler(store, ProcessRunner(settings), alerts, settings.schedule, utc_now)
        try:
            yield work
        finally:
            work.close()


@contextmanager
def open_jobs(data: Path | None = None, *, create: bool = False) -> Iterator[Jobs]:
    """Give commands the jobs of a data folder, running or not. Raises NotFound, StoreFailed."""
    settings = load_settings(flags={"data": data})
    if create:
        settings.data.mkdir(parents=True, exist_ok=True)
    elif not settings.data.is_dir():
        hint = 'Start one with "footfall up", or name another with --data'
        raise NotFound(what="data folder", name=settings.data, hint=hint)
    store = SqliteSchedule(settings.data / "schedule.sqlite")

    def unless_running() -> AbstractContextManager[Scheduler | None]:
        running = running_platform(settings.data)
        return nullcontext() if running and running.console else scheduler(settings, store)

    try:
        yield Jobs(store, settings.schedule, utc_now, unless_running)
    finally:
        store.close()
