"""Snowplow's tracker protocol 2: events as flat pairs, by POST in batches or by GET one at a time.

https://docs.snowplow.io/docs/sources/snowplow-tracker-protocol/ and the published clients
snowplow-tracker, @snowplow/node-tracker, @snowplow/browser-tracker.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.core.access import key_in_header
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
)
from footfall.core.protocols.iglu import (
    COLUMNS,
    ECOMMERCE,
    ITEM,
    Described,
    amount,
    columns_of,
    decoded,
    described,
    items_of,
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, text
from footfall.core.protocols.reading import derived_id, json_object, pixel_reply
from footfall.core.validate import narrowed

__all__ = ["SNOWPLOW"]

TP2 = "/com.snowplowanalytics.snowplow/tp2"
PLAIN = (("content-type", "text/plain"),)
FINAL = {400, 401, 403, 410, 422}
"""The statuses after which the official clients give up; any other they send again, for ever."""

_PAYLOAD = re.compile(r"iglu:com\.snowplowanalytics\.snowplow/payload_data/jsonschema/1-0-[0-9]+")
_LONGEST_BEAT = 3_600


def _beat(value: Any) -> float | None:
    """Return the seconds between two pings, None for what can't be."""
    seconds = number(value)
    return seconds if seconds is not None and 0 < seconds <= _LONGEST_BEAT else None


COMMON = (
    Field("eid", "event_id", text),
    Field("uid", "user_id", text, "setUserId"),
    Field("duid", "anonymous_id", text, "the tracker's first-party cookie"),
    Field("tnuid", "anonymous_id", text),
    Field("nuid", "anonymous_id", text, "only where the client sets it"),
    Field("sid", "session_id", text),
    Field("ttm", "created_at", note="the true time; no clock is corrected by stm then"),
    Field("dtm", "created_at"),
    Field("stm", "sent_at"),
    Field("url", "url", text, "else the request's Referer; campaigns are read from its utm parameters"),
    Field("refr", "referrer", text),
    Field("page", "title", text),
    Field("res", "screen", text),
    Field("lang", "language", text),
    Field("tz", "timezone", text),
    Field("ua", "user_agent", text, "a server's word for the browser's"),
    Field("ip", "ip", text, "cut to its network at the door; unused with SP-Anonymous"),
    Field("vid", "properties.vid", number, "the visit's number"),
    Field("cookie", "properties.cookies_enabled", number),
    Field("e", DROPPED, note="the kind of event, which names it"),
    Field("write_key", DROPPED),
)
PING = (
    Field("heartbeat", "time_spent", _beat, "ours: a ping does not tell its interval, see the how-to"),
    Field("pp_mix", "properties.pp_mix", number),
    Field("pp_max", "properties.pp_max", number),
    Field("pp_miy", "properties.pp_miy", number),
    Field("pp_may", "properties.pp_may", number),
)
BEAT = (Field("heartbeat", DROPPED, note="counts for page pings"),)
STRUCTURED = (
    Field("se_ac", "event", text),
    Field("se_ca", "properties.category", text),
    Field("se_la", "properties.label", text),
    Field("se_pr", "properties.property", text),
    Field("se_va", "value", number),
)
LEGACY = tuple(field._replace(theirs=field.theirs.replace("se_", "ev_")) for field in STRUCTURED)
TRANSACTION = (
    Field("tr_id", "properties.transaction_id", text),
    Field("tr_tt", "value", number),
    Field("tr_cu", "currency", text),
    Field("tr_af", "properties.affiliation", text),
    Field("tr_tx", "properties.tax", number),
    Field("tr_sh", "properties.shipping", number),
    Field("tr_ci", "properties.city", text),
    Field("tr_st", "properties.state", text),
    Field("tr_co", "properties.country", text, "of the order, not of the visitor"),
)
TRANSACTION_ITEM = (
    Field("ti_id", "properties.transaction_id", text),
    Field("ti_cu", "currency", text),
    Field("ti_sk", "properties.item_id", text, "these five are the one entry of properties.items"),
    Field("ti_nm", "properties.item_name", text),
    Field("ti_ca", "properties.item_category", text),
    Field("ti_pr", "properties.price", number, "no value, or sums would count an order twice"),
    Field("ti_qu", "properties.quantity", number),
)
_IN_ITEM = ("item_id", "item_name", "item_category", "price", "quantity")

CALLS: Mapping[str, tuple[str | None, tuple[Field, ...]]] = {
    "pv": ("page_view", ()),
    "pp": ("page_ping", PING),
    "se": (None, STRUCTURED),
    "ue": (None, ()),
    "tr": ("transaction", TRANSACTION),
    "ti": ("transaction_item", TRANSACTION_ITEM),
    "ad": ("ad_impression", ()),
    "ev": (None, LEGACY),
}
"""For each kind of event its name (a structured or self-describing one names itself) and its own fields."""

_TABLES = {kind: (*(own if kind == "pp" else (*own, *BEAT)), *COMMON) for kind, (_, own) in CALLS.items()}
_TRUE_TIMES = {
    kind: tuple(field for field in table if field.theirs != "stm") for kind, table in _TABLES.items()
}


