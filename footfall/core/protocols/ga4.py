"""GA4's Measurement Protocol: events that servers and apps send to Google Analytics.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference. What gtag.js
sends (``/g/collect``) is another format, which Google doesn't publish.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from footfall.core.protocols.exchange import (
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
    plain_refusal,
)
from footfall.core.protocols.ga4_rules import Finding, findings
from footfall.core.protocols.mapping import DROPPED, Field, address, mapped, number, seconds, text
from footfall.core.protocols.reading import json_object
from footfall.core.protocols.repeats import REPEATS, event_ids
from footfall.core.validate import coerce

__all__ = ["GA4"]

NOTHING = Reply(204, headers=())


def _micros(value: Any) -> int | None:
    told = number(value)
    return int(told) if told is not None and 0 < told < float("inf") else None


FIELDS = (
    Field("events.name", "event", text),
    Field("user_id", "user_id", text),
    Field("client_id", "anonymous_id", text),
    Field("app_instance_id", "anonymous_id", text, "Firebase's name for it"),
    Field("events.params.session_id", "session_id", text),
    Field("events.params.timestamp_micros", "created_at", _micros),
    Field("events.timestamp_micros", "created_at", _micros),
    Field("timestamp_micros", "created_at", _micros),
    Field("events.params.engagement_time_msec", "time_spent", seconds, "in seconds"),
    Field("events.params.page_location", "url", text),
    Field("events.params.page_title", "title", text),
    Field("events.params.screen_name", "title", text),
    Field("events.params.page_referrer", "referrer", text),
    Field("events.params.campaign", "properties.utm_campaign", text),
    Field("events.params.source", "properties.utm_source", text),
    Field("events.params.medium", "properties.utm_medium", text),
    Field("events.params.term", "properties.utm_term", text),
    Field("events.params.content", "properties.utm_content", text),
    Field("events.params.value", "value", number),
    Field("events.params.currency", "currency", text),
    Field("events.params.items", "properties.items"),
    Field("events.params.language", "language", text),
    Field("events.params.screen_resolution", "screen", text),
    Field("events.params", "properties", note="what has no row of its own"),
    Field("device.language", "language", text),
    Field("device.screen_resolution", "screen", text),
    Field("user_agent", "user_agent", text),
    Field("ip_override", "ip", address, "cut to its network at the door"),
    Field("user_location.country_id", "country", text),
    Field("user_properties", "user", note="each one's value"),
    Field("user_set_at", "properties.user_set_at", note="timestamp_micros of each user property"),
    Field("validation_behavior", DROPPED),
)


def _event(shared: Mapping[str, Any], event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        return {"properties": {"event": event}}
    return mapped({**shared, "events": event}, FIELDS)


def _lasting(shared: Mapping[str, Any], event: Any) -> dict[str, Any] | None:
    """Return what makes an event one of a kind for good: all that is said of it, where that has a time."""
    if not isinstance(event, dict):
        return None
    parameters = event.get("params")
    places = (shared, event, parameters if isinstance(parameters, dict) else {})
    if not any(place.get("timestamp_micros") for place in places):
        return None
    said = {name: value for name, value in shared.items() if name != "ip_override"}
    address = {"ip": shared["ip_override"]} if shared.get("ip_override") else {}
    return {"shared": said, "event": event, **address}


def _shared(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds for all events of a body, user properties without their wrapping."""
    shared = {name: value for name, value in body.items() if name != "events"}
    told = shared.get("user_properties")
    if isinstance(told, dict):
        shared["user_properties"] = {
            name: each.get("value") if isinstance(each, dict) else each for name, each in told.items()
        }
        set_at = {
            name: each["timestamp_micros"]
            for name, each in told.items()
            if isinstance(each, dict) and each.get("timestamp_micros") is not None
        }
        if set_at:
            shared["user_set_at"] = set_at
    return shared


