"""PostHog's events as ours: the tables of fields, and who the person of an event is.

https://posthog.com/docs/api/capture and the published clients posthog, posthog-node and posthog-js.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.core.moments import moment
from footfall.core.protocols.mapping import DROPPED, Field, address, mapped, number, text
from footfall.core.protocols.reading import derived_id
from footfall.core.validate import LONGEST_SECONDS, narrowed

__all__ = ["TABLES", "distinct_id", "event_of"]

COOKIELESS = "$posthog_cookieless"
"""What posthog-js writes for a person whom the server should tell by a daily hash."""

LONGEST_ID = 200
CHAIN = re.compile(r'(?P<tag>[\w-]+)(?:[^;"]|"(?:[^"\\]|\\.)*")*')
CHAIN_ID = re.compile(r'attr_id="((?:[^"\\]|\\.)*)"|attr__id="((?:[^"\\]|\\.)*)"')


def _referrer(value: Any) -> str | None:
    return None if value == "$direct" else text(value)


def _seconds(value: Any) -> float | int | None:
    seconds = number(value)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_SECONDS else None


COMMON = (
    Field("uuid", "event_id", text),
    Field("event", "event", text),
    Field("timestamp", "created_at"),
    Field("sent_at", "sent_at", note="also `?sent_at=`, `?_=`, `PostHog-Request-Timestamp`"),
    Field("properties.$session_id", "session_id", text),
    Field("session_id", "session_id", text, "V1"),
    Field("window_id", "properties.$window_id", text, "V1"),
    Field("properties.$current_url", "url", text),
    Field("properties.$referrer", "referrer", _referrer, "`$direct` stays in the properties"),
    Field("properties.$title", "title", text),
    Field("properties.$screen_width", "screen", text, "with `$screen_height`"),
    Field("properties.$browser_language", "language", text),
    Field("properties.$locale", "language", text, "mobile"),
    Field("properties.$timezone", "timezone", text),
    Field("properties.$raw_user_agent", "user_agent", text),
    Field("properties.$user_agent", "user_agent", text),
    Field("properties.$useragent", "user_agent", text),
    Field("properties.$ip", "ip", address, "cut to its network at the door"),
    Field("ip", "ip", address),
    Field("properties.$geoip_country_code", "country", text),
    *(
        Field(f"properties.{name}", f"properties.{name}", text)
        for name in ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    ),
    Field("$set", "user"),
    Field("properties.$set", "user"),
    Field("$set_once", "user.$set_once", note="kept apart: only a person's first counts"),
    Field("properties.$set_once", "user.$set_once"),
    Field("options.process_person_profile", "properties.$process_person_profile", note="V1"),
    Field("options.cookieless_mode", "properties.$cookieless_mode", note="V1"),
    Field("options.product_tour_id", "properties.$product_tour_id", note="V1"),
    Field("options.disable_skew_correction", DROPPED, note="V1: leaves `sent_at` out"),
    Field("offset", DROPPED, note="milliseconds ago, for `created_at` where there is no `timestamp`"),
    Field("api_key", DROPPED, note="also as `token`, `$token`, `properties.token`"),
    Field("properties", "properties"),
)
KNOWN = (Field("distinct_id", "user_id", text, "also as `$distinct_id`, `properties.distinct_id`"),)
UNKNOWN = (Field("distinct_id", "anonymous_id", text),)
IDENTIFY = (Field("properties.$anon_distinct_id", "anonymous_id", text),)
ALIAS = (
    Field("properties.alias", "user_id", text, "the id from now on"),
    Field("distinct_id", "properties.previous_id", text, "`anonymous_id` where the person is anonymous"),
)
ALIAS_UNKNOWN = (ALIAS[0], *UNKNOWN)
MERGE = (*KNOWN, Field("properties.alias", "properties.previous_id", text))
GROUP = (
    Field("properties.$group_key", "properties.group_id", text),
    Field("properties.$group_type", "properties.group_type", text),
    Field("properties.$group_set", "properties"),
)
PAGE = (Field("properties.title", "title", text),)
LEAVE = (Field("properties.$prev_pageview_duration", "time_spent", _seconds), *PAGE)
SCREEN = (Field("properties.$screen_name", "title", text),)
CLICK = (Field("properties.$el_text", "element", text, "else the id, else the tag of `$elements_chain`"),)
CUSTOM = (
    Field("properties.revenue", "value", number),
    Field("properties.$revenue", "value", number),
    Field("properties.value", "value", number),
    Field("properties.total", "value", number),
    Field("properties.currency", "currency", text, "`products` and `items` stay in the properties"),
    Field("properties.$currency", "currency", text),
)

CALLS: Mapping[str, tuple[str | None, tuple[Field, ...]]] = {
    "$pageview": ("page_view", PAGE),
    "$pageleave": ("page_leave", LEAVE),
    "$screen": ("screen_view", SCREEN),
    "$identify": ("identify", IDENTIFY),
    "$create_alias": ("alias", ALIAS),
    "$merge_dangerously": ("alias", MERGE),
    "$groupidentify": ("group", GROUP),
    "$autocapture": (None, CLICK),
    "$set": ("set_person", ()),
    "$set_once": ("set_person", ()),
    "$rageclick": ("rage_click", CLICK),
}
"""Of PostHog's own events the name that they get here, and their fields. Others lose their dollar sign."""

TOUCHES = frozenset({"click", "change", "submit", "touch"})
"""What `$autocapture` names in `$event_type` and becomes here."""

TABLES: Mapping[str, tuple[Field, ...]] = {
    "every event": COMMON,
    "a person who was identified": KNOWN,
    "an anonymous person": UNKNOWN,
    "events of your own": CUSTOM,
    **{f"`{name}`": fields for name, (_, fields) in CALLS.items() if fields},
}


