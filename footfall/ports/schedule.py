"""What the schedule is promised: by its store, by what runs a job, and by what tells people."""

from __future__ import annotations  # the collector imports the ports and must stay light

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from footfall.core.alerting import Alert, Standing
    from footfall.core.schedule import Ended, Job, Run, State

__all__ = ["JobRunner", "Notifier", "RunningJob", "ScheduleStore"]


class ScheduleStore(Protocol):
    """Jobs and their runs; any thread of any process may use it at any time. Raises StoreFailed.

    A job has at most one run that is queued or running.
    """

    def put(self, job: Job) -> None:
        """Keep a new job. Raises BadSchedule when its name is taken."""
        ...

    def jobs(self) -> list[Job]:
        """Return all jobs by name."""
        ...

    def job(self, name: str) -> Job:
        """Return one job. Raises NotFound."""
        ...

    def change(self, name: str, *, paused: bool, next_at: datetime) -> Job:
        """Pause or resume a job. Raises NotFound."""
        ...

    def remove(self, name: str) -> None:
        """Forget a job and its runs. Raises NotFound."""
        ...

    def enter(self, run: Run, next_at: datetime | None = None) -> Run | None:
        """Keep a new run, and in one commit with it when its job comes next; return it with its id.

        None when the job has an open run and this is one more; ``next_at`` is kept even so.
        Raises NotFound.
        """
        ...

    def turn(self, run: Run, was: State) -> bool:
        """Put a run in place of the one with its id; False when that is not ``was``, or is gone."""
        ...

    def open_runs(self) -> list[Run]:
        """Return the runs that are queued or running, oldest first."""
        ...

    def runs(self, name: str | None = None, limit: int = 50) -> list[Run]:
        """Return a job's runs, or everyone's, newest first."""
        ...

    def trim(self, keep: int) -> int:
        """Forget all but the newest ``keep`` closed runs of each job; return how many went."""
        ...

    def standing(self, subject: str) -> Standing:
        """Return how a subject of alerts stands; a new one for a name never seen."""
        ...

    def stand(self, subject: str, standing: Standing) -> None:
        """Keep how a subject stands."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


class RunningJob(Protocol):
    """A job's process."""

    def ended(self) -> Ended | None:
        """Return how it ended; None while it runs. Never waits."""
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """Ask it to end; ``at_once`` leaves it no choice."""
        ...


class JobRunner(Protocol):
    """Starts a job's command as a process of its own, which ends with the process that started it."""

    def start(self, job: Job) -> RunningJob:
        """Start it. Raises BadSchedule when it can't be, such as for a folder that is gone."""
        ...


class Notifier(Protocol):
    """Tells people."""

    def send(self, alert: Alert) -> None:
        """Deliver to every address, or raise NotifyFailed; secrets of an address are in no message."""
        ...
