"""A Glue job (plain Spark): events as JSON in, CSV with country and continent out, what was read moved on.

Arguments: --source (folder of JSON lines), --target (folder of CSV, a folder a run), --done (where read
files go), --countries (CSV: word, alpha2, name, continent). A run is named after the files that it
reads, so one that broke before they were moved writes the same folder again, and doubles nothing.
"""

import argparse
import sys
from hashlib import sha256
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

COLUMNS = [
    "event_id",
    "event",
    "user_id",
    "anonymous_id",
    "created_at",
    "url",
    "element",
    "time_spent",
    "value",
    "currency",
]


def main(arguments: list[str]) -> int:
    """Run the job; returns how many files were moved."""
    parser = argparse.ArgumentParser()
    for name in ("source", "target", "done", "countries"):
        parser.add_argument(f"--{name}", required=True)
    given, _ = parser.parse_known_args(arguments)  # Glue adds arguments of its own
    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    files = _files(spark, given.source)
    if not files:
        return 0
    run = sha256("\n".join(files).encode()).hexdigest()[:16]
    rows = placed(spark.read.json(files), spark.read.csv(given.countries, header=True))
    rows.write.mode("overwrite").csv(f"{given.target.rstrip('/')}/run={run}", header=True, escape='"')
    for path in files:
        _move(spark, path, given.done)
    return len(files)


def placed(events: DataFrame, countries: DataFrame) -> DataFrame:
    """Return the columns of the result; a country that no word of the table names stays empty."""
    for name in (*COLUMNS, "country"):
        if name not in events.columns:
            events = events.withColumn(name, f.lit(None).cast("string"))
    age = "user.age" if "user" in events.columns and "age" in _fields(events, "user") else None
    word = f.upper(f.trim(events["country"].cast("string")))
    wide = events.select(
        *COLUMNS, word.alias("word"), (f.col(age) if age else f.lit(None)).cast("int").alias("age")
    )
    named = wide.join(f.broadcast(countries), "word", "left")
    return named.select(
        *COLUMNS, "age", f.col("alpha2").alias("country"), f.col("name").alias("country_name"), "continent"
    )


def _fields(events: DataFrame, column: str) -> list[str]:
    kind: Any = events.schema[column].dataType
    return list(getattr(kind, "names", []))


def _files(spark: SparkSession, folder: str) -> list[str]:
    """Return the files of a folder in order, by Hadoop's own view of S3 or of a disk."""
    place, system = _place(spark, folder)
    if not system.exists(place):
        return []
    return sorted(each.getPath().toString() for each in system.listStatus(place) if each.isFile())


def _move(spark: SparkSession, path: str, folder: str) -> None:
    target, system = _place(spark, f"{folder.rstrip('/')}/{path.rsplit('/', 1)[1]}")
    system.mkdirs(target.getParent())
    if system.exists(target):
        system.delete(target, False)
    if not system.rename(_place(spark, path)[0], target):
        raise RuntimeError(f"{path} was read, but can't be moved to {target}; the next run reads it again")


def _place(spark: SparkSession, text: str) -> tuple[Any, Any]:
    hadoop = spark._jvm.org.apache.hadoop.fs
    place = hadoop.Path(text)
    return place, place.getFileSystem(spark._jsc.hadoopConfiguration())


if __name__ == "__main__":
    main(sys.argv[1:])
