"""Rejected events again through today's rules: what passes is stored, once.

An event goes through the same intake as at the door; a line of an imported file that is no JSON goes
through the parser that refused it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct

from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.core.arrow import ARRIVED_SCHEMA, EVENTS_SCHEMA, REJECTED_SCHEMA
from footfall.core.decode import decode
from footfall.core.delimited import table_of
from footfall.core.enrich import enrich
from footfall.core.field_names import event_of
from footfall.core.intake import Policy, take
from footfall.core.record import AppId, Logged, Offset
from footfall.core.sender import visitor_hash
from footfall.errors import BadCorrection
from footfall.ports import Batch, RejectedEvent, Warehouse
from footfall.services.imports.blocks import LINE_BYTES, Block
from footfall.services.imports.files import FORMATS
from footfall.services.imports.rows import (
    BEGINNING_KEPT,
    FileContext,
    Header,
    ImportRules,
    csv_rows,
    log_rows,
)
from footfall.services.imports.run import enriched

__all__ = ["Reading", "Retried", "StillRejected", "event_again", "retry_rejected"]

MOST_TOLD = 100
NO_HEADER = (
    "the header of its table was not kept; give it as an event in JSON with --body, "
    "or import the file again"
)
CUT_OFF = "only its beginning was kept; give the whole of it with --body or --file"

_read_header = msgspec.json.Decoder(Header).decode


class StillRejected(Struct, frozen=True, kw_only=True):
    """A rejected event that was refused again, and why this time."""

    rejected_id: str
    reasons: list[str]


class Retried(Struct, frozen=True, kw_only=True):
    """What a retry did, in events; ``still_rejected`` stay where they were.

    ``refused`` tells of the first hundred of them why.
    """

    retried: int
    stored: int
    duplicate: int
    still_rejected: int
    refused: list[StillRejected] = []


class Reading(NamedTuple):
    """What a second reading gave: the log's record of the event, or its row; or the reasons."""

    logged: Logged | None = None
    row: pa.Table | None = None
    reasons: Sequence[str] = ()


def retry_rejected(
    events: Iterable[RejectedEvent],
    warehouse: Warehouse,
    rules_of: Callable[[AppId], ImportRules],
    now: datetime,
    body: str | None = None,
) -> Retried:
    """Read each event by its app's rules again; store those that pass and strike them from the rejected.

    ``body`` is read instead of what was kept of the one event. An event without an id of its own gets
    its ``rejected_id`` as one, so that a second retry is counted as a duplicate. ``now`` is naive UTC.
    Raises BadCorrection when a body is given for more or less than one event, StoreFailed with nothing
    changed.
    """
    events = list(events)
    if body is not None:
        if len(events) != 1:
            raise BadCorrection(cause=f"it is for one rejected event, and {len(events)} are named")
        if len(body.encode("utf-8", "replace")) > LINE_BYTES:
            raise BadCorrection(cause=f"it is longer than {LINE_BYTES} bytes")
    passed: list[str] = []
    refused: list[StillRejected] = []
    sent: list[Logged] = []
    imported: list[Logged] = []
    rows = [ARRIVED_SCHEMA.empty_table()]
    for event in events:
        reading = _read_again(event, rules_of(event.app_id), body)
        if reading.row is not None:
            rows.append(reading.row)
        elif reading.logged is not None:
            (imported if event.origin in FORMATS else sent).append(reading.logged)
        else:
            refused.append(StillRejected(rejected_id=event.rejected_id, reasons=list(reading.reasons)))
            continue
        passed.append(event.rejected_id)
    rows.append(decode(imported).rows)
    table = pa.concat_tables([enrich(decode(sent).rows, now), enriched(pa.concat_tables(rows), now)])
    outcome = _store(warehouse, passed, table)
    return Retried(
        retried=len(events),
        stored=outcome[0],
        duplicate=outcome[1],
        still_rejected=len(refused),
        refused=refused[:MOST_TOLD],
    )


