"""The loader: from the logs to the warehouse, in micro-batches, exactly once.

It keeps no state of its own that matters: where to go on reading is what the warehouse committed.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from time import monotonic
from typing import NamedTuple

import structlog

from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.record import AppId, Logged, Offset, Record, Sender
from footfall.errors import FootfallError
from footfall.ports import Batch, EventLog, Stored, Warehouse
from footfall.services.ledger import counts_read, waiting

__all__ = ["Loader", "LoaderState"]

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
REST = 9  # times as long as a small batch took to store
LONGEST_REST = 0.5
SMALL_EVENTS = 5_000

# Never stored: it makes decode and enrich load their rules before the first event waits for them.
WARM_UP = Logged(
    "warm-up",
    Offset(1),
    Record(
        kind="events",
        app_id=AppId("warm-up"),
        origin="native",
        received_at=0,
        count=1,
        sender=Sender(user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0"),
        body=b'[{"event":"warm_up","url":"https://example.com/?utm_source=a"}]',
    ),
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoaderState:
    """How the loader does: ``error`` is why the last try failed, None when it didn't.

    ``backlog`` counts the events of each log that were not loaded when it was last looked at.
    """

    error: str | None = None
    last_commit: datetime | None = None
    backlog: Mapping[str, int] = field(default_factory=dict)
    loaded: Stored = field(default_factory=Stored)


class Prepared(NamedTuple):
    """A batch that is ready to be stored, the logs that it came from, and its events."""

    batch: Batch
    behind: Sequence[EventLog]
    now: datetime
    events: int


class Loader:
    """Reads the logs behind the committed positions, decodes, enriches and stores.

    ``logs`` is asked at every step, so new workers' logs are found. One thread may drive it at a
    time: ``run``, or ``step`` and ``drain``.
    """

    def __init__(
        self,
        logs: Callable[[], Sequence[EventLog]],
        warehouse: Warehouse,
        clock: Callable[[], datetime],
        batch_events: int = 50_000,
    ) -> None:
        self._logs = logs
        self._warehouse = warehouse
        self._clock = clock
        self._batch_events = batch_events
        self.state = LoaderState()

    def step(self) -> Stored | None:
        """Load one batch; None when there was nothing to load.

        All logs that are behind share the batch in equal parts, so a busy worker starves no other.
        Raises what the log or the warehouse raise, with nothing committed.
        """
        prepared = self._prepare(self._warehouse.positions())
        return None if prepared is None else self._store(prepared)

    def _prepare(self, positions: Mapping[str, int]) -> Prepared | None:
        """Read what lies behind the positions, decode and enrich it; None when nothing does."""
        behind = [log for log in self._logs() if log.end() > positions.get(log.name, 0)]
        if not behind:
            self._note(backlog={})
            return None
        share = max(1, self._batch_events // len(behind))
        records: list[Logged] = []
        reached: dict[str, int] = {}
        for log in behind:
            read = log.read(Offset(positions.get(log.name, 0)), share)
            if read:
                records += read
                reached |= counts_read(log, read, positions)
                reached[log.name] = read[-1].offset
        if not records:
            return None
        decoded = decode(records)
        now = self._clock()
        events = sum(entry.record.count for entry in records)
        return Prepared(Batch(enrich(decoded.rows, now), decoded.rejected, reached), behind, now, events)

    def _store(self, prepared: Prepared) -> Stored:
        stored = self._warehouse.store(prepared.batch)
        reached = prepared.batch.positions
        self._note(
            error=None,
            last_commit=prepared.now,
            backlog={log.name: waiting(log, reached.get(log.name, 0)) for log in prepared.behind},
            loaded=self.state.loaded + stored,
        )
        return stored

    def drain(self) -> Stored:
        """Load until the ends that the logs had at the start; return what was done."""
        ends = {log.name: log.end() for log in self._logs()}
        done = Stored()
        while True:
            positions = self._warehouse.positions()
            if all(positions.get(name, 0) >= end for name, end in ends.items()):
                return done
            stored = self.step()
            if stored is None:
                return done
            done += stored

    def run(self, stop: Event, interval: float = 0.2) -> None:
        """Load until ``stop`` is set, pausing ``interval`` seconds between looks at idle logs.

        After a small batch it rests longer, because a commit costs much the same for one event as for
        a thousand: a trickle takes a tenth of a core, and is still fresh to the second.

        While a large batch is stored, the next one is prepared: DuckDB works on one core and Python
        on another. An error is logged with its reason and tried again after a pause that doubles up
        to half a minute; it never ends the loop, because the events are safe in the log meanwhile.
        """
        pause = FIRST_PAUSE
        enrich(decode([WARM_UP]).rows, self._clock())
        with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
            next_up: Future[Prepared | None] | None = None
            while not stop.is_set():
                try:
                    prepared = next_up.result() if next_up else self._prepare(self._warehouse.positions())
                    next_up = None
                    if prepared is None:
                        stop.wait(interval)
                        continue
                    busy = prepared.events >= min(SMALL_EVENTS, self._batch_events)
                    if busy:
                        reached = {**self._warehouse.positions(), **prepared.batch.positions}
                        next_up = ahead.submit(self._prepare, reached)
                    began = monotonic()
                    self._store(prepared)
                    spent = monotonic() - began
                    pause = FIRST_PAUSE
                except Exception as error:
                    next_up = None  # it stands behind a position that was not committed
                    self._tell(error, pause)
                    stop.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    continue
                if not busy:
                    stop.wait(max(interval, min(REST * spent, LONGEST_REST)))

    def _tell(self, error: Exception, pause: float) -> None:
        if isinstance(error, FootfallError):
            self._note(error=str(error))
            _log.error("loading failed", reason=str(error), again_in_seconds=pause)
        else:  # a fault of ours; the events wait in the log, and the loop must outlive it
            self._note(error=repr(error))
            _log.error("loading failed", exc_info=error, again_in_seconds=pause)

    def _note(self, **changes: object) -> None:
        values = {name: getattr(self.state, name) for name in LoaderState.__slots__}
        self.state = LoaderState(**(values | changes))
