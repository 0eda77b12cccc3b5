"""Tells people when something fails, and when it works again: in order, apart, and never too often.

Sending waits for other people's servers, so it has a thread of its own; what goes wrong there is logged
and hurts nobody. How a subject stands is kept, so that a restart tells nothing twice.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import structlog

from footfall.core.alerting import Alert, News, Standing, judge
from footfall.errors import FootfallError
from footfall.ports import Notifier, ScheduleStore

__all__ = ["Alerts"]

_log = structlog.get_logger(__name__)


class Alerts:
    """Takes outcomes and tells the news among them. ``interval`` is the shortest time between failures."""

    def __init__(self, notifier: Notifier, store: ScheduleStore, interval: timedelta) -> None:
        self._notifier = notifier
        self._store = store
        self._interval = interval
        self._thread = ThreadPoolExecutor(1, "alerts")

    def report(
        self, subject: str, ok: bool, now: datetime, words: Callable[[Standing], tuple[str, str]]
    ) -> "Future[None]":
        """Take one outcome; ``words`` gives title and text for the standing *before* it. Never raises."""
        return self._thread.submit(self._tell, subject, ok, now, words)

    def close(self) -> None:
        """Send what waits."""
        self._thread.shutdown(wait=True)

    def _tell(
        self, subject: str, ok: bool, now: datetime, words: Callable[[Standing], tuple[str, str]]
    ) -> None:
        try:
            before = self._store.standing(subject)
            after, news = judge(before, ok, now, self._interval)
            if news is not None:
                title, text = words(before)
                try:
                    self._notifier.send(Alert(title=title, text=text, kind=news))
                except FootfallError as error:
                    _log.error("alert not sent", subject=subject, news=news, reason=str(error))
                    after = _untold(before, after, news)
            if after != before:
                self._store.stand(subject, after)
        except FootfallError as error:
            _log.error("alert not judged", subject=subject, reason=str(error))
        except Exception:
            _log.exception("alert failed", subject=subject)


def _untold(before: Standing, after: Standing, news: News) -> Standing:
    """Return the standing of news that reached nobody: the next outcome tells it."""
    if news == "recovery":
        return before
    return Standing(failures=after.failures, since=after.since, told_at=before.told_at, open=before.open)
