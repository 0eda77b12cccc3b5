"""Row by row: what a store of the emulated path holds against what the embedded path says it must."""

import json
from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from footfall.core.schema import EVENTS

__all__ = ["Compared", "Rows", "as_document", "as_item", "by_id", "compare"]

Rows = Mapping[Any, Any]
OWN = frozenset({"received_at", "processed_at", "session_id"})
"""Columns that tell when and where a row was made: sessions are the warehouse's work, on AWS a query's."""
JSON = frozenset(column.name for column in EVENTS if column.kind == "json")
SHOWN = 300


class Compared(Struct, frozen=True, kw_only=True):
    """How a store came off; ``example`` shows the first difference."""

    store: str
    rows: str
    expected: int
    found: int
    missing: int
    unexpected: int
    different: int
    example: str = ""

    @property
    def unequal(self) -> int:
        """How many rows are not there, should not be there, or are not what they must be."""
        return self.missing + self.unexpected + self.different

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same."""
        return not self.unequal


def compare(store: str, rows: str, expected: Rows, found: Rows) -> Compared:
    """Compare rows by their keys; ``rows`` says what they are."""
    missing = sorted(map(str, expected.keys() - found.keys()))
    unexpected = sorted(map(str, found.keys() - expected.keys()))
    different = [key for key in expected if key in found and found[key] != expected[key]]
    example = ""
    if different:
        example = _difference(different[0], expected[different[0]], found[different[0]])
    elif missing or unexpected:
        example = f"missing {missing[:3]}, unexpected {unexpected[:3]}"
    return Compared(
        store=store,
        rows=rows,
        expected=len(expected),
        found=len(found),
        missing=len(missing),
        unexpected=len(unexpected),
        different=len(different),
        example=example[:SHOWN],
    )


def _difference(key: Hashable, expected: Any, found: Any) -> str:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
        told = "; ".join(f"{name}: {expected.get(name)!r} / {found.get(name)!r}" for name in names)
        return f"{key}: {told}"
    return f"{key}: {expected!r} / {found!r}"


def by_id(rows: Any, leave_out: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """Return an Arrow table's rows by event id, without the columns that tell when and where it was made.

    Raises AssertionError when an id stands twice.
    """
    gone = OWN | leave_out
    found = {
        row["event_id"]: {name: value for name, value in row.items() if name not in gone}
        for row in rows.to_pylist()
    }
    assert len(found) == rows.num_rows, "an event stands twice"
    return found


def as_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as OpenSearch has to hold it: JSON as JSON, times in RFC 3339, nothing for null."""
    return {
        name: json.loads(value) if name in JSON else _text(value) if isinstance(value, datetime) else value
        for name, value in row.items()
        if value is not None
    }


def as_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as DynamoDB has to hold it: by person and time, numbers decimal, nothing for null."""
    item = {name: _attribute(value) for name, value in row.items() if value is not None}
    moment = f"{item['created_at']}#{row['event_id']}"
    return item | {"user_id": row["visitor_id"], "event_time": moment}


def _attribute(value: Any) -> Any:
    match value:
        case datetime():
            return _text(value)
        case bool() | str():
            return value
        case _:
            return Decimal(repr(value))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
