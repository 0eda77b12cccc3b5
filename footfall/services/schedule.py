"""Runs jobs by the clock: plans what is due, starts it, watches over it, and notes what became of it.

Each run is a process of its own, so one that hangs or dies takes nothing along. What is to be done next
stands in the store before anything is done: a crash anywhere leaves a run that the next start finds.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from msgspec.structs import replace

from footfall.core.alerting import Standing
from footfall.core.schedule import Cause, Ended, Job, Run, State, next_after
from footfall.core.secrets import masked_command, masked_text
from footfall.errors import BadSchedule, FootfallError
from footfall.ports import JobRunner, RunningJob, ScheduleStore
from footfall.services.alerts import Alerts
from footfall.settings import Schedule

__all__ = ["Scheduler"]

LOOK_SECONDS = 0.5
LATE = timedelta(seconds=90)
"""A run this late was missed: footfall was down, or the machine asleep."""

ATTEMPTS = 3
"""How often a run that crashes broke off is begun: a job that brings the platform down must not do so for
ever."""

GRACE_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class _Process(NamedTuple):
    """A run with its process, when its time is over, and, once it was asked to end, when it must."""

    run: Run
    job: Job
    process: RunningJob
    stop_at: datetime
    kill_at: datetime | None = None


class Scheduler:
    """The jobs of one data folder; one process at a time may have one. Call ``step`` every second.

    ``clock`` gives naive UTC.
    """

    def __init__(
        self,
        store: ScheduleStore,
        runner: JobRunner,
        alerts: Alerts,
        settings: Schedule,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._runner = runner
        self._alerts = alerts
        self._settings = settings
        self._clock = clock
        self._running: dict[int, _Process] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        self._guarded(self.recover)
        while not stop.wait(LOOK_SECONDS):
            self._guarded(self.step)

    def recover(self) -> None:
        """Find the runs that a dead process left behind, and queue them again."""
        for run in self._store.open_runs():
            if run.state == "running" and run.id not in self._running:
                self._break_off(run, attempt=run.attempt + 1)

    def step(self) -> None:
        """Do what is to be done now: note what ended, plan what is due, start what is queued."""
        now = self._clock()
        self._watch(now)
        self._plan(now)
        self._start(self._store.open_runs(), now)

    def finish(self, run: Run) -> None:
        """Run this one queued run, and nothing else, to its end."""
        self._start([run], self._clock())
        try:
            while run.id in self._running:
                time.sleep(LOOK_SECONDS / 5)
                self._watch(self._clock())
        except KeyboardInterrupt:
            entry = self._running.pop(run.id)
            entry.process.stop(at_once=True)
            self._store.turn(replace(entry.run, state="interrupted", finished_at=self._clock()), "running")
            raise

    def close(self) -> None:
        """Stop what runs, and queue it again: that it was broken off is no fault of its own."""
        self._guarded(self._stop_all)
        self._alerts.close()

    def _stop_all(self) -> None:
        self._watch(self._clock())
        entries = [self._running.pop(key) for key in list(self._running)]
        for entry in entries:
            entry.process.stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for entry in entries:
            while entry.process.ended() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            entry.process.stop(at_once=True)
        for entry in entries:
            self._break_off(entry.run, attempt=entry.run.attempt)

    def _plan(self, now: datetime) -> None:
        for job in self._store.jobs():
            if job.next_at <= now and not job.paused:
                self._guarded(partial(self._queue, job, now))

    def _queue(self, job: Job, now: datetime) -> None:
        """Queue a run of a job that is due; several times missed are one."""
        late = now - job.next_at > LATE
        following = next_after(job.cron, job.timezone, now)
        run = Run(job=job.name, state="queued", cause="catch_up" if late else "due", due_at=job.next_at)
        if late and self._settings.missed == "note":
            self._store.enter(replace(run, state="missed", finished_at=now), following)
            _log.warning("job missed", job=job.name, due_at=job.next_at.isoformat())
        elif self._store.enter(run, following) is None:
            self._store.enter(replace(run, state="skipped", finished_at=now))
            _log.warning("job skipped: the run before is not over", job=job.name)

    def _start(self, runs: list[Run], now: datetime) -> None:
        for run in runs:
            if run.state != "queued" or len(self._running) >= self._settings.parallel:
                continue
            begun = replace(run, state="running", started_at=now)
            job = self._store.job(run.job)
            if not self._store.turn(begun, "queued"):
                continue
            try:
                process = self._runner.start(job)
            except BadSchedule as error:
                self._close(begun, job, "failed", Ended(1, str(error)), now)
                continue
            self._running[run.id] = _Process(begun, job, process, now + timedelta(seconds=job.time_limit))
            _log.info("job started", job=job.name, cause=run.cause, command=masked_command(job.command))

    def _watch(self, now: datetime) -> None:
        """Note what ended; stop what is over its time, and what was removed."""
        if not self._running:
            return
        wanted = {run.id for run in self._store.open_runs()}
        for key, entry in list(self._running.items()):
            ended = entry.process.ended()
            if ended is not None:
                del self._running[key]
                state: State = "ok" if ended.exit_code == 0 else "failed"
                self._close(entry.run, entry.job, "timed_out" if entry.kill_at else state, ended, now)
            elif entry.kill_at is not None and now >= entry.kill_at:
                entry.process.stop(at_once=True)
            elif entry.kill_at is None and (now >= entry.stop_at or key not in wanted):
                entry.process.stop()
                self._running[key] = entry._replace(kill_at=now + timedelta(seconds=GRACE_SECONDS))

    def _close(self, run: Run, job: Job, state: State, ended: Ended, now: datetime) -> None:
        said = masked_text(ended.said, job.command)
        done = replace(run, state=state, finished_at=now, exit_code=ended.exit_code, said=said)
        if not self._store.turn(done, "running"):
            return  # the job was removed
        self._store.trim(self._settings.keep_runs)
        log = _log.info if state == "ok" else _log.error
        log("job ended", job=job.name, state=state, exit_code=ended.exit_code, seconds=done.seconds)
        self._alerts.report(job.name, state == "ok", now, lambda before: _words(done, job, before))

    def _break_off(self, run: Run, attempt: int) -> None:
        """Note that a run was interrupted, and queue it again; too many crashes are a failure."""
        now = self._clock()
        broken = replace(run, state="interrupted", finished_at=now)
        if not self._store.turn(broken, "running"):
            return
        if attempt <= ATTEMPTS:
            again: Cause = "again"
            self._store.enter(
                Run(job=run.job, state="queued", cause=again, due_at=run.due_at, attempt=attempt)
            )
            _log.warning("job interrupted; it is done again", job=run.job, attempt=attempt)
            return
        job = self._store.job(run.job)
        _log.error("job interrupted; it is not tried again", job=run.job, attempts=run.attempt)
        self._alerts.report(job.name, False, now, lambda before: _words(broken, job, before))

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except FootfallError as error:
            _log.error("schedule failed", reason=str(error))
        except Exception:
            _log.exception("schedule failed")


def _words(run: Run, job: Job, before: Standing) -> tuple[str, str]:
    """Return title and text of an alert on a run."""
    lines = [f"footfall {masked_command(job.command)}", f"due {run.due_at:%Y-%m-%d %H:%M} UTC"]
    if run.state == "ok":
        since = f"{before.since:%Y-%m-%d %H:%M} UTC" if before.since else "the last alert"
        lines.append(f"failed {before.failures} times in a row since {since}")
        return f"footfall: job {job.name} works again", "\n".join(lines)
    how = {"timed_out": f"stopped after {job.time_limit:,.0f} s", "interrupted": "broken off by crashes"}
    lines.append(how.get(run.state, f"ended with code {run.exit_code}"))
    if before.failures:
        lines.append(f"failures in a row: {before.failures + 1}")
    lines += ["", run.said] if run.said else []
    lines += ["", f'See "footfall schedule history {job.name}".']
    return f"footfall: job {job.name} failed", "\n".join(lines)
