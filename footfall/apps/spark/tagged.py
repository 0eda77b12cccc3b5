"""Rows on their way through a job: events as in the table, with where they were read and their hour.

A tagged row is an event; or a rejected event (``rejected`` holds it as JSON); or the word of a reader on
how many events it read (``counted``), which the ledger compares with what became of them.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.apps.spark.session import spark_ddl
from footfall.core.arrow import EVENTS_SCHEMA, REJECTED_SCHEMA

__all__ = [
    "EVENT_COLUMNS",
    "HOUR_US",
    "TAGGED",
    "TAGGED_DDL",
    "rejected_table",
    "tag_count",
    "tag_events",
    "tag_rejected",
]

HOUR_US = 3_600_000_000
EVENT_COLUMNS = list(EVENTS_SCHEMA.names)

TAGGED = pa.schema(
    [
        # Where it was read, so that ties in time have an order, and a repeat can be named.
        pa.field("read_from", pa.string()),
        pa.field("read_number", pa.int64()),
        # Hours since 1970: of created_at for an event, of received_at for a rejected one.
        pa.field("hour", pa.int64()),
        pa.field("counted", pa.int64()),
        pa.field("rejected", pa.string()),
        *(pa.field(field.name, field.type) for field in EVENTS_SCHEMA),
    ]
)
TAGGED_DDL = spark_ddl(TAGGED)

REJECTED_PLAIN = pa.schema([pa.field(field.name, field.type) for field in REJECTED_SCHEMA])


class RejectedRow(msgspec.Struct, frozen=True):
    """A rejected event, as ``REJECTED_SCHEMA``; ``received_at`` is microseconds since 1970."""

    rejected_id: str
    app_id: str
    event_id: str | None
    received_at: int
    origin: str
    reasons: list[str]
    body: str
    ip: str | None
    country: str | None
    user_agent: str | None
    language: str | None
    visitor_hash: str | None
    header: str | None


_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(RejectedRow).decode


def tag_events(rows: pa.Table, source: str, first: int) -> Iterator[pa.RecordBatch]:
    """Yield events, numbered from ``first``."""
    yield from _tagged(
        {name: rows[name] for name in EVENT_COLUMNS}, rows["created_at"], source, first, len(rows)
    )


def tag_rejected(rejected: pa.Table, source: str, first: int) -> Iterator[pa.RecordBatch]:
    """Yield rejected events, numbered from ``first``."""
    micros = rejected["received_at"].cast(pa.int64())
    place = rejected.schema.get_field_index("received_at")
    plain = rejected.set_column(place, "received_at", micros)
    texts = [_write(row).decode() for row in plain.to_pylist()]
    columns = {name: rejected[name] for name in ("app_id", "received_at", "origin")}
    columns |= {"event_id": rejected["rejected_id"], "rejected": pa.array(texts, pa.string())}
    yield from _tagged(columns, rejected["received_at"], source, first, len(rejected))


def tag_count(source: str, counted: int, reached: int = -1) -> Iterator[pa.RecordBatch]:
    """Yield the word that so many events were read from a source, and up to where."""
    never = pa.nulls(1, pa.timestamp("us"))
    yield from _tagged({"counted": pa.array([counted], pa.int64())}, never, source, reached, 1)


def rejected_table(texts: Sequence[str]) -> pa.Table:
    """Return rejected events in ``REJECTED_SCHEMA`` again."""
    rows = [msgspec.structs.asdict(_read(text)) for text in texts]
    times = pa.array([row.pop("received_at") for row in rows], pa.int64()).cast(pa.timestamp("us"))
    columns = {name: [row[name] for row in rows] for name in REJECTED_SCHEMA.names if name != "received_at"}
    return pa.Table.from_arrays(
        [
            times if field.name == "received_at" else pa.array(columns[field.name], field.type)
            for field in REJECTED_SCHEMA
        ],
        schema=REJECTED_SCHEMA,
    )


def _tagged(
    columns: dict[str, pa.ChunkedArray], moments: pa.ChunkedArray, source: str, first: int, count: int
) -> Iterator[pa.RecordBatch]:
    if not count:
        return
    tags = {
        "read_from": pa.repeat(pa.scalar(source), count),
        "read_number": pa.array(np.arange(first, first + count)),
        "hour": hour_of(moments),
    }
    found = tags | columns
    nothing = {name: pa.nulls(count, TAGGED.field(name).type) for name in TAGGED.names if name not in found}
    every = found | nothing
    yield from pa.table([every[name] for name in TAGGED.names], schema=TAGGED).to_batches()


def hour_of(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return hours since 1970, also for times before it."""
    micros = moments.cast(pa.int64())
    rest = pc.subtract(micros, pc.multiply(pc.divide(micros, HOUR_US), HOUR_US))
    return pc.subtract(pc.divide(micros, HOUR_US), pc.less(rest, 0).cast(pa.int64()))