def _store(warehouse: Warehouse, passed: Sequence[str], rows: pa.Table) -> tuple[int, int]:
    if not passed:
        return 0, 0
    nothing = REJECTED_SCHEMA.empty_table()
    outcome = warehouse.retried(passed, Batch(rows.cast(EVENTS_SCHEMA), nothing, {}))
    return outcome.stored, outcome.duplicate


def _read_again(event: RejectedEvent, rules: ImportRules, correction: str | None) -> Reading:
    if correction is None and any(BEGINNING_KEPT in reason for reason in event.reasons):
        return Reading(reasons=[CUT_OFF])
    body = event.body if correction is None else correction.strip()
    if event.origin in FORMATS:
        if event.origin in LOG_FORMATS:
            reading = _line_again(event, rules, body)
            value = _json(body) if reading.reasons else None
            if not isinstance(value, dict) or "event" not in value:
                return reading
        value = _json(body)
        if event.origin != "ndjson" and not isinstance(value, dict):
            return _line_again(event, rules, body)
        if isinstance(value, dict):
            body = msgspec.json.encode(event_of(value)).decode()
    return event_again(event, rules, body)


def event_again(event: RejectedEvent, rules: ImportRules, body: str) -> Reading:
    """Put one event in JSON through the intake, as the door would today."""
    received_at = _micros(event.received_at)
    salt = rules.salt_of(event.received_at.date())
    taken = take(
        body.encode("utf-8", "replace"),
        policy=Policy(app_id=event.app_id, plan=rules.plan),
        origin=event.origin,
        received_at=received_at,
        sender=event.sender,
        country_of=rules.country_of,
        visitor_of=lambda ip, agent: visitor_hash(event.app_id, ip, agent, salt),
    )
    if taken.rejected:
        return Reading(reasons=[reason for _, reasons in taken.rejected for reason in reasons])
    if taken.accepted != 1:
        return Reading(reasons=[_not_one(taken.accepted)])
    [record] = taken.records
    record = msgspec.structs.replace(record, body=_with_id(record.body, event.rejected_id))
    return Reading(logged=Logged("retry", Offset(1), record))


def _line_again(event: RejectedEvent, rules: ImportRules, body: str) -> Reading:
    """Put one line of an imported file through the parser of its format."""
    context = FileContext(rules, event.origin, "retry", event.header)
    if event.origin in LOG_FORMATS:
        read = log_rows(LOG_FORMATS[event.origin], context)
    elif event.header is None:
        return Reading(reasons=[NO_HEADER])
    else:
        header = _read_header(event.header)
        read = csv_rows(table_of(header.names, header.delimiter), context)
    data = body.encode("utf-8", "replace")
    block = Block(data, offset=0, line=1, end=len(data), position="retry")
    done = read(block, _micros(event.received_at))
    rows, rejected = done.rows, done.rejected
    if len(rejected):
        found = [reason for reasons in rejected["reasons"].to_pylist() for reason in reasons]
        return Reading(reasons=[reason.removeprefix("line 1 of retry: ") for reason in found])
    if len(rows) != 1:
        return Reading(reasons=[_not_one(len(rows))])
    if (app := rows["app_id"][0].as_py()) != event.app_id:
        return Reading(reasons=[f"it names the app {app!r}, but it was counted for {event.app_id!r}"])
    if rows["event_id"][0].as_py() == block.line_id(0):
        place = rows.schema.get_field_index("event_id")
        ids = pa.array([event.rejected_id], rows.schema.field(place).type)
        rows = rows.set_column(place, rows.schema.field(place), ids)
    return Reading(row=rows)


def _not_one(count: int) -> str:
    return f"it holds {count} events, and stands for one"


def _json(body: str) -> Any:
    """Return what the text holds as JSON; None when it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _with_id(body: bytes, rejected_id: str) -> bytes:
    items = msgspec.json.decode(body)
    return msgspec.json.encode([{"event_id": rejected_id} | item for item in items])


def _micros(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)
