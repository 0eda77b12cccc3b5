"""What every access-log format is parsed into, and what a format has to offer.

No format and no personal-data rule lives here: ``arrived`` masks what the lines still hold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

__all__ = ["LINE_SCHEMA", "LogFormat", "Parsed", "Refused", "line_table"]

LINE_SCHEMA = pa.schema(
    [
        pa.field("line", pa.int64(), nullable=False),  # number of the line in its block, from 0
        pa.field("offset", pa.int64(), nullable=False),  # byte in the block where the line starts
        pa.field("created_at", pa.timestamp("us"), nullable=False),
        pa.field("ip", pa.dictionary(pa.int32(), pa.string())),  # whole: personal
        pa.field("user", pa.dictionary(pa.int32(), pa.string())),  # as the server wrote it: personal
        pa.field("method", pa.dictionary(pa.int32(), pa.string())),
        pa.field("target", pa.dictionary(pa.int32(), pa.string())),  # path and query as on the line
        pa.field("status", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("referrer", pa.dictionary(pa.int32(), pa.string())),
        pa.field("user_agent", pa.dictionary(pa.int32(), pa.string())),
        pa.field("note", pa.dictionary(pa.int32(), pa.string())),  # a request that is no HTTP, as text
    ]
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not of the format: its number and byte in the block, its bytes, every reason."""

    line: int
    offset: int
    body: bytes
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block's lines: ``rows`` has ``LINE_SCHEMA`` in their order. Blank lines are in neither."""

    rows: pa.Table
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFormat:
    """One access-log format.

    ``parse`` takes whole lines as bytes (the last newline may be missing) and never raises on what
    they hold.
    """

    name: str
    title: str
    example: str
    parse: Callable[[bytes], Parsed]


def line_table(columns: dict[str, object], count: int) -> pa.Table:
    """Return ``LINE_SCHEMA`` of ``count`` rows; what ``columns`` lacks is null."""
    arrays = []
    for declared in LINE_SCHEMA:
        values = columns.get(declared.name)
        if values is None:
            arrays.append(pa.nulls(count, declared.type))
        elif isinstance(values, pa.Array):
            arrays.append(values if values.type == declared.type else values.cast(declared.type))
        elif pa.types.is_dictionary(declared.type):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, declared.type))
    return pa.Table.from_arrays(arrays, schema=LINE_SCHEMA)
