"""What every job does once its rows are read: repeats out, sessions on, files written, hours swapped in.

Nothing is seen of a job before its books balance.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from footfall.adapters.lake_file import EPOCH, hour_folder
from footfall.apps.spark.concerned import Concerned, around, everything, goes_beyond
from footfall.apps.spark.faults import told
from footfall.apps.spark.lakes import open_lake
from footfall.apps.spark.repeats import PLACE, repeated
from footfall.apps.spark.sessions import labelled, session_spans
from footfall.apps.spark.standing import made_sessions, standing_events, standing_rejected, unlabelled
from footfall.apps.spark.tagged import EVENT_COLUMNS
from footfall.apps.spark.writing import MOST_PARTS, Written, write_events, write_rejected
from footfall.errors import BooksWrong
from footfall.ports.lakes import LakeFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["TOPS", "Hours", "Landed", "Target", "at_hand", "land"]

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
    """The lake's address and which of its hours a job may change.

    What stands in the lake and came by one of the origins ``kept`` (all when None) stays, and counts for
    repeats and sessions. ``whole`` replaces all the hours; else those that change, and with ``tidy`` also
    those of several files. Repeats are looked for within ``reach`` hours of those that change, or in the
    whole lake; sessions as far as they go.
    """

    lake: str
    hours: Hours = Hours()
    kept: frozenset[str] | None = None
    whole: bool = False
    tidy: bool = False
    file_bytes: int = 64 << 20
    reach: int | None = None


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

    Raises BooksWrong, StoreFailed, SparkFailed, BadSource, LakeChanged or the port ObjectStore's errors,
    with nothing to be seen of it in the lake.
    """
    lake = open_lake(target.lake)
    swap = lake.swap(uuid4().hex)
    try:
        standing = {top: lake.files(top) for top in TOPS}
        with told(), at_hand(rows) as kept:
            landing = _Landing(kept, target, standing)
            staged = landing.stage(swap.staging)
            landed = landing.ledger(staged)
        read = [file for files in standing.values() for file in files]
        swap.commit(_partitions(staged), landing.emptied(staged), read)
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

    def __init__(self, rows: "DataFrame", target: Target, standing: dict[str, list[LakeFile]]) -> None:
        from pyspark.sql import functions as f  # needs the extra

        self._rows, self._target, self._f = rows, target, f
        self._inside = f.col("hour").between(target.hours.first, target.hours.end - 1)
        self._events = rows.where("counted is null and rejected is null")
        self._standing = standing
        self._hours: dict[int, _Hour] = {}
        counts = rows.where("counted is not null").select("read_from", "read_number", "counted").collect()
        self._read = sum(row.counted for row in counts)
        self.reached = {row.read_from: row.read_number for row in counts}

    def stage(self, staging: str) -> Staged:
        """Write the files of every hour that is to be replaced."""
        for seen in (self._concerned(), everything(self._standing["events"])):
            if (staged := self._stage(staging, seen)) is not None:
                return staged
        raise AssertionError("not reached")

    def _stage(self, staging: str, seen: Concerned) -> Staged | None:
        """Write the files by what is seen of the lake; None, and nothing, when more of it tells."""
        narrow, made = self._narrow(seen)
        with at_hand(repeated(narrow)) as repeats:
            fresh = narrow.join(repeats, list(PLACE), "left_anti")
            with at_hand(session_spans(fresh, seen.beyond)) as spans:
                if seen.beyond and self._too_little(fresh, repeats, spans):
                    return None
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
                hour_folder(top, file.hour)
                for top in TOPS
                for file in self._standing[top]
                if self._holds(file.hour)
            }
        return empty - filled

    def _holds(self, hour: int) -> bool:
        return self._target.hours.first <= hour < self._target.hours.end

    def _concerned(self) -> Concerned:
        """Return what tells of the hours that the job may change."""
        files, target = self._standing["events"], self._target
        if target.reach is None:
            return everything(files)
        changing = {
            row.hour for row in self._events.where(self._inside).select("hour").distinct().collect()
        }
        if target.tidy:
            changing |= {file.hour for file in files if self._holds(file.hour)}
        return around(files, changing, target.reach)

    def _too_little(self, fresh: "DataFrame", repeats: "DataFrame", spans: "DataFrame") -> bool:
        """Say whether rows of hours that were not read may be in a session that the job changes."""
        if self._target.tidy:
            return goes_beyond(fresh.where(self._inside), spans)
        return not repeats.where("stands").isEmpty() or goes_beyond(fresh.where("not stands"), spans)

    def _narrow(self, seen: Concerned) -> tuple["DataFrame", "DataFrame | None"]:
        """Return what repeats and sessions are told by, of all rows seen; and the made session ids."""
        f, target = self._f, self._target
        nothing = f.lit(None).cast("string").alias("stood_as")
        new = self._events.select(*PLACE, "hour", *NARROW, nothing, f.lit(False).alias("stands"))
        if not seen.files:
            return new, None
        stood = standing_events(new.sparkSession, seen.files, NARROW, target.kept)
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
        parts = Counter(file.hour for file in self._standing["events"])
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
        files = [file for file in self._standing["events"] if file.hour in hours]
        if made is None or not files:
            return new
        stood = standing_events(new.sparkSession, files, EVENT_COLUMNS, self._target.kept)
        return new.unionByName(unlabelled(stood, made).drop("stood_as"))

    def _rejected(self) -> "DataFrame":
        """Return the rejected events of every hour that has new ones, those that stay among them."""
        new = self._rows.where(self._f.col("rejected").isNotNull() & self._inside)
        hours = {row.hour for row in new.select("hour").distinct().collect()}
        files = [
            file
            for file in self._standing["rejected"]
            if file.hour in hours or (self._target.whole and self._holds(file.hour))
        ]
        if not files:
            return new
        stood = standing_rejected(new.sparkSession, files, self._target.kept)
        return new.unionByName(stood).dropDuplicates(["app_id", "event_id"])


def _partitions(staged: Staged) -> dict[str, list[str]]:
    """Return the staged files by the partition that they are for."""
    return {
        hour_folder(top, hour): [part.path for part in parts]
        for top, written in zip(TOPS, staged, strict=True)
        for hour, parts in groupby(written, key=lambda file: file.place // MOST_PARTS)
    }
