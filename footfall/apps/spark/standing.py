"""What a lake holds already, as tagged rows: jobs that add to it or tidy it up go on from there."""

from collections.abc import Collection, Iterator, Sequence
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from footfall.adapters.addresses import reading
from footfall.apps.spark.session import MapArrow, in_arrow, spark_ddl
from footfall.apps.spark.tagged import TAGGED, tag_rejected
from footfall.core.arrow import EVENTS_SCHEMA, REJECTED_SCHEMA
from footfall.core.session_merge import KEYS, session_ids
from footfall.errors import BadSource
from footfall.ports.lakes import LakeFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["lake_rows", "made_sessions", "standing_events", "standing_rejected", "unlabelled"]

TAGS = [TAGGED.field(name) for name in ("read_from", "read_number", "hour")]
BATCH_ROWS = 20_000
HINT = (
    "It was written by another version: write its hours again with footfall spark replay, or move it away"
)


def lake_rows(spark: "SparkSession", files: Sequence[LakeFile], columns: Sequence[str]) -> "DataFrame":
    """Return some columns of the lake's files; one that a file lacks is null there.

    Raises BadSource for a file that cannot be read, or whose column is of another type.
    """
    schema = pa.schema([EVENTS_SCHEMA.field(name).remove_metadata() for name in columns])
    return in_arrow(_listed(spark, files), _read_columns(schema), spark_ddl(schema))


def standing_events(
    spark: "SparkSession",
    files: Sequence[LakeFile],
    columns: Sequence[str],
    origins: Collection[str] | None,
) -> "DataFrame":
    """Return rows of the lake's files; of some origins only, or of all.

    Raises BadSource for a file that cannot be read or lacks a column.
    """
    schema = pa.schema([*TAGS, *(EVENTS_SCHEMA.field(name).remove_metadata() for name in columns)])
    return in_arrow(_listed(spark, files), _read_events(list(columns), origins), spark_ddl(schema))


def standing_rejected(
    spark: "SparkSession", files: Sequence[LakeFile], origins: Collection[str] | None
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


def _listed(spark: "SparkSession", files: Sequence[LakeFile]) -> "DataFrame":
    context = spark.sparkContext
    tasks = max(1, min(len(files), context.defaultParallelism * 4))
    listed = context.parallelize([tuple(file) for file in files], tasks)
    return spark.createDataFrame(listed, "hour bigint, place string, version string")


def _read_columns(schema: pa.Schema) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in _files(batches):
            for rows in _batches(file, schema, schema.names, lacking=True):
                found = rows.schema.names
                columns = [
                    rows[field.name] if field.name in found else pa.nulls(len(rows), field.type)
                    for field in schema
                ]
                yield pa.record_batch(columns, schema=schema)

    return read


def _read_events(columns: list[str], origins: Collection[str] | None) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in _files(batches):
            number = 0
            for rows in _batches(file, EVENTS_SCHEMA, [*columns, "origin"]):
                tags = [
                    pa.repeat(pa.scalar(f" {file.place}"), len(rows)),  # a space: before what a job reads
                    pa.array(range(number, number + len(rows)), pa.int64()),
                    pa.repeat(pa.scalar(file.hour, pa.int64()), len(rows)),
                ]
                number += len(rows)
                names = [*(tag.name for tag in TAGS), *columns]
                tagged = pa.record_batch([*tags, *(rows[name] for name in columns)], names=names)
                yield tagged.filter(_of(rows, origins))

    return read


def _read_rejected(origins: Collection[str] | None) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in _files(batches):
            number = 0
            for rows in _batches(file, REJECTED_SCHEMA, REJECTED_SCHEMA.names):
                table = pa.Table.from_batches([rows.filter(_of(rows, origins))])
                yield from tag_rejected(table, f" {file.place}", number)
                number += len(rows)

    return read


def _files(batches: Iterator[pa.RecordBatch]) -> Iterator[LakeFile]:
    for batch in batches:
        yield from map(LakeFile, *batch.to_pydict().values())


def _batches(
    file: LakeFile, declared: pa.Schema, columns: Sequence[str], *, lacking: bool = False
) -> Iterator[pa.RecordBatch]:
    """Yield columns of a file, which must have all that are declared unless some may be ``lacking``."""
    try:
        with reading(file.place, file.version) as opened, _parquet(opened) as parquet:
            there = parquet.schema_arrow
            absent = [name for name in declared.names if name not in there.names]
            wrong = [
                field.name
                for field in declared
                if field.name in there.names and there.field(field.name).type != field.type
            ]
            if wrong or (absent and not lacking):
                cause = f"its columns are not today's ({', '.join(absent + wrong)})"
                raise BadSource(path=file.place, format="lake", cause=cause, hint=HINT)
            present = [name for name in dict.fromkeys(columns) if name not in absent]
            yield from parquet.iter_batches(BATCH_ROWS, columns=present)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadSource(path=file.place, format="lake", cause=error, hint=HINT) from error


def _parquet(opened: IO[bytes]) -> pq.ParquetFile:
    return pq.ParquetFile(opened, coerce_int96_timestamp_unit="us")  # INT96: as Firehose writes times


def _of(rows: pa.RecordBatch, origins: Collection[str] | None) -> pa.Array:
    if origins is None:
        return pa.repeat(pa.scalar(True), len(rows))
    return pc.is_in(rows["origin"], pa.array(sorted(origins), pa.string()))


def _made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = pa.Table.from_batches([batch]).rename_columns([*KEYS, "started_at"])
        yield pa.record_batch([session_ids(rows)], names=["made_id"])
