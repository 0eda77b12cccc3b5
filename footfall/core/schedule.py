"""Jobs by the clock, and their runs: when a job is due, and what becomes of a run. No clock of its own.

Expressions are cron's, read as Debian's cron does (cronsim), with its rules for summer time: a job at an
hour that the clock skips runs right after the gap, one at an hour that comes twice runs once.
"""

from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from msgspec import Struct

from footfall.errors import BadSchedule

__all__ = ["CLOSED", "EVERY", "OPEN", "Cause", "Ended", "Job", "Run", "State", "in_words", "next_after"]

State = Literal["queued", "running", "ok", "failed", "timed_out", "interrupted", "missed", "skipped"]
Cause = Literal["due", "catch_up", "by_hand", "again"]

OPEN: tuple[State, ...] = ("queued", "running")
CLOSED: tuple[State, ...] = ("ok", "failed", "timed_out", "interrupted", "missed", "skipped")

EVERY = {"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 0", "monthly": "0 0 1 * *"}
"""Short names, with the meaning that they have in crontab(5)."""


class Job(Struct, frozen=True, kw_only=True):
    """A footfall command line and when it is run. Times are UTC without a zone.

    ``folder`` is where its relative paths begin; ``time_limit`` is in seconds.
    """

    name: str
    command: tuple[str, ...]
    cron: str
    timezone: str
    folder: str
    time_limit: float
    created_at: datetime
    next_at: datetime
    paused: bool = False


class Run(Struct, frozen=True, kw_only=True):
    """One run of a job; ``id`` is 0 until a store gives one, ``said`` the end of what it printed.

    ``attempt`` counts runs of one due time: a run that a crash broke off is done again.
    """

    job: str
    state: State
    cause: Cause
    due_at: datetime
    id: int = 0
    attempt: int = 1
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    said: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it ran; None before it ended, or when it never began."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class Ended(Struct, frozen=True):
    """How a job's process ended: its exit code, and the end of what it printed."""

    exit_code: int
    said: str


def next_after(cron: str, timezone: str, after: datetime) -> datetime:
    """Return when the expression comes next, later than ``after``; both UTC without a zone.

    Raises BadSchedule for an expression or a zone that can't be read, and for a time that never comes.
    """
    return next(_times(cron, timezone, after)).astimezone(UTC).replace(tzinfo=None)


def in_words(cron: str) -> str:
    """Say an expression in English: ``At 06:00 on Monday``. Raises BadSchedule."""
    return str(_times(cron, "UTC", datetime(2026, 1, 1)).explain())  # noqa: DTZ001 - any moment does


def _times(cron: str, timezone: str, after: datetime) -> CronSim:
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        hint = "Name one as in Europe/Berlin"
        raise BadSchedule(cause=f"there is no time zone {timezone!r}", hint=hint) from error
    hint = 'Write minute, hour, day, month and weekday, such as "0 6 * * 1"'
    if len(cron.split()) != 5:
        raise BadSchedule(cause=f"{cron!r} has not five fields", hint=hint)
    try:
        times = CronSim(cron, after.replace(tzinfo=UTC).astimezone(zone))
        next(CronSim(cron, after.replace(tzinfo=UTC)))
    except CronSimError as error:
        raise BadSchedule(cause=f"{cron!r} is no cron expression ({error})", hint=hint) from error
    except StopIteration:
        raise BadSchedule(cause=f"{cron!r} is a time that never comes", hint=hint) from None
    return times
