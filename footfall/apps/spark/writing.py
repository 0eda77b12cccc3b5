"""The last step of a job: rows to the lake's files, in a staging place, a large hour in several parts."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.adapters.addresses import writing
from footfall.adapters.lake_file import BYTES_PER_ROW, pieces_of, write_lake_file
from footfall.apps.spark.session import MapArrow, in_arrow
from footfall.apps.spark.tagged import EVENT_COLUMNS, rejected_table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["MOST_PARTS", "Written", "parts_of", "write_events", "write_rejected"]

MOST_PARTS = 1_000


class Written(NamedTuple):
    """A staged file: its place (the hour times ``MOST_PARTS``, and the part), address and rows."""

    place: int
    path: str
    rows: int


WRITTEN = pa.schema([("place", pa.int64()), ("path", pa.string()), ("rows", pa.int64())])
WRITTEN_DDL = "place bigint, path string, rows bigint"


def parts_of(rows: int, file_bytes: int) -> int:
    """Return how many files an hour of so many rows makes."""
    return min(MOST_PARTS, -(-rows * BYTES_PER_ROW // file_bytes) or 1)


def write_events(
    events: "DataFrame", hours: Mapping[int, int], staging: str, file_bytes: int
) -> list[Written]:
    """Write events, sorted by time within each file; return the files.

    ``hours`` has each hour's rows: one with very many becomes several parts by a hash of the id, so that
    no task gets more than a file.
    """
    from pyspark.sql import functions as f  # needs the extra

    parts = {hour: parts_of(rows, file_bytes) for hour, rows in hours.items()}
    large = [(hour, count) for hour, count in parts.items() if count > 1]
    count = f.lit(1)
    if large:
        table = events.sparkSession.createDataFrame(large, "large_hour bigint, parts int")
        events = events.join(f.broadcast(table), f.col("hour") == f.col("large_hour"), "left")
        count = f.coalesce("parts", f.lit(1))
    part = f.pmod(f.xxhash64("event_id"), count)
    placed = events.select((f.col("hour") * MOST_PARTS + part).alias("place"), *EVENT_COLUMNS)
    ordered = placed.repartition("place").sortWithinPartitions("place", "created_at", "event_id")
    expected = {hour: rows // parts[hour] for hour, rows in hours.items()}
    return _collected(in_arrow(ordered, _event_files(staging, expected), WRITTEN_DDL))


def write_rejected(rejected: "DataFrame", staging: str) -> list[Written]:
    """Write rejected events by hour of receipt; return the files."""
    from pyspark.sql import functions as f  # needs the extra

    place = (f.col("hour") * MOST_PARTS).alias("place")
    rows = rejected.select(place, "received_at", "read_from", "read_number", "rejected")
    ordered = rows.repartition("place").sortWithinPartitions(
        "place", "received_at", "read_from", "read_number"
    )
    return _collected(in_arrow(ordered, _rejected_files(staging), WRITTEN_DDL))


def _event_files(staging: str, expected: Mapping[int, int]) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            path = f"{staging}/events-{place}-{uuid4().hex}.parquet"
            with writing(path) as file:
                rows = write_lake_file(
                    file, (batch for _, batch in pieces), expected.get(place // MOST_PARTS, 0)
                )
            yield _told(place, path, rows)

    return write


def _rejected_files(staging: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            path, rows = f"{staging}/rejected-{place}-{uuid4().hex}.parquet", 0
            schema = rejected_table([]).schema
            with writing(path) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for _, batch in pieces:
                    writer.write_table(rejected_table(batch.column("rejected").to_pylist()))
                    rows += len(batch)
            yield _told(place, path, rows)

    return write


def _told(place: int, path: str, rows: int) -> pa.RecordBatch:
    return pa.record_batch([[place], [path], [rows]], schema=WRITTEN)


def _collected(files: "DataFrame") -> list[Written]:
    return sorted(Written(row.place, row.path, row.rows) for row in files.collect())
