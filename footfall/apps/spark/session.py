"""The Spark session: what it needs on this machine, and the few settings that our jobs rest on."""

import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from footfall.apps.spark.faults import carried, told
from footfall.errors import JavaMissing, MissingExtra

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["SETTINGS", "MapArrow", "in_arrow", "open_session", "spark_ddl", "spread_over"]

MapArrow = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
"""Work of an executor: the batches of one partition in, others out."""

LOGGING = Path(__file__).parent / "log4j2.properties"
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.skewJoin.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20000",
    "spark.log.level": "OFF",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={LOGGING}",
}
"""Weaker than what the caller sets. Times are UTC; a visitor with half of the rows is split by AQE."""

PARTITIONS, SPARKS_DEFAULT = "spark.sql.shuffle.partitions", "200"

SPARK_TYPES = {
    pa.string(): "string",
    pa.timestamp("us"): "timestamp_ntz",
    pa.float64(): "double",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
}


@contextmanager
def open_session(master: str | None, settings: Mapping[str, str]) -> Iterator["SparkSession"]:
    """Start a session, or use the one that runs (spark-submit, Glue), and stop what was started.

    Errors of a job inside are raised as ours. Raises MissingExtra, JavaMissing, SparkFailed.
    """
    for module in ("pyspark", "pandas"):  # pyspark asks for pandas on the driver, though we use none
        if find_spec(module) is None:
            raise MissingExtra(feature="footfall spark", extra="spark")
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is None and "SPARK_REMOTE" not in os.environ:
        _find_java()
    builder = SparkSession.builder.appName("footfall")
    if master:
        builder = builder.master(master)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    for name, value in (SETTINGS | dict(settings)).items():
        builder = builder.config(name, value)
    with told(), _quiet():
        spark = builder.getOrCreate()
        try:
            yield spark
        finally:
            if running is None:
                spark.stop()


def in_arrow(frame: "DataFrame", work: MapArrow, schema: str) -> "DataFrame":
    """Return ``frame.mapInArrow(work)``, whose errors are told as ours."""
    with _quiet():
        return frame.mapInArrow(carried(work), schema)


def spread_over(spark: "SparkSession", tasks: int) -> None:
    """Let what is shuffled be cut into at least so many parts, unless the caller set a number."""
    if spark.conf.get(PARTITIONS) == SPARKS_DEFAULT:
        spark.conf.set(PARTITIONS, str(max(tasks, spark.sparkContext.defaultParallelism * 2)))


def spark_ddl(schema: pa.Schema) -> str:
    """Return the columns of an Arrow schema as Spark declares them."""
    return ", ".join(f"`{field.name}` {SPARK_TYPES[field.type]}" for field in schema)


@contextmanager
def _quiet() -> Iterator[None]:
    """Take no notice of a pandas newer than pyspark knows: it only checks that one is there."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _find_java() -> None:
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return
    if shutil.which("java") is None:
        raise JavaMissing(looked=f"JAVA_HOME is {home or 'not set'}, PATH has no java")
