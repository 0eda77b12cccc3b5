"""Regular work on the stores: archive and trim the logs, expire, prune, flush the lake.

Each part can be stopped anywhere and done again; one that fails is logged and stops no other.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile

import structlog

from footfall.core.record import Logged, Offset
from footfall.errors import FootfallError
from footfall.ports import EventLog, Lake, RawArchive, Warehouse
from footfall.settings import Settings

__all__ = ["Upkeep"]

ARCHIVE_EVENTS = 50_000
PRUNE_EVERY = timedelta(days=1)
FAR_BEHIND = 100_000
LAKE_GIVES_WAY = timedelta(minutes=5)
"""How long the lake waits while the loader is more than FAR_BEHIND events behind: a burst is first of
all made queryable, its files are written after it."""

_log = structlog.get_logger(__name__)


class Upkeep:
    """Does what is due at each ``step``; call it every few seconds.

    ``backlog`` tells how many events the loader is behind.
    """

    def __init__(
        self,
        logs: Callable[[], Sequence[EventLog]],
        warehouse: Warehouse,
        lake: Lake,
        archive: RawArchive,
        settings: Settings,
        backlog: Callable[[], int] = lambda: 0,
    ) -> None:
        self._logs = logs
        self._backlog = backlog
        self._warehouse = warehouse
        self._lake = lake
        self._archive = archive
        self._settings = settings
        self._pruned: datetime | None = None
        self._gave_way: datetime | None = None

    def step(self, now: datetime) -> list[str]:
        """Do what is due at ``now`` (naive UTC); return the names of the parts that failed."""
        parts: list[tuple[str, Callable[[], object]]] = [
            (f"archive {log.name}", partial(self._archive_log, log, now)) for log in self._logs()
        ]
        parts.append(("expire the raw archive", partial(self._expire, now)))
        parts.append(("prune what was seen", partial(self._prune, now)))
        if self._settings.lake.enabled:
            parts.append(("flush the lake", partial(self._flush, now)))
        return [name for name, work in parts if not _done(name, work)]

    def _flush(self, now: datetime) -> None:
        overdue = self._gave_way is not None and now - self._gave_way >= LAKE_GIVES_WAY
        if self._backlog() > FAR_BEHIND and not overdue:
            self._gave_way = self._gave_way or now
            return
        self._gave_way = None
        self._lake.flush(now, everything=overdue)

    def _archive_log(self, log: EventLog, now: datetime) -> None:
        """Move loaded records of a certain age to the archive, then out of the log.

        A record leaves the log only after its block is on disk. Half-way, the next step writes
        the same block again, which changes nothing.
        """
        loaded = self._warehouse.positions().get(log.name, 0)
        age = timedelta(seconds=self._settings.log.archive_after_seconds)
        oldest = log.read(Offset(0), 1)  # a whole block is read only when there is something to move
        if not oldest or oldest[0].record.received_at >= _micros(now - age):
            return
        for records in _old_records(log, loaded, _micros(now - age)):
            # Few records wait until a block of them is worth its file, at most for as long again.
            few = sum(each.record.count for each in records) < ARCHIVE_EVENTS // 2
            if few and records[0].record.received_at >= _micros(now - 2 * age):
                return
            self._archive.write(records)
            log.trim(records[-1].offset)

    def _expire(self, now: datetime) -> None:
        self._archive.expire(now - timedelta(days=self._settings.log.keep_raw_days))

    def _prune(self, now: datetime) -> None:
        if self._pruned is None or now - self._pruned >= PRUNE_EVERY:
            self._warehouse.prune(now)
            self._pruned = now


def _old_records(log: EventLog, loaded: int, before: int) -> Iterator[list[Logged]]:
    """Yield the log's loaded records of before a moment, in blocks, from where it was trimmed to."""
    after = Offset(0)
    while True:
        read = log.read(after, ARCHIVE_EVENTS)
        records = list(
            takewhile(lambda each: each.offset <= loaded and each.record.received_at < before, read)
        )
        if not records:
            return
        yield records
        if len(records) < len(read):
            return
        after = records[-1].offset


def _micros(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)


def _done(name: str, work: Callable[[], object]) -> bool:
    try:
        work()
    except (FootfallError, OSError) as error:
        _log.error("upkeep failed", part=name, reason=str(error))
        return False
    except Exception:
        _log.exception("upkeep failed", part=name)
        return False
    return True
