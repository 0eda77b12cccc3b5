"""A lake's tables to a relational database, a day a task, by the embedded export's own writer."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from footfall.adapters.lake_day import LakeDay
from footfall.adapters.sql_mart import SqlMart
from footfall.apps.spark.faults import told
from footfall.apps.spark.landing import EPOCH, Hours, standing
from footfall.apps.spark.session import MapArrow, in_arrow
from footfall.core.mart import MART
from footfall.errors import NotFound
from footfall.services.export_mart import write_whole_day

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Exported", "export_lake"]

WRITTEN = pa.schema([("rows", pa.int64()), ("verified", pa.int64())])
WRITTEN_DDL = "rows bigint, verified bigint"
MOST_CONNECTIONS = 16  # a database that others ask too


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: days written, rows written, and rows that were counted in the mart after."""

    days: int
    rows: int
    verified: int


def export_lake(spark: "SparkSession", lake: Path, url: str, hours: Hours) -> Exported:
    """Write every day of the lake that has hours among these, whole; a day is one transaction.

    Run again it writes the same rows in the same places. Raises NotFound, BadSource, MartRefused,
    MartLost, MartWrong or SparkFailed; days that were written before stay.
    """
    files = [(hour, str(path)) for hour, path in standing(lake)["events"]]
    chosen = {hour // 24 for hour, _ in files if hours.first <= hour < hours.end}
    if not chosen:
        raise NotFound(
            what="day", name=f"among those asked for in {lake}", hint="Look at its events/ folder"
        )
    days = [
        (day, [hour for hour, _ in found], [path for _, path in found])
        for day, found in (
            (day, list(some)) for day, some in groupby(files, key=lambda file: file[0] // 24)
        )
        if day in chosen
    ]
    with closing(SqlMart(url)) as mart:
        mart.prepare(MART)
    listed = spark.sparkContext.parallelize(days, min(len(days), MOST_CONNECTIONS))
    frame = spark.createDataFrame(listed, "day bigint, hours array<bigint>, paths array<string>")
    with told():
        done = in_arrow(frame, _days_writer(url), WRITTEN_DDL).collect()
    return Exported(
        days=len(done), rows=sum(row.rows for row in done), verified=sum(row.verified for row in done)
    )


def _days_writer(url: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with closing(SqlMart(url)) as mart:
            mart.prepare(MART)
            for batch in batches:
                for row in batch.to_pylist():
                    rows, verified = _write_day(mart, row["day"], row["hours"], row["paths"])
                    yield pa.record_batch([[rows], [verified]], schema=WRITTEN)

    return write


def _write_day(mart: SqlMart, number: int, hours: list[int], paths: list[str]) -> tuple[int, int]:
    by_hour: dict[datetime, list[str]] = {}
    for hour, path in zip(hours, paths, strict=True):
        by_hour.setdefault(EPOCH + timedelta(hours=hour), []).append(path)
    day: date = (EPOCH + timedelta(days=number)).date()
    with closing(LakeDay(by_hour)) as lake_day:
        return write_whole_day(lake_day, mart, day)
