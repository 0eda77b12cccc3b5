"""A lake's tables to a relational database, a day a task, by the embedded export's own writer."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from footfall.adapters.sql_mart import SqlMart
from footfall.apps.spark.faults import told
from footfall.apps.spark.lake_days import day_of_lake, days_in, lake_days
from footfall.apps.spark.landing import Hours
from footfall.apps.spark.session import MapArrow, in_arrow
from footfall.core.mart import MART
from footfall.services.export_mart import write_whole_day

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Exported", "export_lake"]

WRITTEN = pa.schema([("rows", pa.int64()), ("verified", pa.int64())])
WRITTEN_DDL = "rows bigint, verified bigint"


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: days written, rows written, and rows that were counted in the mart after."""

    days: int
    rows: int
    verified: int


def export_lake(spark: "SparkSession", lake: str, url: str, hours: Hours) -> Exported:
    """Write every day of the lake that has hours among these, whole; a day is one transaction.

    Run again it writes the same rows in the same places. Raises NotFound, BadSource, MartRefused,
    MartLost, MartWrong or SparkFailed; days that were written before stay.
    """
    days = lake_days(spark, lake, hours)
    with closing(SqlMart(url)) as mart:
        mart.prepare(MART)
    with told():
        done = in_arrow(days, _days_writer(url), WRITTEN_DDL).collect()
    return Exported(
        days=len(done), rows=sum(row.rows for row in done), verified=sum(row.verified for row in done)
    )


def _days_writer(url: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with closing(SqlMart(url)) as mart:
            mart.prepare(MART)
            for batch in batches:
                for day, files in days_in(batch):
                    with day_of_lake(files) as lake_day:
                        rows, verified = write_whole_day(lake_day, mart, day)
                    yield pa.record_batch([[rows], [verified]], schema=WRITTEN)

    return write
