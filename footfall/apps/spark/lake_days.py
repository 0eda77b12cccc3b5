"""A lake by days: those asked for, a day a task, and the rows of each for what computes a mart's tables."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import date, datetime, timedelta
from itertools import groupby
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import pyarrow as pa

from footfall.adapters.addresses import in_bucket, reading
from footfall.adapters.lake_day import LakeDay
from footfall.adapters.lake_file import EPOCH
from footfall.apps.spark.lakes import open_lake
from footfall.apps.spark.landing import Hours
from footfall.errors import NotFound
from footfall.ports.lakes import LakeFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["day_of", "day_of_lake", "days_in", "lake_days"]

MOST_CONNECTIONS = 16  # to a database that others ask too
DAYS_DDL = "day bigint, files array<struct<hour: bigint, place: string, version: string>>"


def lake_days(spark: "SparkSession", lake: str, hours: Hours) -> "DataFrame":
    """Return each day of the lake that has hours among these, with all of its files. Raises NotFound."""
    files = open_lake(lake).files("events")
    chosen = {file.hour // 24 for file in files if hours.first <= file.hour < hours.end}
    if not chosen:
        hint = "Look at its events/ folder"
        raise NotFound(what="day", name=f"among those asked for in {lake}", hint=hint)
    by_day = groupby(files, key=lambda file: file.hour // 24)
    days = [(day, [tuple(file) for file in found]) for day, found in by_day if day in chosen]
    listed = spark.sparkContext.parallelize(days, min(len(days), MOST_CONNECTIONS))
    return spark.createDataFrame(listed, DAYS_DDL)


def days_in(batch: pa.RecordBatch) -> Iterator[tuple[date, list[LakeFile]]]:
    """Yield the days of a task with their files."""
    for row in batch.to_pylist():
        yield day_of(row["day"]), [LakeFile(**file) for file in row["files"]]


def day_of(number: int) -> date:
    """Return the day of a number since 1970."""
    return (EPOCH + timedelta(days=number)).date()


@contextmanager
def day_of_lake(files: Sequence[LakeFile]) -> Iterator[LakeDay]:
    """Open a day's files to be asked in SQL; what lies in S3 is copied to this machine meanwhile."""
    by_hour: dict[datetime, list[str]] = {}
    with ExitStack() as stack:
        for file in files:
            path = file.place
            if in_bucket(path):
                copy = stack.enter_context(NamedTemporaryFile(suffix=".parquet"))
                with reading(file.place, file.version) as source:
                    copyfileobj(source, copy)
                copy.flush()
                path = copy.name
            by_hour.setdefault(EPOCH + timedelta(hours=file.hour), []).append(path)
        yield stack.enter_context(closing(LakeDay(by_hour)))
