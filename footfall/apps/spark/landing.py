"""What every job does once its rows are read: repeats out, sessions on, files written, hours swapped in.

Nothing is seen of a job before its books balance.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from footfall.adapters.lake_swap import LakeSwap
from footfall.apps.spark.faults import told
from footfall.apps.spark.repeats import PLACE, repeated
from footfall.apps.spark.sessions import labelled, session_spans
from footfall.apps.spark.standing import made_sessions, standing_events, standing_rejected, unlabelled
from footfall.apps.spark.tagged import EVENT_COLUMNS
from footfall.apps.spark.writing import MOST_PARTS, Written, write_events, write_rejected
from footfall.errors import BooksWrong, SparkFailed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["EPOCH", "Hours", "Landed", "Target", "at_hand", "hour_folder", "land", "standing"]

TOPS = ("events", "rejected")
NARROW = [
    "app_id",
    "event_id",
    "received_at",
    "visitor_id",
    "is_bot",
    "created_at",
    "event",
    "path",
    "session_id",
]
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone


class Hours(NamedTuple):
    """A stretch of hours since 1970: from ``first`` up to, not with, ``end``."""

    first: int = -(2**62)
    end: int = 2**62

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> "Hours":
        """Return the hours of [start, end), which are naive UTC; None is without a limit."""
        first = cls().first if start is None else (start - EPOCH) // timedelta(hours=1)
        last = cls().end if end is None else -((EPOCH - end) // timedelta(hours=1))
        return cls(first, last)


class Target(NamedTuple):
    """The lake and which of its hours a job may change.

    What stands in the lake and came by one of the origins ``kept`` (all when None) stays, and counts for
    repeats and sessions. ``whole`` replaces all the hours; else those that change, and with ``tidy`` also
    those of several files.
    """

    lake: Path
    hours: Hours = Hours()
    kept: frozenset[str] | None = None
    whole: bool = False
    tidy: bool = False
    file_bytes: int = 64 << 20


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of a job, in events.

    ``read`` + ``stood`` = ``written`` + ``duplicate`` + ``rejected`` + ``outside``. ``stood`` were in the
    lake before, in hours that were written anew; ``outside`` were read for what they tell of others, and
    lie in hours that were not asked for.
    """

    read: int
    stood: int
    written: int
    duplicate: int
    rejected: int
    outside: int
    hours: int
    files: int


def land(rows: "DataFrame", target: Target) -> tuple[Landed, dict[str, int]]:
    """Bring tagged rows into a lake; return the ledger, and how far each source was read.

    Raises BooksWrong, StoreFailed, SparkFailed or BadSource with nothing to be seen of it in the lake.
    """
    swap = LakeSwap(target.lake, uuid4().hex)
    try:
        with told(), at_hand(rows) as kept:
            landing = _Landing(kept, target)
            staged = landing.stage(swap.staging)
            landed = landing.ledger(staged)
        partitions = _partitions(staged)
        swap.commit(partitions, landing.emptied(staged))
        return landed, landing.reached
    finally:
        swap.close()


@contextmanager
def at_hand(frame: "DataFrame") -> Iterator["DataFrame"]:
    """Keep a frame on the executors' disks while it is asked several times."""
    from pyspark import StorageLevel  # needs the extra

    frame = frame.persist(StorageLevel.DISK_ONLY)
    try:
        yield frame
    finally:
        frame.unpersist()


class Staged(NamedTuple):
    """What a job wrote beside the lake: files of events and of rejected events."""

    events: list[Written]
    rejected: list[Written]


class _Hour(NamedTuple):
    """An hour as it will be: its rows, those that stood there before, and the repeats taken out."""

    rows: int
    stood: int = 0
    changed: int = 0
    repeats: int = 0
    repeats_stood: int = 0


