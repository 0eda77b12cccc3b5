"""What other systems call our fields: rows of a table or JSON objects become events of the contract.

The table below is the documentation; which rows are valid is for ``validate`` to say.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from footfall.core.reference import country_code
from footfall.core.validate import FIELDS

__all__ = ["FIELD_NAMES", "event_of", "field_of"]

# For each field the names it is known by, the strongest first. Case, spaces and punctuation do not
# count (Element Clicked, elementClicked). "user.age" is an entry of the object user.
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "event": ("event", "action", "event_type", "event_name", "name"),
    "event_id": ("event_id", "message_id", "event_uuid"),
    "app_id": ("app_id",),
    "user_id": ("user_id", "uid", "customer_id", "user"),
    "anonymous_id": ("anonymous_id", "device_id", "client_id", "visitor_id"),
    "session_id": ("session_id", "session"),
    "created_at": ("created_at", "timestamp", "event_time", "datetime", "time", "ts", "date"),
    "sent_at": ("sent_at",),
    "url": ("url", "page_url", "page_location", "page"),
    "referrer": ("referrer", "referer", "page_referrer"),
    "title": ("title", "page_title"),
    "screen": ("screen", "screen_resolution"),
    "language": ("language", "locale"),
    "time_spent": ("time_spent", "duration_seconds", "dwell_time"),
    "element": ("element", "element_clicked", "clicked_element", "element_id"),
    "value": ("value", "amount", "revenue"),
    "currency": ("currency",),
    "timezone": ("timezone", "time_zone"),
    "country": ("country", "country_code", "country_id", "country_name", "location_id", "location"),
    "user_agent": ("user_agent", "useragent"),
    "properties": ("properties",),
    "user.age": ("age",),
}

# What happened when no field says so, by the field that tells.
WITHOUT_NAME = (("element", "click"), ("url", "page_view"))

_PUNCTUATION = re.compile(r"[\W_]+")
_LOCAL_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:[.,]\d+)?)?)? ?(Z|[+-]\d\d:?\d\d)?", re.I
)
_TIMES = frozenset({"created_at", "sent_at"})
_NUMBERS = frozenset({"time_spent", "value", "user.age"})
_SHAPED = frozenset({"country", "event", "properties", "user_id"}) | _TIMES


def _folded(name: str) -> str:
    return _PUNCTUATION.sub("", name).lower()


_FIELDS = {
    _folded(name): (field, rank)
    for field, names in reversed(FIELD_NAMES.items())
    for rank, name in enumerate(names)
}


@lru_cache(maxsize=4_096)
def field_of(name: str) -> tuple[str, int] | None:
    """Return the field that a name stands for and the name's rank in it (its own first); else None."""
    known = _FIELDS.get(_folded(name))
    return (known[0], -1) if known and known[0] == name else known


def event_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row under the contract's names; nulls are left out.

    Of several names for a field the strongest is taken; the others and unknown names go into the
    properties, as ``validate`` would put them. Countries are looked up (``location_id`` 516 is NA,
    Namibia) and stay under their own name when they are none. Times without a zone are UTC.
    """
    event: dict[str, Any] = {}
    others: dict[str, Any] = {}
    ranks: dict[str, tuple[int, str]] = {}
    person: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        known = field_of(name)
        shaped = _shaped(known[0], value) if known else None
        if known is None or shaped is None:
            (event if name in FIELDS else others).setdefault(name, value)
            continue
        field, rank = known
        if field == "user.age":
            person["age"] = shaped
            continue
        if field in ranks and rank >= ranks[field][0]:
            (event if name in FIELDS else others).setdefault(_aside(name), shaped)
            continue
        if field in ranks:
            weaker = ranks[field][1]
            (event if weaker in FIELDS else others).setdefault(_aside(weaker), event[field])
        ranks[field] = (rank, name)
        event[field] = shaped
    if person:
        told = event.get("user")
        event["user"] = person | told if isinstance(told, dict) else person
    if "event" not in event:
        told = next((name for field, name in WITHOUT_NAME if field in event), None)
        if told:
            event["event"] = told
    if others:
        _put_aside(event, others)
    return event


def _put_aside(event: dict[str, Any], others: dict[str, Any]) -> None:
    """Add what has no field of its own to the properties, beside what is there by the same name."""
    properties = event.get("properties", {})
    if not isinstance(properties, dict):
        event.update(others)  # validate says what is wrong with them
        return
    merged = dict(properties)
    for name, value in others.items():
        if merged.get(name, value) == value:
            merged[name] = value
        else:
            merged[f"top_level.{name}"] = value
    event["properties"] = merged


def _aside(name: str) -> str:
    """Return the name under which a weaker field is kept; ``user`` is the contract's object."""
    return "user_name" if name == "user" else name


def _shaped(field: str, value: Any) -> Any:
    """Return the value as the field wants it; None when it belongs elsewhere."""
    if field not in _SHAPED:
        return str(value) if type(value) is int and field not in _NUMBERS else value
    if field == "country":
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return None
        return country_code(str(value))
    if field == "properties" or (field == "user_id" and isinstance(value, dict)):
        return value if field == "properties" and isinstance(value, dict) else None
    if field == "event" and isinstance(value, (int, float)):
        return str(value)
    if field in _TIMES and isinstance(value, str):
        return _with_zone(value)
    return str(value) if type(value) is int and field == "user_id" else value


@lru_cache(maxsize=16_384)
def _with_zone(text: str) -> str:
    """Write ``2022-09-11 23:00:00`` as RFC 3339 in UTC; leave what already is, and anything else."""
    match = _LOCAL_TIME.fullmatch(text.strip())
    if match is None:
        return text
    day, minute, second, zone = match.groups()
    zone = (zone or "Z").upper()
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{minute or '00:00'}{(second or ':00').replace(',', '.')}{zone}"
