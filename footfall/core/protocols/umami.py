"""Umami's collecting API, as its script for browsers and @umami/node speak it.

https://umami.is/docs/api/sending-stats, its server's /api/send and /api/batch, and the published client
@umami/node. The reply's ``cache`` is a signed note of the session, which the script shows again.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from footfall.core.protocols.exchange import (
    Endpoint,
    Example,
    Heard,
    Refusal,
    Repeats,
    Reply,
    Request,
    Snippet,
    Told,
    Tracker,
    Unheard,
    json_reply,
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, text
from footfall.core.protocols.reading import derived_id, json_object, json_value
from footfall.core.protocols.repeats import REPEATS, event_ids, said_of

__all__ = ["UMAMI"]

TOKEN = "x-umami-cache"  # noqa: S105 - the header's name
SECOND = 1_000_000
SESSION_SECONDS = 86_400  # a visitor without an id is not known for longer than a day
VISIT_SECONDS = 1_800
SOURCES = ("website", "link", "pixel")
OURS = Repeats(REPEATS.seconds, (TOKEN,))

COMMON = (
    Field("payload.id", "user_id", text, "the distinct id"),
    Field("payload.url", "url", text, "behind hostname where it has no host"),
    Field("payload.referrer", "referrer", text),
    Field("payload.title", "title", text),
    Field("payload.screen", "screen", text),
    Field("payload.language", "language", text),
    Field("payload.timestamp", "created_at", number, "seconds"),
    Field("payload.userAgent", "user_agent", text, "a server's word for the browser's"),
    Field("payload.ip", "ip", text, "cut to its network at the door"),
    Field("payload.website", DROPPED, note="the write key"),
    Field("payload.link", DROPPED, note="the write key"),
    Field("payload.pixel", DROPPED, note="the write key"),
    Field("payload", "properties", note="tag, browser, os, device, and what no row names"),
    Field("type", DROPPED),
)
EVENT = (
    Field("payload.name", "event", text, "without one it is page_view"),
    Field("payload.data.revenue", "value", number),
    Field("payload.data.currency", "currency", text),
    Field("payload.data", "properties"),
    *COMMON,
)
IDENTIFY = (Field("payload.data", "user"), *COMMON)
CALLS: Mapping[str, tuple[str | None, tuple[Field, ...]]] = {
    "event": (None, EVENT),
    "identify": ("identify", IDENTIFY),
    "performance": ("performance", COMMON),
}
VIEWS = {"website": "page_view", "link": "link_open", "pixel": "pixel_view"}


class _Session(NamedTuple):
    """What a token says; times are UTC microseconds."""

    source: str
    session: str
    visit: str
    started: int
    seen: int


def _sealed(secret: bytes, session: _Session) -> str:
    note = msgspec.json.encode(session)
    return ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (note, hmac.digest(secret, note, "sha256"))
    )


def _opened(secret: bytes, token: str | None) -> _Session | None:
    """Return what a token of ours says; None for any other."""
    note, _, seal = (token or "").partition(".")
    try:
        told, signed = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (note, seal))
        if hmac.compare_digest(signed, hmac.digest(secret, told, "sha256")):
            return msgspec.json.decode(told, type=_Session)
    except (binascii.Error, ValueError):  # msgspec's errors are ValueErrors
        return None
    return None


def _id(*parts: str, secret: bytes) -> str:
    return str(UUID(derived_id(secret, *(part.encode("utf-8", "replace") for part in parts))))


def _session(request: Request, source: str, payload: Mapping[str, Any]) -> _Session:
    """Return the session that the token tells, else the day's session of this address and agent.

    A visit ends with 30 minutes of silence.
    """
    now, secret = request.received_at, request.secret
    known = _opened(secret, request.headers.get(TOKEN))
    if known is None or known.source != source or not 0 <= now - known.started < SESSION_SECONDS * SECOND:
        agent = text(payload.get("userAgent")) or ""
        own = text(payload.get("ip")) or ""
        session = _id("session", source, request.visitor, agent, own, secret=secret)
        known = _Session(source, session, "", now, 0)
    if not known.visit or now - known.seen >= VISIT_SECONDS * SECOND:
        hour = str(now // (3_600 * SECOND))
        known = known._replace(visit=_id("visit", known.session, hour, secret=secret))
    return known._replace(seen=now)


def _source(item: Any) -> tuple[str, str] | None:
    """Return what an item belongs to: the kind of source and its id."""
    payload = item.get("payload") if isinstance(item, dict) else None
    told = [(kind, text(payload.get(kind))) for kind in SOURCES] if isinstance(payload, dict) else []
    named = [(kind, source) for kind, source in told if source]
    return named[0] if len(named) == 1 else None


def _kind(item: Mapping[str, Any]) -> str:
    return item["type"] if isinstance(item.get("type"), str) else ""


def _absolute(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload with whole addresses: older scripts send paths, and the host beside them."""
    whole = dict(payload)
    host = text(payload.get("hostname"))
    if host is None:
        return whole
    for name in ("url", "referrer"):
        if isinstance(address := payload.get(name), str) and address.startswith("/"):
            whole[name] = f"https://{host}{address}"
    try:
        told = urlsplit(text(whole.get("url")) or "").hostname
    except ValueError:
        told = None
    if told == host.lower():
        del whole["hostname"]
    return whole


