"""Jobs as commands and API see them: made, told, paused, run now.

What runs them by the clock is ``services.schedule``.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from footfall.core.schedule import CLOSED, Job, Run, in_words, next_after
from footfall.core.secrets import masked_command
from footfall.errors import BadSchedule
from footfall.ports import ScheduleStore
from footfall.services.schedule import Scheduler
from footfall.services.wire import json_value
from footfall.settings import Schedule

__all__ = ["Alone", "Jobs"]

NAME = re.compile(r"[^\s/?#%\x00-\x1f\x7f][^/?#%\x00-\x1f\x7f]{0,99}")
WAIT_SECONDS = 0.2

Alone = Callable[[], AbstractContextManager[Scheduler | None]]
"""Gives the folder's scheduler for a block; None while another process has it."""


class Jobs:
    """The jobs of one data folder. Texts that leave here have no secrets in them."""

    def __init__(
        self, store: ScheduleStore, settings: Schedule, clock: Callable[[], datetime], alone: Alone
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._alone = alone

    def add(
        self,
        name: str,
        command: Sequence[str],
        cron: str,
        timezone: str,
        folder: str,
        time_limit: float | None = None,
    ) -> dict[str, Any]:
        """Keep a new job. Raises BadSchedule for a name that is taken or odd, or a time that can't be."""
        if not NAME.fullmatch(name):
            hint = "Take up to 100 characters, but no / ? # %"
            raise BadSchedule(cause=f"{name!r} is no name for a job", hint=hint)
        limit = self._settings.time_limit_seconds if time_limit is None else time_limit
        if not limit > 0:
            raise BadSchedule(cause=f"a time limit of {limit:g} s", hint="Give seconds above 0")
        now = self._clock()
        job = Job(
            name=name,
            command=tuple(command),
            cron=cron,
            timezone=timezone,
            folder=folder,
            time_limit=limit,
            created_at=now,
            next_at=next_after(cron, timezone, now),
        )
        self._store.put(job)
        return _job_json(job, None)

    def all(self) -> list[dict[str, Any]]:
        """Tell all jobs, each with its last run."""
        return [self._told(job) for job in self._store.jobs()]

    def show(self, name: str) -> dict[str, Any]:
        """Tell one job with its last run. Raises NotFound."""
        return self._told(self._store.job(name))

    def history(self, name: str, limit: int) -> list[dict[str, Any]]:
        """Tell a job's runs, newest first. Raises NotFound."""
        self._store.job(name)
        return [_run_json(run) for run in self._store.runs(name, limit)]

    def switch(self, name: str, *, paused: bool) -> dict[str, Any]:
        """Pause a job, or resume it from the next time that it comes. Raises NotFound."""
        job = self._store.job(name)
        next_at = next_after(job.cron, job.timezone, self._clock())
        return self._told(self._store.change(name, paused=paused, next_at=next_at))

    def remove(self, name: str) -> None:
        """Forget a job and its runs. Raises NotFound."""
        self._store.remove(name)

    def run_now(self, name: str) -> dict[str, Any]:
        """Queue a run. Raises NotFound, and BadSchedule when one is under way."""
        return _run_json(self._queue(name))

    def run_through(self, name: str) -> dict[str, Any]:
        """Run a job and return what became of it; the running platform does it, or this process."""
        run = self._queue(name)
        while True:
            done = next((each for each in self._store.runs(name) if each.id == run.id), None)
            if done is None:
                raise BadSchedule(cause=f"the job {name} was removed meanwhile", hint="Add it again")
            if done.state in CLOSED:
                return _run_json(done)
            with self._alone() as scheduler:
                if scheduler is not None:
                    scheduler.finish(run)
                    continue
            time.sleep(WAIT_SECONDS)

    def _queue(self, name: str) -> Run:
        with self._alone() as scheduler:
            if scheduler is not None:
                scheduler.recover()
        run = Run(job=name, state="queued", cause="by_hand", due_at=self._clock())
        entered = self._store.enter(run)
        if entered is not None:
            return entered
        for run in self._store.open_runs():
            if run.job == name and run.state == "queued":
                return run
        hint = f'"footfall schedule history {name}" shows it'
        raise BadSchedule(cause=f"the job {name} is running already", hint=hint)

    def _told(self, job: Job) -> dict[str, Any]:
        return _job_json(job, next(iter(self._store.runs(job.name, 1)), None))


def _job_json(job: Job, last: Run | None) -> dict[str, Any]:
    return {
        "name": job.name,
        "command": masked_command(job.command),
        "cron": job.cron,
        "when": in_words(job.cron),
        "timezone": job.timezone,
        "folder": job.folder,
        "time_limit": job.time_limit,
        "created_at": json_value(job.created_at),
        "paused": job.paused,
        "next_at": None if job.paused else json_value(job.next_at),
        "last": _run_json(last) if last else None,
    }


def _run_json(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "job": run.job,
        "state": run.state,
        "cause": run.cause,
        "attempt": run.attempt,
        "due_at": json_value(run.due_at),
        "started_at": json_value(run.started_at),
        "finished_at": json_value(run.finished_at),
        "seconds": run.seconds,
        "exit_code": run.exit_code,
        "said": run.said,
    }
