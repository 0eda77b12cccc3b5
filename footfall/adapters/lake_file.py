"""One file of the lake as Parquet, whoever writes it: the embedded lake and Spark's tasks alike."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.schema import EVENTS, column_names

__all__ = [
    "BYTES_PER_ROW",
    "EPOCH",
    "ROW_GROUP_ROWS",
    "hour_folder",
    "hour_of",
    "part_name",
    "pieces_of",
    "write_lake_file",
]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone
IN_HOUR = re.compile(r"/year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})/[^/]+\.parquet$")

ROW_GROUP_ROWS = 65_536

BYTES_PER_ROW = 60
"""What a row takes until a part of its hour says better."""

DICTIONARY = [column for column in column_names(EVENTS) if column != "event_id"]
SMALL_ROWS = 1_000
"""Up to here dictionaries save next to nothing and take half of the time that a file takes."""

STATISTICS = ["created_at", "received_at", "app_id", "event", "visitor_id", "session_id"]
"""The columns whose smallest and largest value a reader can skip row groups by; counting them for all
columns took a quarter of the writing.
"""


def hour_folder(top: str, hour: int) -> str:
    """Return the folder of an hour since 1970, from the lake's top: ``events`` or ``rejected``."""
    return f"{top}/{EPOCH + timedelta(hours=hour):year=%Y/month=%m/day=%d/hour=%H}"


def hour_of(place: str) -> int | None:
    """Return the hour since 1970 that a lake's file is in; None for what is no such file."""
    found = IN_HOUR.search(place)
    if found is None:
        return None
    year, month, day, hour = map(int, found.groups())
    return (datetime(year, month, day, hour) - EPOCH) // timedelta(hours=1)  # noqa: DTZ001 - as above


def part_name(number: int) -> str:
    """Return the file name of an hour's part."""
    return f"part-{number:05d}.parquet"


def pieces_of(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut ordered batches where a number changes; each piece comes with it, and without its column."""
    for batch in batches:
        ends = pc.run_end_encode(batch.column(column)).run_ends.to_pylist()
        rows = batch.drop_columns([column])
        for start, end in itertools.pairwise([0, *ends]):
            yield batch.column(column)[start].as_py(), rows.slice(start, end - start)


def write_lake_file(
    place: Any,
    batches: Iterable[pa.RecordBatch],
    rows: int,
    *,
    sort_groups: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write rows of ``EVENTS_SCHEMA`` to a path or an open file; return how many.

    ``rows`` is how many to expect. Row groups keep the order of the batches unless ``sort_groups``
    sorts each by itself.
    """
    written = 0
    with pq.ParquetWriter(
        place,
        EVENTS_SCHEMA,
        compression="zstd",
        use_dictionary=DICTIONARY if rows > SMALL_ROWS else False,
        write_statistics=STATISTICS,
        version="2.6",
    ) as writer:
        for table in _row_groups(batches):
            if sort_groups:
                table = table.sort_by("created_at")
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            written += len(table)
        if metadata:
            writer.add_key_value_metadata(dict(metadata))
    return written


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Gather batches to whole row groups, in the declared schema."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch.cast(EVENTS_SCHEMA))
        count += len(batch)
        if count >= ROW_GROUP_ROWS:
            table = pa.Table.from_batches(held)
            yield table.slice(0, ROW_GROUP_ROWS)
            held = table.slice(ROW_GROUP_ROWS).to_batches()
            count -= ROW_GROUP_ROWS
    if count:
        yield pa.Table.from_batches(held)