def _event(item: Any, session: _Session | None) -> dict[str, Any]:
    source = _source(item)
    if source is None or _kind(item) not in CALLS:
        return {"properties": {"item": item}}  # the door says that it names no event
    name, fields = CALLS[_kind(item)]
    event = mapped(item | {"payload": _absolute(item["payload"])}, fields)
    event["event"] = name or event.get("event") or VIEWS[source[0]]
    if session is not None and "ip" not in event:  # of an address the door makes the day's visitor
        event["anonymous_id"] = session.session
    return event


def _lasting(request: Request) -> Any:
    def told(item: Any) -> Mapping[str, Any] | None:
        payload = item.get("payload") if isinstance(item, dict) else None
        if not isinstance(payload, dict) or not payload.get("timestamp"):
            return None
        who = {} if payload.get("id") or payload.get("ip") else {"visitor": request.visitor}
        return payload | {"type": item.get("type")} | who

    return told


def _heard(request: Request, items: list[Any]) -> Heard:
    """Return the items as events of one source; ``extra`` has each item's session."""
    sources = {source[1] for item in items if (source := _source(item))}
    if len(sources) > 1:
        raise Unheard("these are of several websites; send a batch for each")
    key = sources.pop() if sources else None
    sessions = [
        _session(request, key, item["payload"]) if key and _source(item) else None for item in items
    ]
    events = [_event(item, session) for item, session in zip(items, sessions, strict=True)]
    for event, event_id in zip(events, event_ids(request, items, _lasting(request)), strict=True):
        if event_id is not None:
            event["event_id"] = event_id
    return Heard(events, key=key, extra=sessions)


def _one(request: Request) -> Heard:
    item = json_object(request.body)
    if _source(item) is None:
        raise Unheard("exactly one of website, link, or pixel must be provided")
    if _kind(item) not in CALLS:
        raise Unheard(f"type must be one of {', '.join(CALLS)}", key=(_source(item) or ("", None))[1])
    return _heard(request, [item])


def _many(request: Request) -> Heard:
    items = json_value(request.body)
    if not isinstance(items, list):
        raise Unheard("the body is no JSON array")
    return _heard(request, items)


def _noted(request: Request, session: _Session) -> dict[str, str]:
    token = _sealed(request.secret, session)
    return {"cache": token, "sessionId": session.session, "visitId": session.visit}


def _bad(message: str, code: str = "bad-request", status: int = 400) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "status": status}}


def _sent(request: Request, heard: Heard, told: Told) -> Reply:
    if told.rejected:
        return json_reply(_bad("; ".join(told.rejected[0][1])), 400)
    return json_reply(_noted(request, heard.extra[0]))


def _batched(request: Request, heard: Heard, told: Told) -> Reply:
    """Say what became of a batch; the note is that of the first item that was taken."""
    refused = {index: "; ".join(reasons) for index, reasons in told.rejected}
    taken = [session for index, session in enumerate(heard.extra or ()) if session and index not in refused]
    return json_reply(
        {
            "size": len(heard.events),
            "processed": len(heard.events) - len(refused),
            "errors": len(refused),
            "details": [{"index": index, "response": _bad(why)} for index, why in refused.items()],
            "cache": _noted(request, taken[0])["cache"] if taken else None,
        }
    )


def _refused(_request: Request, refusal: Refusal) -> Reply:
    codes = {"key": "unauthorized", "origin": "forbidden", "unreadable": "bad-request"}
    told = _bad(refusal.why, codes.get(refusal.kind, refusal.kind), refusal.status)
    return json_reply(told, refusal.status, refusal.again)


def _example(event_id: str, key: str, _now: int) -> Example:
    payload = {"website": key, "name": "test_event", "url": "/", "data": {"test": event_id}}
    return Example("POST", "/api/send", msgspec.json.encode({"type": "event", "payload": payload}))


UMAMI = Tracker(
    name="umami",
    title="Umami",
    about="Umami's collecting API, as its script for browsers, @umami/node and servers speak it.",
    endpoints=(
        Endpoint(("POST",), "/api/send", _one, _sent),
        Endpoint(("POST",), "/api/batch", _many, _batched),
    ),
    fields={"every call": COMMON, "event": EVENT[: -len(COMMON)], "identify": IDENTIFY[: -len(COMMON)]},
    snippets=(
        Snippet(
            "script.js",
            "html",
            '<script defer src="/script.js"\n'
            '  data-website-id="{key}" data-host-url="{collector}"></script>',
        ),
        Snippet(
            "@umami/node",
            "javascript",
            'import { Umami } from "@umami/node";\n\n'
            'const umami = new Umami({ websiteId: "{key}", hostUrl: "{collector}" });\n'
            'await umami.track("signup", { plan: "pro" });',
        ),
    ),
    key_is="the website's id (or that of a link or pixel)",
    source="https://umami.is/docs/api/sending-stats",
    notes="`sessionId` of the reply is the event's `anonymous_id`: the day's hash of address and agent, "
    "which the token `cache` keeps for up to a day while a page stays open. `visitId` is for the client: "
    "footfall makes its own sessions. Bots are answered like people, and labelled. A `timestamp` makes "
    "the event's id, with all else that the event says: what is sent again counts once for 7 days, and so "
    f"do two events of one second that are the same in all fields. Without it: {said_of(OURS)} The token "
    "counts among the bytes, so that clicks of which the first was answered already are two.",
    refuse=_refused,
    repeats=OURS,
    example=_example,
)
