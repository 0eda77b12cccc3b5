"""Other products' trackers: their request to the core's protocol, its events to the log, its reply back."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from footfall.apps.collector.answers import Answer
from footfall.apps.collector.door import Door, Visit
from footfall.apps.collector.reading import TooLarge, read_body
from footfall.apps.collector.sending import (
    FAILED_SECONDS,
    FULL_SECONDS,
    OriginRefused,
    app_of,
    committed,
    key_of,
    too_fast,
    visit_of,
)
from footfall.core.body import BodyRefused, unpack
from footfall.core.protocols.exchange import (
    Endpoint,
    Heard,
    Refusal,
    Reply,
    Request,
    Told,
    Tracker,
    Unheard,
    plain_refusal,
)
from footfall.core.protocols.reading import query_of
from footfall.core.protocols.repeats import mark_of, parts_of
from footfall.core.record import AppId
from footfall.core.validate import narrowed
from footfall.errors import FootfallError, LogFull

__all__ = ["handler_of", "pattern_of"]

UNSEEN: Visit = ("", None, None, None)
TOO_FAST = Refusal(
    "too_fast",
    429,
    "too many requests from this network",
    ("wait a second, or send batches",),
    retry_after=1,
)
BROKE_OFF = Refusal("unreadable", 400, "the body broke off", ("it is shorter than it said; send it again",))
WRONG_KEY = Refusal(
    "key", 401, "this needs a valid write key", ("name it among the app's write_keys in footfall.toml",)
)
ORIGIN = Refusal("origin", 403, "this origin may not send for this app", ("add it to the app's origins",))


def pattern_of(path: str) -> re.Pattern[str]:
    """Return the expression of a path with placeholders, each one segment."""
    parts = re.split(r"\{(\w+)\}", path)
    return re.compile(
        "".join(f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    )


def handler_of(tracker: Tracker, endpoint: Endpoint) -> Callable[[Door, Any, Any], Any]:
    """Return what answers an endpoint of a tracker."""
    pattern = pattern_of(endpoint.path) if "{" in endpoint.path else None

    async def handle(door: Door, scope: Any, protocol: Any) -> Answer:
        found = pattern.fullmatch(scope.path) if pattern else None
        request = _request(scope, found.groupdict() if found else {}, door.clock())
        try:
            request = request._replace(secret=door.intake.secret())
            if endpoint.read is None:
                return _answer(_said(endpoint, request))
            visit = visit_of(scope, scope.headers)
            if too_fast(door, visit):
                return _refused(tracker, request, TOO_FAST)
            request = request._replace(body=await _body(door, scope.headers, protocol))
            request = _marked(door, tracker, request, visit)
            return await _taken(door, tracker, endpoint, request, visit)
        except _Refused as refused:
            return _refused(tracker, request, refused.refusal)
        except BodyRefused as error:  # of the log: one event is more than it can ever hold
            return _refused(tracker, request, _unreadable(error))
        except FootfallError as error:
            return _refused(tracker, request, _unavailable(error))

    return handle


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.error)
        self.refusal = refusal


def _request(scope: Any, params: Mapping[str, str], now: int) -> Request:
    return Request(
        scope.method,
        scope.path,
        query_of(scope.query_string),
        scope.headers,
        params=params,
        received_at=now,
    )


def _marked(door: Door, tracker: Tracker, request: Request, visit: Visit) -> Request:
    """Say who sent the request, and whether it is one that came before, where no id will tell."""
    if tracker.repeats is None:
        return request
    repeats, now = tracker.repeats, request.received_at
    visitor, name = door.intake.named(visit, parts_of(request, repeats), now)
    first = door.lately.first(name, now, repeats.seconds)
    return request._replace(visitor=visitor, mark=mark_of(name, first, repeats))


async def _body(door: Door, headers: Any, protocol: Any) -> bytes:
    limits = door.limits
    reading = door.slow.starts()
    try:
        body = await read_body(protocol, headers, limits.max_body_bytes)
    except TooLarge:
        reason = f"the limit is {limits.max_body_bytes} bytes; send fewer events at once"
        raise _Refused(Refusal("too_large", 413, "the body is too large", (reason,))) from None
    except ValueError as error:
        raise _Refused(BROKE_OFF) from error
    finally:
        door.slow.ends(reading)
    try:
        return unpack(
            body, headers.get("content-encoding"), limits.max_body_bytes, limits.max_unzipped_bytes
        )
    except BodyRefused as error:
        raise _Refused(_unreadable(error)) from error


async def _taken(
    door: Door, tracker: Tracker, endpoint: Endpoint, request: Request, visit: Visit
) -> Answer:
    """Read, admit, commit, answer. What can't be read is kept as rejected, when its key is right."""
    assert endpoint.read is not None  # noqa: S101 - the caller looked
    headers, now = request.headers, request.received_at
    given = key_of(headers, request.query)
    try:
        heard = endpoint.read(request)
        events = [narrowed(dict(event)) for event in heard.events]
    except (Unheard, RecursionError) as error:
        why = str(error) if isinstance(error, Unheard) else "it nests too deep"
        app = _admitted(door, given or getattr(error, "key", None), headers)
        taken = door.intake.refuse(request.body, why, app=app, origin=tracker.name, visit=visit, now=now)
        await committed(door, taken)
        status = getattr(error, "status", 400)
        return _refused(
            tracker, request, Refusal("unreadable", status, "no event could be made out", (why,))
        )
    app = _admitted(door, given or heard.key, headers)
    if not heard.events:
        return _replied(endpoint, request, heard, Told(0))
    if app is None and heard.app:
        events = [{"app_id": heard.app, **event} for event in events]
    taken = door.intake.take(
        msgspec.json.encode(events),
        app=app,
        origin=tracker.name,
        visit=UNSEEN if heard.unseen else visit,
        now=now,
    )
    return _replied(endpoint, request, heard, await committed(door, taken))


def _admitted(door: Door, key: str | None, headers: Any) -> AppId | None:
    try:
        app = app_of(door, key, headers.get("origin"))
    except OriginRefused:
        raise _Refused(ORIGIN) from None
    if app is False:
        raise _Refused(WRONG_KEY)
    return app


def _unreadable(error: BodyRefused) -> Refusal:
    kind = "too_large" if error.status == 413 else "unreadable"
    return Refusal(kind, error.status, "the body can't be read", (error.reason,))  # type: ignore[arg-type]


def _unavailable(error: FootfallError) -> Refusal:
    full = isinstance(error, LogFull)
    what = "the event log is full" if full else "events can't be stored now"
    return Refusal(
        "unavailable", 503, what, (str(error),), retry_after=FULL_SECONDS if full else FAILED_SECONDS
    )


def _said(endpoint: Endpoint, request: Request) -> Reply:
    assert endpoint.answer is not None  # noqa: S101 - a test looks over the registry
    return endpoint.answer(request)


def _replied(endpoint: Endpoint, request: Request, heard: Heard, told: Told) -> Answer:
    assert endpoint.reply is not None  # noqa: S101 - a test looks over the registry
    return _answer(endpoint.reply(request, heard, told))


def _refused(tracker: Tracker, request: Request, refusal: Refusal) -> Answer:
    return _answer(tracker.refuse(request, refusal) if tracker.refuse else plain_refusal(refusal))


def _answer(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body, list(reply.headers))
