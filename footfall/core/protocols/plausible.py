"""Plausible's events API, as its trackers for browsers and senders of one's own speak it.

https://plausible.io/docs/events-api and the published clients @plausible-analytics/tracker (keys of one
letter) and plausible-tracker. A body is one event.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, seconds, text
from footfall.core.protocols.reading import json_object
from footfall.core.protocols.repeats import REPEATS, event_ids, said_of

__all__ = ["PLAUSIBLE"]

PLAIN = (("content-type", "text/plain; charset=utf-8"),)
DROPPED_ONE = (("content-type", "application/json"), ("x-plausible-dropped", "1"))
LISTS_OF_PROPERTIES = ("p", "props", "m", "meta")


COMMON = (
    Field("n", "event", text),
    Field("name", "event", text),
    Field("u", "url", text),
    Field("url", "url", text, "campaigns are read from it"),
    Field("r", "referrer", text),
    Field("referrer", "referrer", text),
    Field("d", "properties.domain", text, "the first of a list is the write key"),
    Field("domain", "properties.domain", text),
    Field("$.amount", "value", number),
    Field("$.currency", "currency", text),
    Field("revenue.amount", "value", number),
    Field("revenue.currency", "currency", text),
    Field("p", "properties", note="an object, or the JSON of one"),
    Field("props", "properties"),
    Field("m", "properties"),
    Field("meta", "properties"),
    Field("i", "properties.interactive"),
    Field("interactive", "properties.interactive"),
    Field("w", "properties.screen_width", number),
    Field("screen_width", "properties.screen_width", number),
    Field("v", "properties.tracker_version"),
    Field("h", DROPPED, note="that the part behind # is a page of its own; url has it"),
    Field("hashMode", DROPPED),
)
ENGAGEMENT = (
    Field("e", "time_spent", seconds, "milliseconds since the last one"),
    Field("sd", "properties.scroll_depth", number, "percent"),
    *COMMON,
)
NAMES = {"pageview": "page_view", "engagement": "page_leave"}


def _unpacked(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item with its properties and revenue as objects: older trackers send them as JSON text."""
    opened = dict(item)
    for name in (*LISTS_OF_PROPERTIES, "$", "revenue"):
        if isinstance(value := item.get(name), str):
            try:
                inner = msgspec.json.decode(value)
            except (msgspec.MsgspecError, RecursionError):
                continue
            if isinstance(inner, dict):
                opened[name] = inner
    return opened


def _key(item: Mapping[str, Any]) -> str | None:
    """Return the site: the first of the domains, else the page's host as Plausible takes it."""
    named = text(item.get("d")) or text(item.get("domain"))
    if named:
        return named.split(",")[0].strip() or None
    try:
        host = urlsplit(text(item.get("u")) or text(item.get("url")) or "").hostname or ""
    except ValueError:
        return None
    return host.removeprefix("www.") or None


def _read(request: Request) -> Heard:
    item = json_object(request.body)
    kind = item.get("n") or item.get("name")
    event = mapped(_unpacked(item), ENGAGEMENT if kind == "engagement" else COMMON)
    if isinstance(name := event.get("event"), str):
        event["event"] = NAMES.get(name, name)
    [event_id] = event_ids(request, [item], lambda _: None)
    if event_id is not None:
        event["event_id"] = event_id
    return Heard([event], key=_key(item))


def _taken(_request: Request, _heard: Heard, told: Told) -> Reply:
    if not told.rejected:
        return Reply(202, b"ok", PLAIN)
    reasons = [reason for _, each in told.rejected for reason in each]
    return Reply(400, msgspec.json.encode({"errors": {"event": reasons}}), DROPPED_ONE)


def _refused(_request: Request, refusal: Refusal) -> Reply:
    body = msgspec.json.encode({"errors": {refusal.kind: [refusal.error, *refusal.reasons]}})
    return Reply(refusal.status, body, (*DROPPED_ONE, *refusal.again))


def _example(event_id: str, key: str, _now: int) -> Example:
    call = {"n": "test_event", "d": key, "u": f"https://{key}/", "p": {"test": event_id}}
    return Example("POST", "/api/event", msgspec.json.encode(call))


PLAUSIBLE = Tracker(
    name="plausible",
    title="Plausible",
    about="Plausible's events API, as its trackers for the browser and servers speak it.",
    endpoints=(Endpoint(("POST",), "/api/event", _read, _taken),),
    fields={"every event": COMMON, "engagement": ENGAGEMENT[: -len(COMMON)]},
    snippets=(
        Snippet(
            "@plausible-analytics/tracker",
            "javascript",
            'import { init, track } from "@plausible-analytics/tracker";\n\n'
            'init({ domain: "{key}", endpoint: "{collector}/api/event" });\n'
            'track("Signup", { props: { plan: "pro" }, revenue: { amount: 20, currency: "EUR" } });',
        ),
        Snippet(
            "plausible-tracker",
            "javascript",
            'import Plausible from "plausible-tracker";\n\n'
            'const plausible = Plausible({ domain: "{key}", apiHost: "{collector}" });\n'
            "plausible.enableAutoPageviews();\n"
            'plausible.trackEvent("Signup", { props: { plan: "pro" } });',
        ),
        Snippet(
            "the script",
            "html",
            '<script defer src="/js/script.js"\n'
            '  data-domain="{key}" data-api="{collector}/api/event"></script>',
        ),
    ),
    key_is="the site's domain (of a list the first; without one the page's host, less www.)",
    source="https://plausible.io/docs/events-api",
    notes=f"{said_of(REPEATS)} Its clients send nothing again. An `engagement` is a `page_leave`: "
    "one page has several, whose times add up. Address and agent are those of the request: a server that "
    "sends for a browser passes its `User-Agent` on, and its `X-Forwarded-For` counts where "
    "`collector.trusted_proxies` names the server.",
    refuse=_refused,
    repeats=REPEATS,
    example=_example,
)
