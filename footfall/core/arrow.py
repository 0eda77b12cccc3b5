"""The declared columns as Arrow schemas.

Apart from ``schema`` so that the collector, which needs no Arrow, does not load it.
"""

import pyarrow as pa

from footfall.core.schema import ARRIVED, EVENTS, Column, Kind

__all__ = ["ARRIVED_SCHEMA", "EVENTS_SCHEMA", "REJECTED_SCHEMA", "arrow_schema"]

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "time": pa.timestamp("us"),
    "number": pa.float64(),
    "integer": pa.int64(),
    "flag": pa.bool_(),
    "json": pa.string(),
}


def arrow_schema(columns: tuple[Column, ...]) -> pa.Schema:
    """Return the schema of declared columns; nullability as declared, the meaning as metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                ARROW_TYPES[column.kind],
                nullable=not column.required,
                metadata={"doc": column.doc},
            )
            for column in columns
        ]
    )


EVENTS_SCHEMA = arrow_schema(EVENTS)
ARRIVED_SCHEMA = arrow_schema(ARRIVED)

REJECTED_SCHEMA = pa.schema(
    [
        pa.field("rejected_id", pa.string(), nullable=False),
        pa.field("app_id", pa.string(), nullable=False),
        pa.field("event_id", pa.string()),
        pa.field("received_at", pa.timestamp("us"), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("body", pa.string(), nullable=False),
        # What a retry needs beside the body: the sender as in core.record, and a table's header.
        pa.field("ip", pa.string()),
        pa.field("country", pa.string()),
        pa.field("user_agent", pa.string()),
        pa.field("language", pa.string()),
        pa.field("visitor_hash", pa.string()),
        pa.field("header", pa.string()),
    ]
)