def distinct_id(item: Mapping[str, Any], properties: Mapping[str, Any]) -> str | None:
    """Return who the event is of, as PostHog reads it: other JSON as text, 200 characters at most."""
    for told in (item.get("distinct_id"), item.get("$distinct_id"), properties.get("distinct_id")):
        if told is None or told == "":
            continue
        name = (
            told if isinstance(told, str) else msgspec.json.encode(narrowed(told), order="sorted").decode()
        )
        if name.strip():
            return name.strip()[:LONGEST_ID].strip()
    return None


def _false(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in ("false", "0"))


def _true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1"))


def _anonymous(person: str, properties: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the distinct id was made by the client: clients say so in one of three ways, by their age."""
    told = properties.get("$is_identified")
    if isinstance(told, bool):
        return not told
    device = properties.get("$device_id")
    if isinstance(device, str) and device:
        return device == person
    profile = properties.get("$process_person_profile", options.get("process_person_profile"))
    return _false(profile)


def _fields(call: Any, anonymous: bool) -> tuple[str | None, tuple[Field, ...]]:
    """Return the name and the rows of an event: its own before those of all."""
    person: tuple[Field, ...] = UNKNOWN if anonymous else KNOWN
    if not isinstance(call, str):
        return None, (*person, *COMMON)
    name, own = CALLS.get(call, (None, () if call.startswith("$") else CUSTOM))
    if own is ALIAS:
        person = ()
        own = ALIAS_UNKNOWN if anonymous else ALIAS
    elif own is MERGE:
        person = ()
    return name, (*own, *person, *COMMON)


def _element(properties: Mapping[str, Any]) -> str | None:
    """Return id or tag of the innermost element that was touched."""
    elements = properties.get("$elements")
    if isinstance(elements, list) and elements and isinstance(elements[0], dict):
        return text(elements[0].get("attr__id")) or text(elements[0].get("tag_name"))
    chain = properties.get("$elements_chain")
    first = CHAIN.match(chain) if isinstance(chain, str) else None
    if first is None:
        return None
    found = CHAIN_ID.search(first[0])
    return (found[1] or found[2]) if found else first["tag"]


def _made_id(item: Mapping[str, Any], index: int, sent_at: Any, secret: bytes) -> str | None:
    """Return an id by the event's bytes; None where no clock tells two equal ones apart."""
    properties = item.get("properties")
    clock = properties.get("$time") if isinstance(properties, dict) else None
    if not (item.get("timestamp") or clock or sent_at):
        return None
    return derived_id(secret, msgspec.json.encode(narrowed([item, index, sent_at])))


def _moment(told: Any) -> Any:
    """Return a time that can be read as it was told; a broken clock of the request costs no event."""
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    try:
        moment(told)
    except ValueError:
        return None
    return told


def _ago(offset: Any, received_at: int) -> int | None:
    """Return microseconds since 1970 of what happened ``offset`` milliseconds before the receipt."""
    if isinstance(offset, bool) or not isinstance(offset, int | float) or not 0 <= offset < 1e12:
        return None
    return received_at - round(offset * 1_000)


def _said(name: str, value: Any, key: str | None, person: str | None) -> bool:
    """Whether a property only repeats the key, or who the event is of."""
    return (name == "token" and value == key) or (name == "distinct_id" and text(value) == person)


def _prepared(
    item: Mapping[str, Any], properties: Mapping[str, Any], key: str | None, person: str | None
) -> dict[str, Any]:
    """Return the item with what PostHog writes in several ways written in one."""
    item = {name: value for name, value in item.items() if name not in ("token", "$token", "$distinct_id")}
    item["distinct_id"] = None if person == COOKIELESS else person
    if isinstance(item.get("properties"), dict):
        own = {name: value for name, value in properties.items() if not _said(name, value, key, person)}
        width, height = own.get("$screen_width"), own.get("$screen_height")
        if number(width) and number(height):
            own["$screen_width"] = f"{text(width)}x{text(height)}"
            del own["$screen_height"]
        item["properties"] = own
    return item


def event_of(
    item: Any,
    *,
    key: str | None,
    sent_at: Any = None,
    index: int = 0,
    received_at: int = 0,
    secret: bytes = b"",
) -> dict[str, Any]:
    """Return an event of a request as one of ours; ``sent_at`` is the request's own."""
    if not isinstance(item, dict):
        return {"properties": {"item": item}}
    told, options = item.get("properties"), item.get("options")
    properties: Mapping[str, Any] = told if isinstance(told, dict) else {}
    choices: Mapping[str, Any] = options if isinstance(options, dict) else {}
    sent_at = _moment(item.get("sent_at")) or _moment(sent_at)
    person = distinct_id(item, properties)
    known = person is None or item.get("event") == "$identify"
    anonymous = not known and _anonymous(person or "", properties, choices)
    name, fields = _fields(item.get("event"), anonymous)
    event = mapped(_prepared(item, properties, key, person), fields)
    if name is not None:
        event["event"] = name
    elif item.get("event") == "$autocapture":
        touch = properties.get("$event_type")
        event["event"] = touch if isinstance(touch, str) and touch in TOUCHES else "autocapture"
    if CLICK[0] in fields and "element" not in event and (element := _element(properties)):
        event["element"] = element
    event.setdefault("event_id", _made_id(item, index, sent_at, secret))
    if "created_at" not in event and (at := _ago(item.get("offset"), received_at)):
        event["created_at"] = at
    uncorrected = properties.get("$ignore_sent_at", choices.get("disable_skew_correction"))
    event["sent_at"] = None if _true(uncorrected) else sent_at
    return event
