"""Metrics in Spark SQL: each from its one SQL file, over a lake of any size."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.adapters.addresses import in_bucket
from footfall.apps.spark.faults import told
from footfall.apps.spark.lakes import open_lake
from footfall.apps.spark.session import spark_ddl
from footfall.apps.spark.standing import lake_rows
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.errors import NotFound
from footfall.metrics import metric, render
from footfall.ports import Answer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["answer", "lake_events"]

STANDS_ON = "select count(*), max(received_at) from events"


def answer(spark: "SparkSession", lake: str, name: str, values: Mapping[str, str]) -> Answer:
    """Answer one metric over the events of a lake; ``rows_read`` are the lake's.

    Raises NotFound for a metric or a lake that is not there, BadQuery for a bad value, SparkFailed.
    """
    sql = render(metric(name), values, dialect="spark")
    asked = set(re.findall(r"\w+", f"{sql} {STANDS_ON}"))
    columns = [column for column in EVENTS_SCHEMA.names if column in asked]
    lake_events(spark, lake, columns).createOrReplaceTempView("events")
    with told():
        found = spark.sql(sql)
        rows = [tuple(row) for row in found.collect()]
        [(rows_read, fresh_to)] = spark.sql(STANDS_ON).collect()
    return Answer(tuple(found.columns), rows, sql, rows_read, fresh_to)


def lake_events(
    spark: "SparkSession", lake: str, columns: Sequence[str] = tuple(EVENTS_SCHEMA.names)
) -> "DataFrame":
    """Return some columns of a lake's events; one that a file lacks is null there. Raises NotFound.

    A folder is read by Spark itself. What lies in S3 is read as jobs read it: in the versions that were
    listed, hours that a job is replacing among them, and without the jars of Hadoop's client.
    """
    if in_bucket(lake):
        files = open_lake(lake).files("events")
        if not files:
            raise _no_lake(lake)
        return lake_rows(spark, files, columns)
    folder = Path(lake) / "events"
    if not folder.is_dir():
        raise _no_lake(lake)
    return spark.read.schema(spark_ddl(EVENTS_SCHEMA)).parquet(str(folder)).select(*columns)


def _no_lake(lake: str) -> NotFound:
    return NotFound(what="lake", name=lake, hint="Name the folder or prefix that holds events/year=.../")
