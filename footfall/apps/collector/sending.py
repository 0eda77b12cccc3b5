"""Taking events in: admit the sender, read, decide in the core, commit, answer. In this order."""

from typing import Any
from urllib.parse import parse_qs

from footfall.apps.collector.answers import GIF, IMAGE, Answer, accepted, refusal, retry_later
from footfall.apps.collector.door import Door, Visit
from footfall.apps.collector.reading import TooLarge, read_body
from footfall.core.access import key_in_header
from footfall.core.body import BodyRefused, unpack
from footfall.core.intake import Taken
from footfall.core.pixel import from_query
from footfall.core.record import AppId
from footfall.errors import FootfallError, LogFull

__all__ = ["post_events", "refused_by_log", "send_pixel"]

NO_KEY = refusal(
    401,
    "this needs a valid write key",
    "send it as X-Write-Key, as Bearer token, as Basic user name or as ?write_key=",
    headers=[("www-authenticate", 'Basic realm="write key"')],
)
ORIGIN = refusal(403, "this origin may not send for this app", "add it to the app's origins")
TOO_FAST = retry_later(429, "too many requests from this network", "wait a second, or send batches", 1)
BROKE_OFF = refusal(400, "the body broke off", "it is shorter than it said; send it again")
FULL_SECONDS = 30
FAILED_SECONDS = 5
REASON_BYTES = 500


async def post_events(door: Door, scope: Any, protocol: Any) -> Answer:
    """Take the events of a body and answer when they are on disk."""
    headers = scope.headers
    visit = _visit(scope, headers)
    app = _admit(door, scope.query_string, headers, visit)
    if isinstance(app, Answer):
        return app
    limits = door.limits
    reading = door.slow.starts()
    try:
        body = await read_body(protocol, headers, limits.max_body_bytes)
    except TooLarge:
        return _too_large(limits.max_body_bytes)
    except ValueError:
        return BROKE_OFF
    finally:
        door.slow.ends(reading)
    try:
        body = unpack(
            body, headers.get("content-encoding"), limits.max_body_bytes, limits.max_unzipped_bytes
        )
        taken = door.intake.take(body, app=app, origin="native", visit=visit, now=door.clock())
        return await _kept(door, taken)
    except BodyRefused as error:
        return refusal(error.status, "the body can't be read", error.reason)
    except FootfallError as error:
        return refused_by_log(error)


async def send_pixel(door: Door, scope: Any, _protocol: Any) -> Answer:
    """Take one event from a query; the image is sent even when the event is refused."""
    headers = scope.headers
    visit = _visit(scope, headers)
    app = _admit(door, scope.query_string, headers, visit)
    if isinstance(app, Answer):
        return app
    try:
        body = from_query(scope.query_string)
        taken = door.intake.take(body, app=app, origin="pixel", visit=visit, now=door.clock())
        await _kept(door, taken)
    except FootfallError as error:
        return refused_by_log(error)
    reasons = "; ".join(reason for _, reasons in taken.rejected for reason in reasons)
    if not reasons:
        return PIXEL
    printable = reasons[:REASON_BYTES].encode("ascii", "replace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in printable)
    return Answer(200, GIF, [*IMAGE, ("x-footfall-reason", shown)])


PIXEL = Answer(200, GIF, IMAGE)


def refused_by_log(error: FootfallError) -> Answer:
    """Return the 503 for what could not be stored."""
    full = isinstance(error, LogFull)
    what = "the event log is full" if full else "events can't be stored now"
    return retry_later(503, what, str(error), FULL_SECONDS if full else FAILED_SECONDS)


def _visit(scope: Any, headers: Any) -> Visit:
    return (
        scope.client.rpartition(":")[0].strip("[]"),
        headers.get("x-forwarded-for"),
        headers.get("user-agent"),
        headers.get("accept-language"),
    )


def _admit(door: Door, query: str, headers: Any, visit: Visit) -> AppId | Answer | None:
    """Return the app that the sender may send for, None where it may choose, or the refusal."""
    if door.pace is not None and not door.pace.allows(door.intake.network(visit), door.clock() / 1e6):
        return TOO_FAST
    access = door.access
    if access.open:
        return None
    key = headers.get("x-write-key") or key_in_header(headers.get("authorization"))
    if key is None and query:
        key = next(iter(parse_qs(query).get("write_key", ())), None)
    app = access.app_of(key)
    if app is None:
        return NO_KEY
    origin = headers.get("origin")
    if origin is not None and not access.allows(app, origin):
        return ORIGIN
    return app


async def _kept(door: Door, taken: Taken) -> Answer:
    """Commit first, then count and answer."""
    duplicates = door.seen.count(taken.keys)
    if taken.records:
        await door.commit.submit(taken.records)
    door.seen.add(taken.keys)
    fresh = taken.accepted - duplicates
    door.row.took(fresh, duplicates, len(taken.rejected))
    if taken.refused is not None:
        return refusal(400, "no event could be made out", taken.refused)
    return accepted(fresh, duplicates, taken.rejected)


def _too_large(limit: int) -> Answer:
    return refusal(413, "the body is too large", f"the limit is {limit} bytes; send fewer events at once")
