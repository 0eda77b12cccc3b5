"""Metrics in Spark SQL: each from its one SQL file, over a lake of any size."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.apps.spark.faults import told
from footfall.apps.spark.session import spark_ddl
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.errors import NotFound
from footfall.metrics import metric, render
from footfall.ports import Answer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["answer", "lake_events"]

STANDS_ON = "select count(*), max(received_at) from events"


def answer(spark: "SparkSession", lake: Path, name: str, values: Mapping[str, str]) -> Answer:
    """Answer one metric over the events of a lake; ``rows_read`` are the lake's.

    Raises NotFound for a metric or a lake that is not there, BadQuery for a bad value, SparkFailed.
    """
    sql = render(metric(name), values, dialect="spark")
    lake_events(spark, lake).createOrReplaceTempView("events")
    with told():
        found = spark.sql(sql)
        rows = [tuple(row) for row in found.collect()]
        [(rows_read, fresh_to)] = spark.sql(STANDS_ON).collect()
    return Answer(tuple(found.columns), rows, sql, rows_read, fresh_to)


def lake_events(spark: "SparkSession", lake: Path) -> "DataFrame":
    """Return the events of a lake; a column that a file lacks is null there. Raises NotFound."""
    folder = lake / "events"
    if not folder.is_dir():
        hint = "Name the folder that holds events/year=.../"
        raise NotFound(what="lake", name=lake, hint=hint)
    return spark.read.schema(spark_ddl(EVENTS_SCHEMA)).parquet(str(folder)).select(*EVENTS_SCHEMA.names)