def _event(item: Any, request: Request, anonymous: bool) -> dict[str, Any]:
    """Return one event; without a name, which the door refuses, where none can be told."""
    if not isinstance(item, Mapping):
        return {"properties": {"item": item}}
    pairs = dict(item)
    if anonymous:
        for name in ("ip", "nuid", "tnuid"):
            pairs.pop(name, None)
    kind = pairs.get("e")
    if not isinstance(kind, str) or kind not in CALLS:
        return {"properties": pairs}
    identity = _identity(pairs)
    told, entities = _unpacked(pairs)
    # The true time is no reading of the device's clock: what that clock is wrong by must not shift it.
    event = mapped(pairs, (_TRUE_TIMES if pairs.get("ttm") else _TABLES)[kind])
    _name(event, kind, told)
    if identity:
        event.setdefault("event_id", identity)
    if page := request.headers.get("referer"):
        event.setdefault("url", page)
    if anonymous and (agent := request.headers.get("user-agent")):
        event.setdefault("user_agent", agent)
    return _filled(event, kind, told, entities)


def _name(event: dict[str, Any], kind: str, told: Described | None) -> None:
    name = CALLS[kind][0]
    if kind == "ue" and told is not None:
        name = told.name
        if told.key == ECOMMERCE and isinstance(told.data, Mapping):
            name = text(told.data.get("type")) or name
    if name is not None:
        event["event"] = name


def _unpacked(pairs: dict[str, Any]) -> tuple[Described | None, list[Described]]:
    """Take the self-describing values out of the pairs; what can't be read stays there as it came."""
    told = _taken(pairs, "ue_px", "ue_pr", described)
    entities = _taken(pairs, "cx", "co", _entities)
    return told, entities or []


def _taken(pairs: dict[str, Any], encoded: str, plain: str, read: Any) -> Any:
    for name in (encoded, plain):
        envelope = decoded(pairs.get(name), encoded=name == encoded)
        found = read(envelope.get("data")) if isinstance(envelope, Mapping) else None
        if found is not None:
            del pairs[name]
            return found
    return None


def _entities(values: Any) -> list[Described] | None:
    if not isinstance(values, list):
        return None
    found = [described(value) for value in values]
    return None if None in found else [each for each in found if each is not None]


def _filled(
    event: dict[str, Any], kind: str, told: Described | None, entities: list[Described]
) -> dict[str, Any]:
    """Add what the self-describing values tell: columns, items, and each whole under its vendor/name."""
    properties = event.pop("properties", {})
    if kind == "ti":
        _put(properties, "items", [{name: properties.pop(name) for name in _IN_ITEM if name in properties}])
    for ours, value in columns_of(told, entities).items():
        name = ours.removeprefix("properties.")
        (event if name == ours else properties).setdefault(name, value)
    if items := items_of(told, entities):
        _put(properties, "items", items)
        if (total := amount(str(event.get("event")), items)) is not None:
            event.setdefault("value", total)
        if currency := next((item["currency"] for item in items if "currency" in item), None):
            event.setdefault("currency", currency)
    several: dict[str, list[Any]] = {}
    for each in ([told] if told else []) + entities:
        several.setdefault(each.key, []).append(each.data)
    for key, values in several.items():
        _put(properties, key, values[0] if len(values) == 1 else values)
    if several:
        _put(properties, "schemas", [each.uri for each in ([told] if told else []) + entities])
    return event | {"properties": properties} if properties else event


def _put(properties: dict[str, Any], name: str, value: Any) -> None:
    """Set a property of ours; a pair that the sender gave that name is kept as ``top_level.NAME``."""
    if name in properties:
        properties[f"top_level.{name}"] = properties[name]
    properties[name] = value


def _identity(pairs: Mapping[str, Any]) -> str | None:
    """Return the id of an event that brings none: of its bytes but for the sending, if it has a time.

    Without a client's time two visitors' hits of a page can't be told from one that was sent twice.
    """
    if text(pairs.get("eid")) or not (text(pairs.get("dtm")) or text(pairs.get("ttm"))):
        return None
    kept = narrowed({name: pairs[name] for name in sorted(pairs) if name != "stm"})
    return derived_id(msgspec.json.encode(kept))


def _heard(items: list[Any], request: Request) -> Heard:
    """Read the events; a request speaks for the app of its first event.

    An event of another app names it, unless a key beside the events already says whose they are:
    with no apps configured it goes there, else the door refuses it and says why.
    """
    anonymous = request.headers.get("sp-anonymous") is not None
    apps = [text(item.get("aid")) if isinstance(item, Mapping) else None for item in items]
    first = next((app for app in apps if app), None)
    events = [_event(item, request, anonymous) for item in items]
    if not _has_key(request):
        events = [
            event | {"app_id": app} if app and app != first else event
            for app, event in zip(apps, events, strict=True)
        ]
    return Heard(events, key=first, app=first, unseen=anonymous)


