"""Clickstream Analytics on AWS: ``POST /collect``, as its SDKs for the web and for apps send.

https://github.com/awslabs/clickstream-analytics-on-aws/blob/main/docs/en/sdk-manual/http-api.md and
the published client @aws/clickstream-web.
"""

import base64
import binascii
import hashlib
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from footfall.core.body import BodyRefused, unpack
from footfall.core.protocols.exchange import (
    Endpoint,
    Example,
    Heard,
    Reply,
    Request,
    Snippet,
    Told,
    Tracker,
    Unheard,
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, seconds, text
from footfall.core.protocols.reading import json_value

__all__ = ["CLICKSTREAM"]

LARGEST_UNZIPPED = 4_194_304
PRESETS = {"_profile_set": "identify"}
"""Names of ours for preset events; the others lose their underscore: ``_page_view`` is ``page_view``."""


def _action(value: Any) -> str | None:
    name = text(value)
    if name is None or not name.startswith("_"):
        return name
    return PRESETS.get(name) or name.strip("_") or name


FIELDS = (
    Field("event_type", "event", _action, "_page_view is page_view, _profile_set is identify"),
    Field("event_id", "event_id", text),
    Field("timestamp", "created_at"),
    Field("upload_timestamp", "sent_at", note="of the query"),
    Field("user._user_id", "user_id", text, "its value"),
    Field("unique_id", "anonymous_id", text),
    Field("device_id", "anonymous_id", text),
    Field("user", "user", note="each one's value"),
    Field("user_set_at", "properties.user_set_at", note="set_timestamp of each user attribute"),
    Field("attributes._session_id", "session_id", text),
    Field("attributes._page_url", "url", text),
    Field("attributes._page_title", "title", text),
    Field("attributes._screen_name", "title", text),
    Field("attributes._page_referrer", "referrer", text, "the page before, of a page view"),
    Field("attributes._latest_referrer", "referrer", text, "where the visit came from"),
    Field("attributes._engagement_time_msec", "time_spent", seconds, "in seconds"),
    Field("attributes._traffic_source_source", "properties.utm_source", text),
    Field("attributes._traffic_source_medium", "properties.utm_medium", text),
    Field("attributes._traffic_source_campaign", "properties.utm_campaign", text),
    Field("attributes._traffic_source_term", "properties.utm_term", text),
    Field("attributes._traffic_source_content", "properties.utm_content", text),
    Field("attributes._value", "value", number),
    Field("attributes._currency", "currency", text),
    Field("attributes._link_id", "element", text),
    Field("attributes._link_url", "properties.link_url", text),
    Field("attributes._outbound", "properties.outbound"),
    Field("attributes._search_term", "properties.search_term", text),
    Field("attributes", "properties", note="what has no row of its own"),
    Field("items", "properties.items"),
    Field("screen", "screen", text, "screen_width and screen_height"),
    Field("locale", "language", text),
    Field("country_code", "properties.country_code", note="of the language, not of the place"),
    Field("app_id", DROPPED, note="appId of the query says it"),
)


def _event(item: Any, app: str | None, sent_at: str | None) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {"properties": {"item": item}}
    item = dict(item)
    own = item.get("app_id")
    user = item.get("user")
    if isinstance(user, dict):
        item["user"] = {name: _told(each, "value") for name, each in user.items()}
        set_at = {
            name: each["set_timestamp"]
            for name, each in user.items()
            if isinstance(each, dict) and each.get("set_timestamp") is not None
        }
        item |= {"user_set_at": set_at} if set_at else {}
    width, height = number(item.get("screen_width")), number(item.get("screen_height"))
    if width and height:
        item["screen"] = f"{item.pop('screen_width')}x{item.pop('screen_height')}"
    if sent_at:
        item["upload_timestamp"] = sent_at
    event = mapped(item, FIELDS)
    if own not in (None, "", app):
        event.setdefault("properties", {})["app_id"] = own
    return event


def _told(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else value


class _Body(NamedTuple):
    """The events' JSON, and whether the client's hash says that it arrived as it was sent."""

    text: bytes
    whole: bool


def _unpacked(request: Request) -> _Body:
    """Undo the SDKs' compression: gzip as Base64 text. Bare gzip the door has undone. Raises Unheard."""
    body, hashes = request.body, [request.body]
    packed = request.query.get("compression") == "gzip"
    if packed and body.lstrip()[:1] not in (b"[", b"{"):
        try:
            zipped = base64.b64decode(b"".join(body.split()), validate=True)
            body = unpack(zipped, "gzip", max(len(zipped), 1), LARGEST_UNZIPPED)
        except binascii.Error as error:
            raise Unheard(f"the body is neither JSON nor gzip in Base64: {error}") from error
        except BodyRefused as error:
            raise Unheard(error.reason, status=error.status) from error
        hashes.append(body)
    code = request.query.get("hashCode")
    known = not packed or len(hashes) > 1
    if not code or not known:
        return _Body(body, True)
    return _Body(body, code.lower() in {hashlib.sha256(each).hexdigest()[:8] for each in hashes})


def _read(request: Request) -> Heard:
    app = text(request.query.get("appId"))
    try:
        body = _unpacked(request)
        items = json_value(body.text)
    except Unheard as error:
        raise Unheard(str(error), status=error.status, key=app) from error
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list) or not items:
        raise Unheard("the body is no array of events, or an empty one", key=app)
    if app is None:
        app = next((text(item.get("app_id")) for item in items if isinstance(item, dict)), None)
    sent_at = request.query.get("upload_timestamp")
    events = [_event(item, app, sent_at) for item in items]
    if not body.whole:
        for event in events:
            event.setdefault("properties", {})["hash_code_differs"] = True
    return Heard(events, key=app, app=app)


def _taken(_request: Request, _heard: Heard, _told: Told) -> Reply:
    return Reply(200, headers=())


def _example(event_id: str, key: str, now: int) -> Example:
    event = {
        "event_type": "test_event",
        "event_id": event_id,
        "timestamp": now // 1_000,
        "unique_id": "footfall-connect",
        "attributes": {"test": True},
    }
    path = f"/collect?{urlencode({'platform': 'Web', 'appId': key})}"
    return Example("POST", path, msgspec.json.encode([event]))


CLICKSTREAM = Tracker(
    name="clickstream",
    title="Clickstream Analytics on AWS",
    about="The HTTP API of Clickstream Analytics on AWS, as its SDKs for the web and for apps speak it.",
    endpoints=(Endpoint(("POST",), "/collect", _read, _taken),),
    fields={"every event": FIELDS},
    snippets=(
        Snippet(
            "@aws/clickstream-web",
            "javascript",
            'import { ClickstreamAnalytics } from "@aws/clickstream-web";\n\n'
            'ClickstreamAnalytics.init({ appId: "{key}", endpoint: "{collector}/collect" });\n'
            'ClickstreamAnalytics.record({ name: "sign_up", attributes: { plan: "pro" } });',
        ),
    ),
    key_is="appId",
    source="https://github.com/awslabs/clickstream-analytics-on-aws/blob/main/docs/en/sdk-manual/http-api.md",
    notes=(
        "Where no key is asked for the app is `appId`. A body that its `hashCode` doesn't fit is taken all "
        "the same, and its events say `properties.hash_code_differs`. The SDK for the web takes nothing "
        "but 200 for a success, and keeps what failed for its next request or page. An unknown `appId` is "
        "answered with 401, which a page may read, not with 403."
    ),
    example=_example,
)
