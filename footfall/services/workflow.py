"""An event by steps, each of which may be run again: Ingest, Process, Write.

Between two steps only a name is handed on: what it names lies in the store of objects, under a name
made of its content, so that a step that runs twice writes the same object twice.

``ingest/yyyy=/mm=/dd=/<digest>.ndjson`` holds the scrubbed records as they came (``core.raw_line``),
never changed; ``processed/yyyy=/mm=/dd=/<digest>.parquet`` the rows that were made of them.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from footfall.core.intake import DEFAULT_APP, Policy, Taken, take
from footfall.core.moments import moment
from footfall.core.raw_line import write_line
from footfall.core.record import AppId, Logged, Offset, Sender
from footfall.core.scrub import ScrubPlan
from footfall.core.sender import visitor_hash
from footfall.errors import BadSource
from footfall.ports import CountryLookup, ObjectStore
from footfall.ports.delivery import DeadLetters, Sink
from footfall.services.deliver import Arrived, read_rows, refused_letters, store_failed

__all__ = ["IngestRules", "Ingested", "Processed", "Wrote", "ingest", "process", "write"]

LARGEST_BYTES = 16_777_216
"""Of one execution's events; larger files are for ``footfall import``."""

HINT = "Give one event, an array of events, or the address of a file of them"


class Ingested(Struct, frozen=True):
    """Where the records lie, and how many events are in them."""

    key: str
    accepted: int
    rejected: int


class Processed(Struct, frozen=True):
    """Where the rows lie (empty: there are none), how many, and how many events went to the queue."""

    key: str
    rows: int
    letters: int


class Wrote(Struct, frozen=True):
    """How many rows are in the store, and how many it refused, which are in the queue."""

    rows: int
    letters: int


@dataclass(frozen=True, slots=True)
class IngestRules:
    """What the door needs to judge events; ``key`` is the installation's."""

    key: bytes
    plan_of: Callable[[AppId], ScrubPlan]
    salt_of: Callable[[date], bytes]
    country_of: CountryLookup


def ingest(
    given: Mapping[str, Any], objects: ObjectStore, rules: IngestRules, now: Callable[[], datetime]
) -> Ingested:
    """Judge and scrub the events of an execution's input, and keep them.

    The input is an event of EventBridge (``detail`` holds an event or events, with ``app`` beside; or
    names an object of S3 that holds them, as JSON or a line each) or such a detail by itself.
    Raises BadSource for what holds no events.
    """
    detail = given.get("detail", given)
    received = moment(given["time"]).replace(tzinfo=None) if "time" in given else now()
    app = AppId(str(detail.get("app") or DEFAULT_APP)) if isinstance(detail, dict) else DEFAULT_APP
    body = _body(detail, objects)
    salt = rules.salt_of(now().date())
    taken = take(
        body,
        policy=Policy(app, rules.plan_of(app)),
        origin="workflow",
        received_at=int(received.replace(tzinfo=UTC).timestamp() * 1_000_000),
        sender=Sender(),
        country_of=rules.country_of,
        visitor_of=lambda ip, agent: visitor_hash(app, ip, agent, salt),
    )
    lines = _lines(taken, blake2b(body, digest_size=10, key=rules.key).hexdigest())
    key = f"ingest/{_day(received)}/{_digest(lines)}.ndjson"
    objects.put(key, lines)
    return Ingested(key, taken.accepted, len(taken.rejected))


def process(
    ingested: Ingested, objects: ObjectStore, letters: DeadLetters, now: Callable[[], datetime]
) -> Processed:
    """Make rows of the records and keep them; what was rejected is in the queue when this returns."""
    with objects.open(ingested.key) as file:
        lines = file.read().splitlines()
    read = read_rows([Arrived(str(n), line) for n, line in enumerate(lines, 1)], ingested.key, now())
    if read.letters:
        letters.send(read.letters)
    if not read.rows.num_rows:
        return Processed("", 0, len(read.letters))
    sink = io.BytesIO()
    pq.write_table(read.rows, sink, compression="zstd")
    day, _, name = ingested.key.removeprefix("ingest/").rpartition("/")
    key = f"processed/{day}/{name.removesuffix('.ndjson')}.parquet"
    objects.put(key, sink.getvalue())
    return Processed(key, read.rows.num_rows, len(read.letters))


def write(processed: Processed, objects: ObjectStore, sink: Sink, letters: DeadLetters) -> Wrote:
    """Write the rows; raises StoreFailed while the store does not take all that it ever will."""
    if not processed.key:
        return Wrote(0, 0)
    with objects.open(processed.key) as file:
        rows: pa.Table = pq.read_table(io.BytesIO(file.read()))
    written = sink.write(rows)
    if written.left:
        raise store_failed(sink, written.left)
    refused = refused_letters(sink, rows, written.refused)
    if refused:
        letters.send(refused)
    return Wrote(rows.num_rows - len(refused), len(refused))


def _body(detail: Any, objects: ObjectStore) -> bytes:
    """Return the events as JSON: one, or an array."""
    if isinstance(detail, dict) and "object" in detail:
        key = str(detail["object"]["key"])
        with objects.open(key) as file:
            body = file.read(LARGEST_BYTES + 1).strip()
        if len(body) > LARGEST_BYTES:
            hint = 'Import it with "footfall import"'
            raise BadSource(
                path=key, format="events", cause=f"it has more than {LARGEST_BYTES} bytes", hint=hint
            )
        return body if body[:1] == b"[" else _joined(body)
    events = detail.get("events", detail.get("event")) if isinstance(detail, dict) else detail
    if isinstance(events, str):  # the detail is the event itself
        events = {name: value for name, value in detail.items() if name != "app"}
    if not isinstance(events, dict | list) or not events:
        raise BadSource(path="the input", format="events", cause="it holds no event", hint=HINT)
    return msgspec.json.encode(events)


def _joined(body: bytes) -> bytes:
    """Return lines of JSON as an array; a line that is none stays one, to be rejected by itself."""
    return b"[%b]" % b",".join(line for line in body.splitlines() if line.strip())


def _lines(taken: Taken, log: str) -> bytes:
    """Return the records as lines whose places follow from the input: the same for the same."""
    return b"".join(
        write_line(Logged(f"workflow-{log}", Offset(number), record))
        for number, record in enumerate(taken.records, 1)
    )


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _day(moment_: datetime) -> str:
    return f"yyyy={moment_:%Y}/mm={moment_:%m}/dd={moment_:%d}"
