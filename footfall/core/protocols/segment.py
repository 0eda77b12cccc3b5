"""Segment's HTTP API, for servers and browsers; RudderStack's clients and Jitsu's speak it too.

https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ and the published
clients segment-analytics-python, @segment/analytics-node, @segment/analytics-next.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from footfall.core.access import is_loopback, key_in_header
from footfall.core.protocols.exchange import (
    JSON,
    Endpoint,
    Example,
    Heard,
    Refusal,
    Reply,
    Request,
    Snippet,
    Told,
    Tracker,
    Unheard,
    json_reply,
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, text
from footfall.core.protocols.reading import json_object, pixel_reply

__all__ = ["SEGMENT"]

COMMON = (
    Field("messageId", "event_id", text),
    Field("userId", "user_id", text),
    Field("anonymousId", "anonymous_id", text),
    Field("timestamp", "created_at"),
    Field("originalTimestamp", "created_at"),
    Field("sentAt", "sent_at"),
    Field("context.sessionId", "session_id", text, "RudderStack's session"),
    Field("context.page.url", "url", text),
    Field("context.page.referrer", "referrer", text),
    Field("context.page.title", "title", text),
    Field("context.userAgent", "user_agent", text, "a server's word for the browser's"),
    Field("context.ip", "ip", text, "cut to its network at the door"),
    Field("context.locale", "language", text),
    Field("context.timezone", "timezone", text),
    Field("context.location.country", "country", text),
    Field("context.campaign.name", "properties.utm_campaign", text),
    Field("context.campaign.source", "properties.utm_source", text),
    Field("context.campaign.medium", "properties.utm_medium", text),
    Field("context.campaign.term", "properties.utm_term", text),
    Field("context.campaign.content", "properties.utm_content", text),
    Field("context.traits", "user", note="what was told of the person before"),
    Field("type", DROPPED, note="the call, which names the event"),
    Field("writeKey", DROPPED),
    Field("integrations", DROPPED, note="Segment's own switches"),
    Field("_metadata", DROPPED),
)
TRACK = (
    Field("event", "event", text),
    Field("properties.revenue", "value", number),
    Field("properties.value", "value", number),
    Field("properties.total", "value", number),
    Field("properties.currency", "currency", text),
    Field("properties", "properties"),
    *COMMON,
)
PAGE = (
    Field("properties.url", "url", text),
    Field("properties.referrer", "referrer", text),
    Field("properties.title", "title", text),
    Field("name", "properties.name", text),
    Field("category", "properties.category", text),
    Field("properties", "properties"),
    *COMMON,
)
SCREEN = (
    Field("name", "title", text),
    Field("category", "properties.category", text),
    Field("properties", "properties"),
    *COMMON,
)
IDENTIFY = (Field("traits", "user"), *COMMON)
GROUP = (Field("groupId", "properties.group_id", text), Field("traits", "properties"), *COMMON)
ALIAS = (Field("previousId", "properties.previous_id", text), *COMMON)


def _own(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return tuple(field for field in fields if field not in COMMON)


CALLS: Mapping[str, tuple[str | None, tuple[Field, ...]]] = {
    "track": (None, TRACK),
    "page": ("page_view", PAGE),
    "screen": ("screen_view", SCREEN),
    "identify": ("identify", IDENTIFY),
    "group": ("group", GROUP),
    "alias": ("alias", ALIAS),
}
"""For each call the event that it is (a track names its own) and its fields."""


def _event(item: Any, shared: Mapping[str, Any], call: str | None) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {"properties": {"item": item}}
    context = item.get("context")
    if isinstance(context, dict) and isinstance(shared.get("context"), dict):
        item = item | {"context": shared["context"] | context}
    item = shared | item
    kind = call or item.get("type")
    name, fields = CALLS.get(kind if isinstance(kind, str) else "", (None, TRACK))
    event = mapped(item, fields)
    if name is not None:
        event["event"] = name
    screen = (item.get("context") or {}).get("screen") if isinstance(item.get("context"), dict) else None
    if isinstance(screen, dict) and screen.get("width") and screen.get("height"):
        event["screen"] = f"{screen['width']}x{screen['height']}"
    return event


def _key(request: Request, body: Mapping[str, Any]) -> str | None:
    own = body.get("writeKey")
    return key_in_header(request.headers.get("authorization")) or (own if isinstance(own, str) else None)


def _one(call: str) -> Any:
    def read(request: Request) -> Heard:
        body = json_object(request.body)
        return Heard([_event(body, {}, call)], key=_key(request, body))

    return read


def _many(request: Request) -> Heard:
    body = json_object(request.body)
    batch = body.get("batch")
    if not isinstance(batch, list) or not batch:
        raise Unheard("batch is missing or empty; send an array of calls", key=_key(request, body))
    shared: dict[str, Any] = {name: body[name] for name in ("sentAt", "context") if name in body}
    return Heard([_event(item, shared, None) for item in batch], key=_key(request, body))


def _pixel(call: str) -> Any:
    def read(request: Request) -> Heard:
        data = request.query.get("data", "")
        try:
            body = json_object(base64.b64decode(data + "=" * (-len(data) % 4), altchars=b"-_"))
        except binascii.Error as error:
            raise Unheard(f"data is not Base64: {error}") from error
        return Heard([_event(body, {}, call)], key=_key(request, body))

    return read


def _taken(_request: Request, _heard: Heard, told: Told) -> Reply:
    if not told.rejected:
        return Reply(200, b'{"success":true}')
    refused = [{"index": index, "reasons": reasons} for index, reasons in told.rejected]
    return json_reply({"success": True, "rejected": refused})


def _refused(_request: Request, refusal: Refusal) -> Reply:
    told = {"success": False, "code": refusal.kind, "message": refusal.why}
    return json_reply(told, refusal.status, refusal.again)


def _settings(request: Request) -> Reply:
    """Tell analytics-next, which asks its CDN before it sends, that there is one destination."""
    host = request.headers.get("host") or ""
    key = request.params["write_key"]
    plain = "http" if is_loopback(host.rpartition(":")[0] or host) else "https"
    segment = {
        "protocol": request.headers.get("x-forwarded-proto") or plain,
        "apiKey": key,
        "apiHost": f"{host}/v1",
        "unbundledIntegrations": [],
        "addBundledMetadata": True,
    }
    return json_reply({"integrations": {"Segment.io": segment}, "plan": {}, "edgeFunction": {}})


def _example(event_id: str, key: str, now: int) -> Example:
    call = {
        "messageId": event_id,
        "type": "track",
        "event": "test_event",
        "anonymousId": "footfall-connect",
        "properties": {"test": True},
        "context": {"library": {"name": "footfall-connect"}},
        "timestamp": datetime.fromtimestamp(now / 1_000_000, UTC).isoformat(timespec="milliseconds"),
    }
    basic = base64.b64encode(f"{key}:".encode()).decode()
    return Example(
        "POST", "/v1/track", msgspec.json.encode(call), (*JSON, ("authorization", f"Basic {basic}"))
    )


SEGMENT = Tracker(
    name="segment",
    title="Segment, RudderStack",
    about="Segment's HTTP API, as Segment's and RudderStack's clients speak it, servers and browsers.",
    endpoints=(
        *(Endpoint(("POST",), f"/v1/{call}", _one(call), _taken) for call in CALLS),
        *(Endpoint(("POST",), f"/v1/{call[0]}", _one(call), _taken) for call in CALLS),
        *(Endpoint(("POST",), f"/v1/{name}", _many, _taken) for name in ("batch", "b", "import")),
        *(
            Endpoint(("GET",), f"/v1/pixel/{call}", _pixel(call), lambda *_: pixel_reply())
            for call in CALLS
        ),
        Endpoint(("POST",), "/v1/m", answer=lambda _: Reply(200, b'{"success":true}')),
        Endpoint(("GET",), "/v1/projects/{write_key}/settings", answer=_settings),
    ),
    fields={"every call": COMMON, **{call: _own(fields) for call, (_, fields) in CALLS.items()}},
    snippets=(
        Snippet(
            "segment-analytics-python",
            "python",
            'import segment.analytics as analytics\n\nanalytics.write_key = "{key}"\n'
            'analytics.host = "{collector}"\nanalytics.track("user-1", "Order Completed", {"revenue": 20})',
        ),
        Snippet(
            "@segment/analytics-node",
            "javascript",
            'import { Analytics } from "@segment/analytics-node";\n\n'
            'const analytics = new Analytics({ writeKey: "{key}", host: "{collector}" });\n'
            'analytics.track({ userId: "user-1", event: "Order Completed" });',
        ),
    ),
    key_is="the write key",
    source="https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/",
    refuse=_refused,
    example=_example,
)
