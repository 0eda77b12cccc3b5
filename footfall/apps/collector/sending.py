"""Taking events in: admit the sender, read, decide in the core, commit, answer. In this order."""

from collections.abc import Mapping
from typing import Any, Literal

from footfall.apps.collector.answers import GIF, IMAGE, Answer, accepted, refusal, retry_later
from footfall.apps.collector.door import Door, Visit
from footfall.apps.collector.reading import TooLarge, read_body
from footfall.core.access import key_in_header
from footfall.core.body import BodyRefused, unpack
from footfall.core.intake import Taken
from footfall.core.pixel import from_query
from footfall.core.protocols.exchange import Told
from footfall.core.protocols.reading import query_of
from footfall.core.record import AppId
from footfall.errors import FootfallError, LogFull

__all__ = [
    "FAILED_SECONDS",
    "FULL_SECONDS",
    "OriginRefused",
    "app_of",
    "committed",
    "key_of",
    "post_events",
    "refused_by_log",
    "send_pixel",
    "too_fast",
    "visit_of",
]

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


class OriginRefused(Exception):
    """A page of this origin may not send for the app that its key belongs to."""


async def post_events(door: Door, scope: Any, protocol: Any) -> Answer:
    """Take the events of a body and answer when they are on disk."""
    headers = scope.headers
    visit = visit_of(scope, headers)
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
    visit = visit_of(scope, headers)
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


def visit_of(scope: Any, headers: Any) -> Visit:
    """Return what tells this sender from others."""
    return (
        scope.client.rpartition(":")[0].strip("[]"),
        headers.get("x-forwarded-for"),
        headers.get("user-agent"),
        headers.get("accept-language"),
    )


def too_fast(door: Door, visit: Visit) -> bool:
    """Whether the sender's network is over the rate limit; counts the request."""
    return door.pace is not None and not door.pace.allows(door.intake.network(visit), door.clock() / 1e6)


def key_of(headers: Any, query: Mapping[str, str]) -> str | None:
    """Return the write key that a request shows in a header or in its query."""
    return (
        headers.get("x-write-key") or key_in_header(headers.get("authorization")) or query.get("write_key")
    )


def app_of(door: Door, key: str | None, origin: str | None) -> AppId | Literal[False] | None:
    """Return the app that a key may send for; None where senders choose, False for a wrong key.

    Raises OriginRefused when a page of this origin may not send for it.
    """
    access = door.access
    if access.open:
        return None
    app = access.app_of(key)
    if app is None:
        return False
    if origin is not None and not access.allows(app, origin):
        raise OriginRefused
    return app


def _admit(door: Door, query: str, headers: Any, visit: Visit) -> AppId | Answer | None:
    """Return the app that the sender may send for, None where it may choose, or the refusal."""
    if too_fast(door, visit):
        return TOO_FAST
    if door.access.open:
        return None
    try:
        app = app_of(door, key_of(headers, query_of(query)), headers.get("origin"))
    except OriginRefused:
        return ORIGIN
    return NO_KEY if app is False else app


async def committed(door: Door, taken: Taken) -> Told:
    """Commit first, then count; return what became of the events. Raises LogFull, LogFailed."""
    duplicates = door.seen.count(taken.keys)
    if taken.records:
        await door.commit.submit(taken.records)
    door.seen.add(taken.keys)
    fresh = taken.accepted - duplicates
    door.row.took(fresh, duplicates, len(taken.rejected))
    return Told(fresh, duplicates, taken.rejected)


async def _kept(door: Door, taken: Taken) -> Answer:
    told = await committed(door, taken)
    if taken.refused is not None:
        return refusal(400, "no event could be made out", taken.refused)
    return accepted(told.accepted, told.duplicates, told.rejected)


def _too_large(limit: int) -> Answer:
    return refusal(413, "the body is too large", f"the limit is {limit} bytes; send fewer events at once")