def _events(request: Request, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    told = body.get("events")
    if not isinstance(told, list) or not told:
        raise Unheard("events is missing or empty; send an array of events", status=204)
    shared = _shared(body)
    events = [_event(shared, event) for event in told]
    for event, event_id in zip(
        events, event_ids(request, told, lambda each: _lasting(shared, each)), strict=True
    ):
        if event_id:
            event["event_id"] = event_id
    return events


def _read(request: Request) -> Heard:
    """Read a body. Content that can't be right is answered with 204 like all other, as Google does."""
    key = request.query.get("api_secret")
    app = request.query.get("measurement_id") or request.query.get("firebase_app_id")
    try:
        events = _events(request, json_object(request.body))
    except Unheard as error:
        raise Unheard(str(error), status=204, key=key) from error
    return Heard(events, key=key, app=app, unseen=True)


def _check(request: Request) -> Heard:
    """Read a body for its faults only: Google's rules, then what our own door would refuse."""
    key = request.query.get("api_secret")
    try:
        body = json_object(request.body)
    except Unheard as error:
        return Heard([], key=key, extra=[Finding("", str(error), "VALUE_INVALID")])
    faults = findings(body, len(request.body))
    events = body.get("events")
    if isinstance(events, list) and events:
        for place, event in enumerate(_events(request, body)):
            _, reasons = coerce(event, lambda value, _: value)
            faults += [Finding(f"events[{place}]", reason, "VALUE_INVALID") for reason in reasons]
    return Heard([], key=key, extra=faults)


def _taken(_request: Request, _heard: Heard, _told: Told) -> Reply:
    return NOTHING


def _checked(_request: Request, heard: Heard, _told: Told) -> Reply:
    messages = [
        {"fieldPath": fault.path, "description": fault.description, "validationCode": fault.code}
        for fault in heard.extra
    ]
    return json_reply({"validationMessages": messages})


def _refused(_request: Request, refusal: Refusal) -> Reply:
    return NOTHING if refusal.status == NOTHING.status else plain_refusal(refusal)


def _example(event_id: str, key: str, now: int) -> Example:
    event = {"name": "test_event", "params": {"test": event_id}}
    body = {"client_id": "footfall.connect", "timestamp_micros": now, "events": [event]}
    query = urlencode({"measurement_id": "G-TEST", "api_secret": key})
    return Example("POST", f"/mp/collect?{query}", msgspec.json.encode(body))


GA4 = Tracker(
    name="ga4",
    title="Google Analytics 4",
    about="GA4's Measurement Protocol, for servers and apps, with its validation server.",
    endpoints=(
        Endpoint(("POST",), "/mp/collect", _read, _taken),
        Endpoint(("POST",), "/debug/mp/collect", _check, _checked),
    ),
    fields={"every event": FIELDS},
    snippets=(
        Snippet(
            "Python",
            "python",
            "import json\nfrom urllib.request import Request, urlopen\n\n"
            'body = {"client_id": "123.456", "events": [{"name": "purchase", "params": {"value": 20}}]}\n'
            'address = "{collector}/mp/collect?measurement_id=G-SHOP&api_secret={key}"\n'
            "urlopen(Request(address, data=json.dumps(body).encode()))",
        ),
        Snippet(
            "JavaScript",
            "javascript",
            'await fetch("{collector}/mp/collect?measurement_id=G-SHOP&api_secret={key}", {\n'
            '  method: "POST",\n'
            '  body: JSON.stringify({ client_id: "123.456", events: [{ name: "sign_up" }] }),\n'
            "});",
        ),
    ),
    key_is="api_secret",
    source="https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference",
    notes=(
        "Where no key is asked for the app is `measurement_id` or `firebase_app_id`. As with Google, the "
        "answer is 204 whatever the content: what can't be an event is kept as rejected, and "
        "`/debug/mp/collect` tells Google's rules and ours without storing anything (it asks for the key, "
        "too). Other statuses are about the request: 401, 413, 429, 503. The address and the agent of the "
        "sender are a server's, so they are not used; `ip_override`, `user_location`, `user_agent` and "
        "`device` are. The protocol has no event ids: an event with `timestamp_micros` (its own or the "
        "request's) gets one that is made of all that is said of it, so what is sent again, at any time, "
        f"counts once; without a time the same bytes from the same sender within {REPEATS.seconds} s "
        "count once."
    ),
    refuse=_refused,
    repeats=REPEATS,
    example=_example,
)
