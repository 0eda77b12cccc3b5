"""When people are told that something fails, and that it works again: once, not each time."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

__all__ = ["Alert", "News", "Standing", "judge"]

News = Literal["failure", "recovery"]


class Alert(Struct, frozen=True, kw_only=True):
    """What people are told."""

    title: str
    text: str
    kind: Literal["failure", "recovery", "test"]


class Standing(Struct, frozen=True, kw_only=True):
    """How a subject stands: failures in a row, since when, when people were last told of one.

    ``open`` says that they were told of this row of failures, and wait to hear that it is over.
    """

    failures: int = 0
    since: datetime | None = None
    told_at: datetime | None = None
    open: bool = False


def judge(standing: Standing, ok: bool, now: datetime, interval: timedelta) -> tuple[Standing, News | None]:
    """Return the standing after one more outcome, and what is to be told of it, if anything is.

    A failure is told at once, but never within ``interval`` of the last one that was told; a recovery
    when the failures before it were.
    """
    if ok:
        return Standing(told_at=standing.told_at), "recovery" if standing.open else None
    failing = Standing(
        failures=standing.failures + 1,
        since=standing.since or now,
        told_at=standing.told_at,
        open=standing.open,
    )
    if standing.told_at is not None and now - standing.told_at < interval:
        return failing, None
    return Standing(failures=failing.failures, since=failing.since, told_at=now, open=True), "failure"
