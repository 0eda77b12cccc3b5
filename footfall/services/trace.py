"""One event's life: where it is now, or why it isn't there."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from footfall.core.record import Offset
from footfall.ports import EventLog, Lake, Warehouse

__all__ = ["Step", "Trace", "trace_event"]

PENDING_READ = 5_000


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened to the event; ``at`` is ISO 8601 in UTC."""

    state: str
    at: str
    app_id: str
    detail: dict[str, object] = {}


class Trace(Struct, frozen=True, kw_only=True):
    """What is known of an event id; ``found`` says whether it was ever seen."""

    event_id: str
    found: bool
    summary: str
    steps: list[Step]


SUMMARIES = {
    "stored": "It is in the events table.",
    "pending": "It is in the durable log and not loaded yet.",
    "rejected": "It was rejected; the reasons are below.",
    "duplicate": "It was sent again and counted once.",
}


def trace_event(
    event_id: str, logs: Iterable[EventLog], warehouse: Warehouse, lake: Lake | None = None
) -> Trace:
    """Look the id up in the warehouse, in the part of the logs that is not loaded yet, and in the lake."""
    steps = [
        Step(
            state=sighting.state,
            at=sighting.received_at.isoformat(timespec="milliseconds") + "Z",
            app_id=sighting.app_id,
            detail=dict(sighting.detail),
        )
        for sighting in warehouse.find(event_id)
    ]
    positions = warehouse.positions()
    for log in logs:
        steps += _waiting(event_id, log, Offset(positions.get(log.name, 0)))
    if lake is not None and steps:
        steps += [
            Step(
                state="lake",
                at=kept.written_at.isoformat(timespec="milliseconds") + "Z",
                app_id=kept.app_id,
                detail={"file": kept.file},
            )
            for kept in lake.find(event_id)
        ]
    states = {step.state for step in steps}
    state = next((name for name in SUMMARIES if name in states), None)
    summary = (
        SUMMARIES[state]
        if state
        else "No event with this id was taken in here. If the sender had an answer other than 200, "
        "it was not taken; if the event had no id, look it up by its place in the log."
    )
    return Trace(event_id=event_id, found=bool(steps), summary=summary, steps=steps)


def _waiting(event_id: str, log: EventLog, after: Offset) -> list[Step]:
    needle = msgspec.json.encode(event_id)[1:-1]
    steps: list[Step] = []
    end = log.end()
    while after < end:
        records = log.read(after, PENDING_READ)
        if not records:
            break
        after = records[-1].offset
        steps += [
            Step(
                state="pending",
                at=_time(logged.record.received_at),
                app_id=logged.record.app_id,
                detail={"log": logged.log, "offset": logged.offset},
            )
            for logged in records
            if needle in logged.record.body
            and any(item.get("event_id") == event_id for item in msgspec.json.decode(logged.record.body))
        ]
    return steps


def _time(microseconds: int) -> str:
    moment = datetime.fromtimestamp(microseconds / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