class _Landing:
    """One job on its way from rows to staged files; ``reached`` says how far each source was read."""

    def __init__(self, rows: "DataFrame", target: Target) -> None:
        from pyspark.sql import functions as f  # needs the extra

        self._rows, self._target, self._f = rows, target, f
        self._inside = f.col("hour").between(target.hours.first, target.hours.end - 1)
        self._events = rows.where("counted is null and rejected is null")
        self._standing = standing(target.lake)
        self._hours: dict[int, _Hour] = {}
        counts = rows.where("counted is not null").select("read_from", "read_number", "counted").collect()
        self._read = sum(row.counted for row in counts)
        self.reached = {row.read_from: row.read_number for row in counts}

    def stage(self, staging: Path) -> Staged:
        """Write the files of every hour that is to be replaced."""
        narrow, made = self._narrow()
        with at_hand(repeated(narrow)) as repeats:
            fresh = narrow.join(repeats, list(PLACE), "left_anti")
            with at_hand(session_spans(fresh)) as spans:
                self._hours = self._counted(fresh if made is None else labelled(fresh, spans), repeats)
                sizes = {hour: each.rows for hour, each in self._replaced().items() if each.rows}
                wide = self._wide(set(sizes), made).join(repeats, list(PLACE), "left_anti")
                events = write_events(labelled(wide, spans), sizes, staging, self._target.file_bytes)
        return Staged(events, write_rejected(self._rejected(), staging))

    def ledger(self, staged: Staged) -> Landed:
        """Return the books of the job. Raises BooksWrong when they do not balance."""
        f = self._f
        refused = f.col("rejected").isNotNull()
        told = self._rows.where("counted is null").agg(
            f.count(f.when(~self._inside, 1)), f.count(f.when(self._inside & refused, 1))
        )
        outside, rejected = next(iter(told.collect()))
        replaced = self._replaced().values()
        landed = Landed(
            read=self._read,
            stood=sum(hour.stood + hour.repeats_stood for hour in replaced),
            written=sum(file.rows for file in staged.events),
            duplicate=sum(each.repeats for hour, each in self._hours.items() if self._holds(hour))
            + sum(hour.repeats_stood for hour in replaced),
            rejected=rejected,
            outside=outside,
            hours=len(replaced),
            files=len(staged.events),
        )
        told_of = landed.written + landed.duplicate + landed.rejected + landed.outside
        if landed.read + landed.stood != told_of:
            raise BooksWrong(**msgspec.structs.asdict(landed))
        return landed

    def emptied(self, staged: Staged) -> set[str]:
        """Return the partitions that stand in the lake and hold nothing any more."""
        filled = set(_partitions(staged))
        empty = {hour_folder("events", hour) for hour, each in self._replaced().items() if not each.rows}
        if self._target.whole:
            empty |= {
                hour_folder(top, hour)
                for top in TOPS
                for hour, _ in self._standing[top]
                if self._holds(hour)
            }
        return empty - filled

    def _holds(self, hour: int) -> bool:
        return self._target.hours.first <= hour < self._target.hours.end

    def _narrow(self) -> tuple["DataFrame", "DataFrame | None"]:
        """Return what repeats and sessions are told by, of all rows; and the made session ids."""
        f, target = self._f, self._target
        nothing = f.lit(None).cast("string").alias("stood_as")
        new = self._events.select(*PLACE, "hour", *NARROW, nothing, f.lit(False).alias("stands"))
        if not self._standing["events"]:
            return new, None
        stood = standing_events(new.sparkSession, self._standing["events"], NARROW, target.kept)
        made = made_sessions(stood)
        return new.unionByName(unlabelled(stood, made).withColumn("stands", f.lit(True))), made

    def _counted(self, fresh: "DataFrame", repeats: "DataFrame") -> dict[int, _Hour]:
        f = self._f
        stands, changed = f.col("stands"), ~f.col("stood_as").eqNullSafe(f.col("session_id"))
        rows = fresh.groupBy("hour").agg(
            f.count(f.lit(1)), f.count(f.when(stands, 1)), f.count(f.when(stands & changed, 1))
        )
        found = {row[0]: _Hour(*row[1:]) for row in rows.collect()}
        taken = repeats.groupBy("hour").agg(f.count(f.when(~stands, 1)), f.count(f.when(stands, 1)))
        for hour, new, stood in taken.collect():
            found[hour] = found.get(hour, _Hour(0))._replace(repeats=new, repeats_stood=stood)
        return found

    def _replaced(self) -> dict[int, _Hour]:
        """Return the hours that are written anew."""
        parts = Counter(hour for hour, _ in self._standing["events"])
        return {
            hour: each
            for hour, each in self._hours.items()
            if self._holds(hour)
            and (
                self._target.whole
                or each.rows > each.stood
                or each.changed
                or each.repeats_stood
                or (self._target.tidy and parts[hour] > 1)
            )
        }

    def _wide(self, hours: set[int], made: "DataFrame | None") -> "DataFrame":
        new = self._events.where(self._inside).select(*PLACE, "hour", *EVENT_COLUMNS)
        files = [(hour, path) for hour, path in self._standing["events"] if hour in hours]
        if made is None or not files:
            return new
        stood = standing_events(new.sparkSession, files, EVENT_COLUMNS, self._target.kept)
        return new.unionByName(unlabelled(stood, made).drop("stood_as"))

    def _rejected(self) -> "DataFrame":
        """Return the rejected events of every hour that has new ones, those that stay among them."""
        new = self._rows.where(self._f.col("rejected").isNotNull() & self._inside)
        hours = {row.hour for row in new.select("hour").distinct().collect()}
        files = [
            (hour, path)
            for hour, path in self._standing["rejected"]
            if hour in hours or (self._target.whole and self._holds(hour))
        ]
        if not files:
            return new
        stood = standing_rejected(new.sparkSession, files, self._target.kept)
        return new.unionByName(stood).dropDuplicates(["app_id", "event_id"])


def _partitions(staged: Staged) -> dict[str, list[Path]]:
    """Return the staged files by the partition that they are for. Raises SparkFailed for a lost one."""
    found: dict[str, list[Path]] = {}
    for top, written in zip(TOPS, staged, strict=True):
        for hour, parts in groupby(written, key=lambda file: file.place // MOST_PARTS):
            found[hour_folder(top, hour)] = [Path(part.path) for part in parts]
    lost = [path for paths in found.values() for path in paths if not path.is_file()]
    if lost:
        raise SparkFailed(cause=f"{lost[0]}, which an executor wrote, is not seen from here")
    return found


def hour_folder(top: str, hour: int) -> str:
    """Return the folder of an hour since 1970, from the lake's top: ``events`` or ``rejected``."""
    return f"{top}/{EPOCH + timedelta(hours=hour):year=%Y/month=%m/day=%d/hour=%H}"


def standing(lake: Path) -> dict[str, list[tuple[int, Path]]]:
    """Return the files that are in the lake now, each with its hour."""
    found: dict[str, list[tuple[int, Path]]] = {top: [] for top in TOPS}
    for top in TOPS:
        for path in sorted(lake.glob(f"{top}/year=*/month=*/day=*/hour=*/part-*.parquet")):
            year, month, day, hour = (int(part.partition("=")[2]) for part in path.parts[-5:-1])
            moment = datetime(year, month, day, hour)  # noqa: DTZ001 - as above
            found[top].append(((moment - EPOCH) // timedelta(hours=1), path))
    return found