def _has_key(request: Request) -> bool:
    headers = request.headers
    return bool(
        headers.get("x-write-key")
        or key_in_header(headers.get("authorization"))
        or request.query.get("write_key")
    )


def _read(request: Request) -> Heard:
    if request.method != "POST" or not request.body.strip():
        if request.method == "POST" and not request.query:
            raise Unheard("the body is empty; send a payload_data with an array of events")
        return _heard([dict(request.query)], request)
    body = json_object(request.body)
    data = body.get("data")
    items = data if isinstance(data, list) else []
    key = next((text(item.get("aid")) for item in items if isinstance(item, Mapping)), None)
    if not isinstance(schema := body.get("schema"), str) or not _PAYLOAD.fullmatch(schema):
        raise Unheard("the schema is not iglu:com.snowplowanalytics.snowplow/payload_data, 1-0-*", key=key)
    if not items:
        raise Unheard("data is missing or empty; send an array of events", key=key)
    return _heard([_overridden(item, request.query) for item in items], request)


def _overridden(item: Any, query: Mapping[str, str]) -> Any:
    return {**item, **query} if query and isinstance(item, Mapping) else item


def _taken_in(request: Request, _heard: Heard, _told: Told) -> Reply:
    return Reply(200, b"ok", PLAIN) if request.method == "POST" else pixel_reply()


def _refused(_request: Request, refusal: Refusal) -> Reply:
    """Say it so that clients give up on what can't be taken: sent for ever, it would block the rest."""
    status = refusal.status if refusal.again or refusal.status in FINAL else 400
    return Reply(status, refusal.why.encode(), (*PLAIN, *refusal.again))


def _example(event_id: str, key: str, now: int) -> Example:
    pairs = {
        "e": "se",
        "se_ca": "footfall",
        "se_ac": "test_event",
        "p": "web",
        "tv": "footfall-connect",
        "aid": key,
        "eid": event_id,
        "duid": "footfall-connect",
        "dtm": str(now // 1_000),
        "stm": str(now // 1_000),
    }
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    return Example("POST", TP2, msgspec.json.encode({"schema": schema, "data": [pairs]}), JSON)


SNOWPLOW = Tracker(
    name="snowplow",
    title="Snowplow",
    about="Snowplow's tracker protocol 2, as every Snowplow tracker speaks it, by POST and by GET.",
    endpoints=(
        Endpoint(("POST", "GET", "HEAD"), TP2, _read, _taken_in),
        Endpoint(("GET", "HEAD"), "/i", _read, _taken_in),
        Endpoint(("GET", "HEAD"), "/ice.png", _read, _taken_in),
    ),
    fields={
        "every event": COMMON,
        "page ping (pp)": PING,
        "structured event (se)": STRUCTURED,
        "transaction (tr)": TRANSACTION,
        "transaction item (ti)": TRANSACTION_ITEM,
        "self-describing events and contexts (ue, cx, co), by schema": tuple(
            row._replace(theirs=f"{key}.{row.theirs}") for key, rows in COLUMNS.items() for row in rows
        ),
        "their products, as entries of properties.items": ITEM,
    },
    snippets=(
        Snippet(
            "snowplow-tracker",
            "python",
            "from snowplow_tracker import Emitter, PageView, Tracker\n\n"
            'tracker = Tracker("site", Emitter("{collector}"), app_id="{key}")\n'
            'tracker.track(PageView("https://shop.example/", "Home"))\ntracker.flush()',
        ),
        Snippet(
            "@snowplow/node-tracker",
            "javascript",
            'import { newTracker, buildPageView } from "@snowplow/node-tracker";\n\n'
            'const site = { namespace: "site", appId: "{key}" };\n'
            'const tracker = newTracker(site, { endpoint: "{collector}" });\n'
            'tracker.track(buildPageView({ pageUrl: "https://shop.example/", pageTitle: "Home" }));\n'
            "await tracker.flush();",
        ),
        Snippet(
            "@snowplow/browser-tracker",
            "javascript",
            'import { newTracker, trackPageView } from "@snowplow/browser-tracker";\n\n'
            'newTracker("site", "{collector}", { appId: "{key}" });\ntrackPageView();',
        ),
    ),
    key_is="the app id (`aid`)",
    source="https://docs.snowplow.io/docs/sources/snowplow-tracker-protocol/",
    notes=(
        "A self-describing event has its schema's name, a structured event its action. The data of "
        "events and contexts stands whole in `properties` under its schema's `vendor/name` (an array where "
        "one event has several of it), and `properties.schemas` has the schemas with their versions; a "
        "context that can't be read stays as it came. With SP-Anonymous neither the sender's address nor a "
        "network user id is used; the user agent is, as in Snowplow. No cookie is ever set, so there is no "
        "network user id of ours. There is no redirect (`/r/tp2`): it would lead anyone anywhere. An event "
        "without `eid` is known by its bytes where it has `dtm` or `ttm`: two that are equal in all but "
        "`stm` are one; without a time each request counts."
    ),
    refuse=_refused,
    example=_example,
)
