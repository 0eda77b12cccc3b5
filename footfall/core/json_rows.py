"""Rows of events as lines of JSON, for the stores that take them: Firehose's Parquet, OpenSearch.

Null columns are left out. Times are in UTC with microseconds, in the form that the store reads.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.schema import EVENTS, Column

__all__ = ["TimeForm", "flat_rows_of", "json_rows", "rows_of"]

TimeForm = Literal["sql", "iso"]
FORMS: dict[TimeForm, str] = {"sql": "%Y-%m-%d %H:%M:%S", "iso": "%Y-%m-%dT%H:%M:%SZ"}

Row: Callable[..., Any] = msgspec.defstruct(
    "Row", [(column.name, Any, None) for column in EVENTS], omit_defaults=True, gc=False
)
_write = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(dict[str, Any]).decode


def json_rows(rows: pa.Table, times: TimeForm, *, nested: bool) -> list[bytes]:
    """Return each row (``EVENTS_SCHEMA``) as a JSON object, without an end of line.

    ``times`` is ``sql`` for 2026-11-21 18:42:04.000000 (java.sql.Timestamp, what Hive's and OpenX's
    readers take) or ``iso`` for RFC 3339. ``nested`` writes JSON columns as objects, else as text.
    """
    columns = [_values(rows[column.name], column, FORMS[times], nested=nested) for column in EVENTS]
    return [_write(row) for row in map(Row, *columns)]


def _values(values: pa.ChunkedArray, column: Column, form: str, *, nested: bool) -> Iterable[Any]:
    if column.kind == "time":
        values = pc.strftime(values, format=form)
    plain: list[Any] = values.to_pylist()
    if column.kind == "json" and nested:
        return [None if text is None else msgspec.Raw(text.encode()) for text in plain]
    return plain


def rows_of(lines: Sequence[str]) -> pa.Table:
    """Return the rows (``EVENTS_SCHEMA``) that lines written as ``iso`` and nested hold.

    Raises msgspec.MsgspecError or pyarrow.ArrowException for a line that is no such row.
    """
    return _table([_read(line) for line in lines], _back)


def flat_rows_of(lines: Sequence[bytes]) -> pa.Table:
    """Return the rows (``EVENTS_SCHEMA``) that lines written as ``sql`` and not nested hold.

    Raises msgspec.MsgspecError or pyarrow.ArrowException for a line that is no such row.
    """
    return _table([_read(line) for line in lines], _flat)


def _table(read: Sequence[dict[str, Any]], back: Callable[[Any, Column], Any]) -> pa.Table:
    values = {column.name: [back(row.get(column.name), column) for row in read] for column in EVENTS}
    rows = pa.Table.from_pydict(values, schema=EVENTS_SCHEMA)
    for field in EVENTS_SCHEMA:
        if not field.nullable and rows[field.name].null_count:
            raise msgspec.ValidationError(f"a row has no {field.name}")
    return rows


def _flat(value: Any, column: Column) -> Any:
    return value if column.kind == "json" else _back(value, column)


def _back(value: Any, column: Column) -> Any:
    if value is None:
        return None
    if column.kind == "json":
        return _write(value).decode()
    if column.kind == "time":
        return msgspec.convert(value, datetime).replace(tzinfo=None)
    return value
