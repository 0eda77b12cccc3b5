"""What every job does once its rows are read: repeats out, sessions on, files written, hours swapped in.

Nothing is seen of a job before its books balance.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from footfall.adapters.lake_swap import LakeSwap
from footfall.apps.spark.repeats import PLACE, repeated
from footfall.apps.spark.sessions import labelled
from footfall.apps.spark.writing import MOST_PARTS, Written, write_events, write_rejected
from footfall.errors import BooksWrong, SparkFailed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["EPOCH", "Hours", "Landed", "hour_folder", "land"]

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


class Landed(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of a job, in events: ``read`` = ``written`` + ``duplicate`` + ``rejected`` + ``outside``.

    ``outside`` were read for what they tell of others, and lie in hours that were not asked for.
    """

    read: int
    written: int
    duplicate: int
    rejected: int
    outside: int
    hours: int
    files: int


def land(rows: "DataFrame", lake: Path, hours: Hours, file_bytes: int) -> Landed:
    """Bring tagged rows into a lake: every hour of the stretch is replaced as a whole.

    Raises BooksWrong, StoreFailed or SparkFailed with nothing to be seen of it in the lake.
    """
    from pyspark import StorageLevel  # needs the extra

    swap = LakeSwap(lake, uuid4().hex)
    rows = rows.persist(StorageLevel.DISK_ONLY)
    try:
        landed, partitions = _stage(rows, swap, hours, file_bytes)
        standing = _standing(lake, hours)
        swap.commit(partitions, standing - set(partitions))
        return landed
    finally:
        rows.unpersist()
        swap.close()


def _stage(
    rows: "DataFrame", swap: LakeSwap, hours: Hours, file_bytes: int
) -> tuple[Landed, dict[str, list[Path]]]:
    from pyspark import StorageLevel  # needs the extra
    from pyspark.sql import functions as f

    inside = f.col("hour").between(hours.first, hours.end - 1)
    events = rows.where("event_id is not null and rejected is null")
    rejected = rows.where(f.col("rejected").isNotNull() & inside)
    repeats = repeated(events).persist(StorageLevel.DISK_ONLY)
    try:
        fresh = events.join(repeats, list(PLACE), "left_anti")
        sizes = {row.hour: row["count"] for row in fresh.where(inside).groupBy("hour").count().collect()}
        files = write_events(labelled(fresh.where(inside), fresh), sizes, swap.staging, file_bytes)
        refused = write_rejected(rejected, swap.staging)
        duplicate = repeats.where(inside).count()
    finally:
        repeats.unpersist()
    whole = rows.agg(f.sum("counted"), f.sum(f.when(f.col("counted").isNull() & ~inside, 1))).first()
    assert whole is not None  # noqa: S101 - an aggregate has one row
    landed = Landed(
        read=whole[0] or 0,
        written=sum(file.rows for file in files),
        duplicate=duplicate,
        rejected=sum(file.rows for file in refused),
        outside=whole[1] or 0,
        hours=len(sizes),
        files=len(files),
    )
    _check(landed)
    return landed, _partitions(files, refused)


def _check(landed: Landed) -> None:
    told = landed.written + landed.duplicate + landed.rejected + landed.outside
    if landed.read != told:
        raise BooksWrong(**msgspec.structs.asdict(landed))


def _partitions(files: Sequence[Written], refused: Sequence[Written]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for top, written in (("events", files), ("rejected", refused)):
        for hour, parts in groupby(written, key=lambda file: file.place // MOST_PARTS):
            found[hour_folder(top, hour)] = [Path(part.path) for part in parts]
    lost = [path for paths in found.values() for path in paths if not path.is_file()]
    if lost:
        cause = f"{lost[0]}, which an executor wrote, is not seen from here"
        raise SparkFailed(cause=cause)
    return found


def hour_folder(top: str, hour: int) -> str:
    """Return the folder of an hour since 1970, from the lake's top: ``events`` or ``rejected``."""
    return f"{top}/{EPOCH + timedelta(hours=hour):year=%Y/month=%m/day=%d/hour=%H}"


def _standing(lake: Path, hours: Hours) -> set[str]:
    """Return the partitions of these hours that are there now."""
    found = set()
    for path in lake.glob("*/year=*/month=*/day=*/hour=*"):
        folder = path.relative_to(lake).as_posix()
        top, hour = _hour_of(folder)
        if top in ("events", "rejected") and hours.first <= hour < hours.end:
            found.add(folder)
    return found


def _hour_of(folder: str) -> tuple[str, int]:
    """Return what ``hour_folder`` was given."""
    top, *parts = folder.split("/")
    year, month, day, hour = (int(part.partition("=")[2]) for part in parts)
    moment = datetime(year, month, day, hour)  # noqa: DTZ001 - as above
    return top, (moment - EPOCH) // timedelta(hours=1)
