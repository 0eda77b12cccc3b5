"""Brings one event, as loosely as a sender may write it, into the form of ``Event``.

Says every reason why it can't. Nothing is scrubbed here.
"""

import math
import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, NamedTuple

from footfall.core.moments import FIRST_YEAR, LAST_YEAR, OutsideCalendar, moment
from footfall.core.reasons import reason

__all__ = ["FIELDS", "MAX_DEPTH", "Field", "address_of", "coerce", "kind_of", "narrowed", "too_deep"]

MAX_DEPTH = 64
LONGEST_EXCERPT = 60
SAFE_INTEGER = 2**63


class Field(NamedTuple):
    """How a field is read: ``kind`` names the reader, ``limit`` the most characters."""

    kind: str
    limit: int = 0


FIELDS: dict[str, Field] = {
    "event": Field("text", 200),
    "event_id": Field("id", 200),
    "app_id": Field("id", 200),
    "user_id": Field("id", 200),
    "anonymous_id": Field("id", 200),
    "session_id": Field("id", 200),
    "created_at": Field("time"),
    "timestamp": Field("time"),
    "sent_at": Field("time"),
    "url": Field("text", 8_192),
    "referrer": Field("text", 8_192),
    "title": Field("text", 2_000),
    "screen": Field("text", 2_000),
    "language": Field("text", 2_000),
    "time_spent": Field("seconds"),
    "element": Field("text", 2_000),
    "value": Field("number"),
    "currency": Field("text", 2_000),
    "timezone": Field("text", 2_000),
    "country": Field("text", 2_000),
    "user_agent": Field("text", 2_000),
    "ip": Field("ip", 200),
    "properties": Field("object"),
    "user": Field("object"),
}
LONGEST_SECONDS = 31_536_000


class _Fault(Exception):
    """A row of REASONS with its values, on its way up; ``value`` is still as the sender wrote it."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true or false"
    for kinds, words in (((int, float), "a number"), (str, "a string"), (list, "an array")):
        if isinstance(value, kinds):
            return words
    return "an object"


def too_deep(value: Any, limit: int = MAX_DEPTH) -> bool:
    """Return whether a JSON value nests deeper than ``limit`` levels, itself the first."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, dict | list)
        ]
    return bool(level)


def _excerpt(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool) else kind_of(value)
    return text if len(text) <= LONGEST_EXCERPT else text[: LONGEST_EXCERPT - 3] + "..."


def _wrong(name: str, value: Any, wanted: str) -> _Fault:
    return _Fault("wrong_type", field=name, kind=kind_of(value), value=value, wanted=wanted)


def _text(name: str, value: Any, limit: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(name, value, "a string")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        value = int(value)
    text = str(value)
    if len(text) > limit:
        raise _Fault("too_long", field=name, length=len(text), limit=limit)
    return text


def _id(name: str, value: Any, limit: int) -> str | None:
    # Trackers write "" for "not known".
    return _text(name, value, limit).strip() or None


def _time(name: str, value: Any, _limit: int) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(name, value, "ISO 8601 or epoch")
    if isinstance(value, str) and not value.strip():
        return None
    try:
        return moment(value)
    except OutsideCalendar:
        code = "time_range"
    except ValueError:
        code = "not_a_time"
    raise _Fault(code, field=name, value=value, first=FIRST_YEAR, last=LAST_YEAR)


def _number(name: str, value: Any, _limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong(name, value, "a JSON number")
    if isinstance(value, str) and not value.strip():
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _Fault("not_a_number", field=name, value=value)
    return number


def _seconds(name: str, value: Any, limit: int) -> float | None:
    number = _number(name, value, limit)
    if number is not None and not 0 <= number <= LONGEST_SECONDS:
        raise _Fault("out_of_range", field=name, value=value, low=0, high=f"{LONGEST_SECONDS} (a year)")
    return number


def _object(name: str, value: Any, _limit: int) -> dict[str, Any] | None:
    if value == []:  # how PHP writes an empty object
        return None
    if not isinstance(value, dict):
        raise _wrong(name, value, "an object")
    kept: dict[str, Any] = narrowed(value)
    return kept


def narrowed(value: Any) -> Any:
    """Return a JSON value whose integers beyond 64 bits are text.

    Stores take no larger ones; RFC 8259, 6, lets us limit them, and as text nothing is lost.
    """
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value < SAFE_INTEGER else str(value)
    if isinstance(value, dict):
        return {key: narrowed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [narrowed(item) for item in value]
    return value


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}").fullmatch


def address_of(text: str) -> str | None:
    """Return the first address of a header-like text without port or brackets, or None."""
    if _PLAIN_IPV4(text):
        return text  # nearly every address, and ten times as fast
    first = text.split(",")[0].strip().strip('"')
    if first.startswith("["):
        first = first[1:].partition("]")[0]
    elif first.count(":") == 1:
        first = first.partition(":")[0]
    first = first.partition("%")[0]
    try:
        if ":" not in first:
            return str(IPv4Address(first))
        address = IPv6Address(first)
    except AddressValueError:
        return None
    return str(address.ipv4_mapped or address)


def _ip(name: str, value: Any, limit: int) -> str | None:
    text = _id(name, value, limit)
    address = address_of(text) if text else None
    if text and address is None:
        raise _Fault("not_an_address", field=name, value=value)
    return address


_READERS: dict[str, Callable[[str, Any, int], Any]] = {
    "text": _text,
    "id": _id,
    "time": _time,
    "number": _number,
    "seconds": _seconds,
    "object": _object,
    "ip": _ip,
}


def _gathered(item: dict[str, Any]) -> dict[str, Any]:
    # Unknown fields go into properties, beside what the sender put there under the same name.
    unknown = {name: value for name, value in item.items() if name not in FIELDS}
    if not unknown:
        return item
    item = {name: value for name, value in item.items() if name in FIELDS}
    properties = item.get("properties")
    if properties is None or properties == []:
        properties = {}
    if not isinstance(properties, dict):
        return item
    merged = dict(properties)
    for name, value in unknown.items():
        if name not in merged:
            merged[name] = value
        elif merged[name] != value:
            merged[f"top_level.{name}"] = value
    return item | {"properties": merged}


def coerce(item: Any, shown: Callable[[Any, str], Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of an untyped event as ``Event`` takes them, and every reason against it.

    With no reasons ``Event(**fields)`` is valid, but for ``ip``, which is a full address. Numbers
    become text in text fields, numeric text numbers in number fields, times UTC datetimes. The item
    is no deeper than MAX_DEPTH. ``shown`` scrubs a value of a field, for the reason's text.
    """
    if not isinstance(item, dict):
        return {}, [reason("not_an_object", kind=kind_of(item))]
    reasons: list[str] = []
    fields: dict[str, Any] = {}
    for name, value in _gathered(item).items():
        if value is None:
            continue
        field = FIELDS[name]
        try:
            read = _READERS[field.kind](name, value, field.limit)
        except _Fault as fault:
            if "value" in fault.values:
                fault.values["value"] = _excerpt(shown(value, name))
            reasons.append(reason(fault.code, **fault.values))
            continue
        if read is not None:
            fields[name] = read
    if not fields.get("event") and isinstance(item.get("event", ""), str | None):
        reasons += [] if any(text.startswith("event ") for text in reasons) else [reason("event_missing")]
    return fields, reasons
