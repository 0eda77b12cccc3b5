"""What the API sends and ``--format json`` prints: plain JSON values, the same from both.

Times are ISO 8601 in UTC with Z, days YYYY-MM-DD; numbers that JSON cannot hold become null.
"""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from footfall.core.dead_letter import DeadLetter
from footfall.ports import Answer, RejectedEvent, SourceRecord

__all__ = ["answer_json", "json_value", "letter_json", "rejected_json", "source_json"]


def json_value(value: Any) -> Any:
    """Turn one value of a query's row into one that JSON holds."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat() + "Z"
        case date() | time():
            return value.isoformat()
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case timedelta():
            return value.total_seconds()
        case list() | tuple():
            return [json_value(item) for item in value]
        case dict():
            return {str(key): json_value(item) for key, item in value.items()}
        case bytes():
            return value.decode("utf-8", "replace")
        case UUID():
            return str(value)
        case _:
            return str(value)


def answer_json(answer: Answer) -> dict[str, Any]:
    """Return ``{"columns", "rows", "sql", "fresh_to", "rows_read"}``."""
    return {
        "columns": list(answer.columns),
        "rows": [[json_value(value) for value in row] for row in answer.rows],
        "sql": answer.sql,
        "fresh_to": json_value(answer.fresh_to),
        "rows_read": answer.rows_read,
    }


def rejected_json(event: RejectedEvent) -> dict[str, Any]:
    """Return a rejected event with its reasons and scrubbed body."""
    return {
        "rejected_id": event.rejected_id,
        "app_id": event.app_id,
        "event_id": event.event_id,
        "received_at": json_value(event.received_at),
        "origin": event.origin,
        "reasons": list(event.reasons),
        "body": event.body,
    }


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as a rejected event is; ``kind`` and ``place`` say what it is and was for."""
    received = datetime.fromtimestamp(letter.received_at / 1e6, UTC) if letter.received_at else None
    return {
        "rejected_id": letter.letter_id,
        "app_id": letter.app_id,
        "event_id": letter.event_id,
        "received_at": json_value(received),
        "origin": letter.origin,
        "kind": letter.kind,
        "place": letter.place,
        "reasons": list(letter.reasons),
        "body": letter.body,
    }


def source_json(record: SourceRecord) -> dict[str, Any]:
    """Return an imported source: what it is, what became of it, and why it failed."""
    return {
        "source": record.name,
        "app_id": record.app_id,
        "state": record.state,
        "lines": record.lines,
        "rejected": record.rejected,
        "at": json_value(record.at),
        "size": record.size,
        "version": record.version,
        "error": record.error,
    }
