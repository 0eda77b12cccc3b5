"""Sources that are looked at again and again: what comes is imported, what fails is told once."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from footfall.errors import FootfallError
from footfall.settings import Watch

__all__ = ["Follower", "ImportOnce", "Stopped", "Watcher"]

_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """An import was left half-way because the process ends; the next one goes on with it."""


class ImportOnce(Protocol):
    """Imports what is new; see ``Platform.import_files``."""

    def __call__(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
        *,
        growing: bool,
    ) -> Mapping[str, Any]:
        """Return the outcome. Raises errors of the family."""
        ...


class Follower:
    """Goes on with one source; ``imported`` hears of outcomes with news, ``failed`` of new errors."""

    def __init__(
        self,
        once: Callable[[], Mapping[str, Any]],
        imported: Callable[[Mapping[str, Any]], None],
        failed: Callable[[str], None],
    ) -> None:
        self._once, self._imported, self._failed = once, imported, failed
        self._told: frozenset[str] = frozenset()

    def step(self, *, first: bool = False) -> None:
        """Import what is new. An error is told when it was not there the time before.

        At ``first`` one that time does not mend is raised: it is a wrong call.
        """
        errors: frozenset[str]
        try:
            outcome = self._once()
        except FootfallError as error:
            if first and not error.retryable:
                raise
            errors = frozenset({str(error)})
        else:
            errors = frozenset(outcome["errors"])
            if outcome["lines"]:
                self._imported(outcome)
        for message in sorted(errors - self._told):
            self._failed(message)
        self._told = errors


class Watcher:
    """The sources of the setting ``watch``, each looked at in its time. For one thread.

    ``stopping`` ends an import that is under way with ``Stopped``, at the next block.
    """

    def __init__(
        self,
        watches: Sequence[Watch],
        import_once: ImportOnce,
        stopping: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._import_once, self._stopping = import_once, stopping
        self._due = [(clock(), watch, self._follower(watch)) for watch in watches]

    def step(self) -> None:
        """Look at what is due. Raises Stopped."""
        for place, (due, watch, follower) in enumerate(self._due):
            if self._clock() >= due:
                follower.step()
                self._due[place] = (self._clock() + watch.every_seconds, watch, follower)

    def _follower(self, watch: Watch) -> Follower:
        return Follower(
            lambda: self._import_once(watch.format, [watch.path], watch.app, self._go_on, growing=True),
            lambda outcome: _log.info("imported", path=watch.path, lines=outcome["lines"]),
            lambda message: _log.error("import failed", path=watch.path, reason=message),
        )

    def _go_on(self, _: Mapping[str, Any]) -> None:
        if self._stopping():
            raise Stopped
