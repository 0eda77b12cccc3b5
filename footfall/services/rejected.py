"""Rejected events again through today's rules: what passes is stored, once."""

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
import pyarrow as pa
from msgspec import Struct

from footfall.core.arrow import REJECTED_SCHEMA
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.intake import Taken
from footfall.core.record import Logged, Offset
from footfall.ports import Batch, RejectedEvent, Warehouse

__all__ = ["Retried", "retry_rejected"]


class Retried(Struct, frozen=True, kw_only=True):
    """What a retry did, in events; ``still_rejected`` stay where they were."""

    retried: int
    stored: int
    duplicate: int
    still_rejected: int


def retry_rejected(
    events: Iterable[RejectedEvent],
    warehouse: Warehouse,
    take_again: Callable[[RejectedEvent], Taken],
    now: datetime,
) -> Retried:
    """Put each event through ``take_again``; store those that pass and strike them from the rejected.

    An event without an id of its own gets its ``rejected_id`` as one, so that a second retry is
    counted as a duplicate. Raises StoreFailed with nothing changed.
    """
    events = list(events)
    passed: list[str] = []
    logged: list[Logged] = []
    for number, event in enumerate(events, 1):
        for record in take_again(event).records:
            if record.kind == "events":
                passed.append(event.rejected_id)
                body = _with_id(record.body, event.rejected_id)
                record = msgspec.structs.replace(record, body=body)
                logged.append(Logged("retry", Offset(number), record))
    if not logged:
        return Retried(retried=len(events), stored=0, duplicate=0, still_rejected=len(events))
    rows = enrich(decode(logged).rows, now)
    batch = Batch(rows=rows, rejected=pa.Table.from_pylist([], REJECTED_SCHEMA), positions={})
    outcome = warehouse.retried(passed, batch)
    return Retried(
        retried=len(events),
        stored=outcome.stored,
        duplicate=outcome.duplicate,
        still_rejected=len(events) - len(passed),
    )


def _with_id(body: bytes, rejected_id: str) -> bytes:
    items = msgspec.json.decode(body)
    return msgspec.json.encode([{"event_id": rejected_id} | item for item in items])
