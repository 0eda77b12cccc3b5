"""What a lake holds already, as tagged rows: jobs that add to it or tidy it up go on from there."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from footfall.apps.spark.session import MapArrow, in_arrow, spark_ddl
from footfall.apps.spark.tagged import TAGGED, tag_rejected
from footfall.core.arrow import EVENTS_SCHEMA, REJECTED_SCHEMA
from footfall.core.session_merge import KEYS, session_ids
from footfall.errors import BadSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["made_sessions", "standing_events", "standing_rejected", "unlabelled"]

TAGS = [TAGGED.field(name) for name in ("read_from", "read_number", "hour")]
BATCH_ROWS = 20_000
HINT = (
    "It was written by another version: write its hours again with footfall spark replay, or move it away"
)


def standing_events(
    spark: "SparkSession",
    files: Sequence[tuple[int, Path]],
    columns: Sequence[str],
    origins: Collection[str] | None,
) -> "DataFrame":
    """Return rows of the lake's files, each given with its hour; of some origins only, or of all.

    Raises BadSource for a file that cannot be read or lacks a column.
    """
    schema = pa.schema([*TAGS, *(EVENTS_SCHEMA.field(name).remove_metadata() for name in columns)])
    return in_arrow(_listed(spark, files), _read_events(list(columns), origins), spark_ddl(schema))


def standing_rejected(
    spark: "SparkSession", files: Sequence[tuple[int, Path]], origins: Collection[str] | None
) -> "DataFrame":
    """Return rejected events of the lake's files, tagged, in the same way."""
    return in_arrow(_listed(spark, files), _read_rejected(origins), spark_ddl(TAGGED))


def made_sessions(standing: "DataFrame") -> "DataFrame":
    """Return the session ids that were made from these rows by the rule, and not given by a sender.

    A made id names the moment at which its session begins, and the row of that moment is there.
    """
    rows = standing.select(*KEYS, "created_at")
    return in_arrow(rows, _made, "made_id string").distinct()


def unlabelled(standing: "DataFrame", made: "DataFrame") -> "DataFrame":
    """Return the rows with ``session_id`` null where it was made, and as it stood in ``stood_as``."""
    from pyspark.sql import functions as f  # needs the extra

    given = f.when(f.col("made_id").isNull(), f.col("session_id"))
    joined = standing.join(made, f.col("session_id") == f.col("made_id"), "left")
    return joined.select(
        *(given.alias(name) if name == "session_id" else f.col(name) for name in standing.columns),
        f.col("session_id").alias("stood_as"),
    )


def _listed(spark: "SparkSession", files: Sequence[tuple[int, Path]]) -> "DataFrame":
    context = spark.sparkContext
    places = [(hour, str(path)) for hour, path in files]
    tasks = max(1, min(len(places), context.defaultParallelism * 4))
    return spark.createDataFrame(context.parallelize(places, tasks), "hour bigint, path string")


def _read_events(columns: list[str], origins: Collection[str] | None) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for hour, path in _places(batches):
            number = 0
            for rows in _batches(path, [*columns, "origin"], EVENTS_SCHEMA):
                tags = [
                    pa.repeat(pa.scalar(f" {path}"), len(rows)),  # a space: before what a job reads
                    pa.array(range(number, number + len(rows)), pa.int64()),
                    pa.repeat(pa.scalar(hour, pa.int64()), len(rows)),
                ]
                number += len(rows)
                names = [*(tag.name for tag in TAGS), *columns]
                tagged = pa.record_batch([*tags, *(rows[name] for name in columns)], names=names)
                yield tagged.filter(_of(rows, origins))

    return read


def _read_rejected(origins: Collection[str] | None) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _, path in _places(batches):
            number = 0
            for rows in _batches(path, REJECTED_SCHEMA.names, REJECTED_SCHEMA):
                table = pa.Table.from_batches([rows.filter(_of(rows, origins))])
                yield from tag_rejected(table, f" {path}", number)
                number += len(rows)

    return read


def _places(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, str]]:
    for batch in batches:
        yield from zip(*batch.to_pydict().values(), strict=True)


def _batches(path: str, columns: Sequence[str], declared: pa.Schema) -> Iterator[pa.RecordBatch]:
    try:
        file = pq.ParquetFile(path)
        there = file.schema_arrow
        wrong = [
            name
            for name in declared.names
            if name not in there.names or there.field(name).type != declared.field(name).type
        ]
        if wrong:
            cause = f"its columns are not today's ({', '.join(wrong)})"
            raise BadSource(path=path, format="lake", cause=cause, hint=HINT)
        yield from file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(columns)))
    except (OSError, pa.ArrowInvalid) as error:
        raise BadSource(path=path, format="lake", cause=error, hint=HINT) from error


def _of(rows: pa.RecordBatch, origins: Collection[str] | None) -> pa.Array:
    if origins is None:
        return pa.repeat(pa.scalar(True), len(rows))
    return pc.is_in(rows["origin"], pa.array(sorted(origins), pa.string()))


def _made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = pa.Table.from_batches([batch]).rename_columns([*KEYS, "started_at"])
        yield pa.record_batch([session_ids(rows)], names=["made_id"])
