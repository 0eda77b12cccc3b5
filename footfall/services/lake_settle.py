"""Rows of a lake moved to the hours in which they happened, so that hours can be replaced as a whole.

Firehose puts a row into the hour in which it came. A job that replaces the folders of some hours would drop
rows that came then and happened before, and double those that happened then and came after::

    folder   08    | 09    10 |   11
    before   .     | .8    .  |   .9      a late row of 8 within, one of 9 behind
    after    .8    | .9    .  |   .
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from footfall.ports.lakes import HourLake, LakeFile
from footfall.services.replay_plan import AHEAD

__all__ = ["Hours", "Settled", "settle"]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone
HOUR = timedelta(hours=1)
THREADS = 8
FILES_AT_ONCE = 64
TIMES = ("created_at", "received_at")


class Hours(NamedTuple):
    """Hours of ``created_at`` in [start, end), of rows that were received ``before``."""

    start: datetime
    end: datetime
    before: datetime


class Settled(Struct, frozen=True, kw_only=True):
    """How many rows were moved, out of how many files."""

    rows: int
    files: int


def settle(
    hours: Hours,
    lake: HourLake,
    read_rows: Callable[[LakeFile, Sequence[str] | None], pa.Table],
    write_rows: Callable[[str, Sequence[pa.RecordBatch], int], int],
    on_progress: Callable[[str, int, int], None],
) -> Settled:
    """Move rows of these hours that lie in others' folders to their own, and others' rows out of theirs.

    Raises BadSource, LakeChanged and the stores' errors, with the lake as it was.
    """
    swap = lake.swap(uuid4().hex)
    try:
        # Without a beginning only rows around the end lie on the wrong side of it.
        first = (hours.end if hours.start <= EPOCH else hours.start) - AHEAD
        files = [file for file in lake.files("events") if file.hour >= (first - EPOCH) // HOUR]
        touched, staged, moved = _taken_apart(files, hours, read_rows, on_progress)
        partitions = {}
        for number, (folder, tables) in enumerate(sorted(staged.items())):
            rows = pa.concat_tables(tables)
            partitions[folder] = [f"{swap.staging}/{number:06d}.parquet"]
            write_rows(partitions[folder][0], rows.to_batches(), len(rows))
        if touched:
            swap.commit(partitions, {_folder(file.hour) for file in touched} - partitions.keys(), touched)
    finally:
        swap.close()
    return Settled(rows=moved, files=len(touched))


def _taken_apart(
    files: Sequence[LakeFile],
    hours: Hours,
    read_rows: Callable[[LakeFile, Sequence[str] | None], pa.Table],
    on_progress: Callable[[str, int, int], None],
) -> tuple[list[LakeFile], dict[str, list[pa.Table]], int]:
    """Return the files with rows that have to move, the rows of these by folder, and how many move."""
    touched: list[LakeFile] = []
    found: dict[str, list[pa.Table]] = {}
    moved = 0
    with ThreadPoolExecutor(THREADS, "lake") as pool:
        for start in range(0, len(files), FILES_AT_ONCE):
            on_progress("files of the lake", start, len(files))
            some = files[start : start + FILES_AT_ONCE]
            for file, times in zip(some, pool.map(lambda file: read_rows(file, TIMES), some), strict=True):
                strays = _strays(file, times, hours)
                if pc.any(strays).as_py():
                    touched.append(file)
                    moved += pc.sum(strays).as_py()
                    for folder, rows in _placed(file, read_rows(file, None), strays):
                        found.setdefault(folder, []).append(rows)
    return touched, found, moved


def _strays(file: LakeFile, times: pa.Table, hours: Hours) -> pa.ChunkedArray:
    """Say which rows of a file lie on the wrong side of the hours."""
    happened = _in(times["created_at"], hours.start, hours.end)
    ours = pc.and_(happened, _in(times["received_at"], EPOCH, hours.before))
    if hours.start <= EPOCH + file.hour * HOUR < hours.end:
        return pc.invert(ours)
    return ours


def _placed(file: LakeFile, rows: pa.Table, strays: pa.ChunkedArray) -> list[tuple[str, pa.Table]]:
    """Return a file's rows by the folder that each is to lie in."""
    stay = rows.filter(pc.invert(strays))
    found = [(_folder(file.hour), stay)] if len(stay) else []
    go = rows.filter(strays)
    own = pc.divide(go["created_at"].cast(pa.int64()), HOUR // timedelta(microseconds=1))
    return found + [(_folder(hour), go.filter(pc.equal(own, hour))) for hour in pc.unique(own).to_pylist()]


def _in(times: pa.ChunkedArray, first: datetime, end: datetime) -> pa.ChunkedArray:
    kind = pa.timestamp("us")
    return pc.and_(pc.greater_equal(times, pa.scalar(first, kind)), pc.less(times, pa.scalar(end, kind)))


def _folder(hour: int) -> str:
    return f"events/{EPOCH + hour * HOUR:year=%Y/month=%m/day=%d/hour=%H}"
