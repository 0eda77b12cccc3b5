"""What Google's validation server says against a Measurement Protocol body: limits and reserved names.

https://developers.google.com/analytics/devguides/collection/protocol/ga4/validating-events and
.../reference#reserved_names, .../sending-events#limitations.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Finding", "findings"]

LARGEST_BODY = 130_000
MOST_EVENTS = 25
MOST_PARAMETERS = 25
MOST_USER_PROPERTIES = 25
LONGEST_NAME = 40
LONGEST_USER_NAME = 24
LONGEST_USER_VALUE = 36
LONGEST_VALUE = 100
LONGEST_VALUES = {"page_location": 1_000, "page_referrer": 420, "page_title": 300}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PREFIXES = ("_", "firebase_", "ga_", "google_", "gtag.")
EVENTS = frozenset({
    "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure",
    "app_clear_data", "app_exception", "app_install", "app_remove", "app_store_refund", "app_update",
    "app_upgrade", "dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open",
    "error", "firebase_campaign", "firebase_in_app_message_action", "firebase_in_app_message_dismiss",
    "firebase_in_app_message_impression", "first_open", "first_visit", "notification_dismiss",
    "notification_foreground", "notification_open", "notification_receive", "notification_send",
    "os_update", "session_start", "user_engagement",
})  # fmt: skip
PARAMETERS = frozenset({"firebase_conversion"})
USER_PROPERTIES = frozenset({
    "first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id",
    "first_open_after_install",
})  # fmt: skip


class Finding(NamedTuple):
    """One message of the validation server; ``code`` is one of Google's validation codes."""

    path: str
    description: str
    code: str


def _ids(body: Mapping[str, Any]) -> list[Finding]:
    for name in ("client_id", "app_instance_id"):
        if name in body:
            if isinstance(body[name], str) and body[name]:
                return []
            return [Finding(name, f"{name} must be a text that is not empty.", "VALUE_INVALID")]
    return [Finding("client_id", "Measurement requires a client_id.", "VALUE_REQUIRED")]


def _named(name: Any, path: str, what: str, longest: int) -> list[Finding]:
    """Return what is wrong with a name's form; ``what`` says whose it is."""
    if not isinstance(name, str) or not name:
        return [Finding(path, f"{what} requires a name.", "VALUE_REQUIRED")]
    found = []
    if not name[0].isalpha():
        why = "Names must start with an alphabetic character."
        found.append(Finding(path, f"{what} has invalid name [{name}]. {why}", "NAME_INVALID"))
    elif not NAME.fullmatch(name):
        why = "Only alphanumeric characters and underscores are allowed."
        found.append(Finding(path, f"{what} has invalid name [{name}]. {why}", "NAME_INVALID"))
    if len(name) > longest:
        why = f"The limit is {longest} characters."
        found.append(Finding(path, f"{what} has a name that is too long [{name}]. {why}", "NAME_INVALID"))
    return found


def _reserved(name: str, path: str, what: str, reserved: frozenset[str]) -> list[Finding]:
    if name not in reserved and not name.startswith(PREFIXES):
        return []
    return [Finding(path, f"{what} has name [{name}] which is reserved.", "NAME_RESERVED")]


def _too_many(count: int, most: int, path: str, what: str) -> list[Finding]:
    if count <= most:
        return []
    return [Finding(path, f"{what} has {count} entries; the limit is {most}.", "EXCEEDED_MAX_ENTITIES")]


def _too_long(value: Any, longest: int, path: str, what: str) -> list[Finding]:
    if not isinstance(value, str) or len(value) <= longest:
        return []
    why = f"{what} has a value of {len(value)} characters; the limit is {longest}."
    return [Finding(path, why, "VALUE_OUT_OF_BOUNDS")]


def _event(event: Any, place: int) -> list[Finding]:
    what = f"Event at index: [{place}]"
    if not isinstance(event, dict):
        return [Finding("events", f"{what} is no object.", "VALUE_INVALID")]
    name = event.get("name")
    found = _named(name, "events", what, LONGEST_NAME)
    if isinstance(name, str) and name in EVENTS:
        found.append(Finding("events", f"{what} has name [{name}] which is reserved.", "NAME_RESERVED"))
    parameters = event.get("params")
    if parameters is None:
        return found
    if not isinstance(parameters, dict):
        return [*found, Finding("events.params", f"{what} has params that are no object.", "VALUE_INVALID")]
    found += _too_many(len(parameters), MOST_PARAMETERS, "events.params", what)
    for key, value in parameters.items():
        path = f"events.params.{key}"
        about = f"Parameter [{key}] of event at index: [{place}]"
        found += _reserved(key, path, about, PARAMETERS) or _named(key, path, about, LONGEST_NAME)
        found += _too_long(value, LONGEST_VALUES.get(key, LONGEST_VALUE), path, about)
    return found


def _user_properties(told: Any) -> list[Finding]:
    path = "user_properties"
    if told is None:
        return []
    if not isinstance(told, dict):
        return [Finding(path, "user_properties is no object.", "VALUE_INVALID")]
    found = _too_many(len(told), MOST_USER_PROPERTIES, path, path)
    for key, each in told.items():
        about = f"User property [{key}]"
        at = f"{path}.{key}"
        found += _reserved(key, at, about, USER_PROPERTIES) or _named(key, at, about, LONGEST_USER_NAME)
        if not isinstance(each, dict) or "value" not in each:
            found.append(Finding(at, f"{about} requires a value.", "VALUE_REQUIRED"))
        else:
            found += _too_long(each["value"], LONGEST_USER_VALUE, at, about)
    return found


def findings(body: Mapping[str, Any], size: int) -> list[Finding]:
    """Return all that Google's rules have against a body of ``size`` bytes; empty when nothing."""
    found = _ids(body)
    if size > LARGEST_BODY:
        why = f"The body has {size} bytes; the limit is {LARGEST_BODY}."
        found.append(Finding("", why, "VALUE_OUT_OF_BOUNDS"))
    time = body.get("timestamp_micros")
    if time is not None and (isinstance(time, bool) or not isinstance(time, int | str)):
        found.append(Finding("timestamp_micros", "timestamp_micros must be a number.", "VALUE_INVALID"))
    found += _user_properties(body.get("user_properties"))
    events = body.get("events")
    if not isinstance(events, list) or not events:
        return [*found, Finding("events", "Measurement requires at least one event.", "VALUE_REQUIRED")]
    found += _too_many(len(events), MOST_EVENTS, "events", "events")
    for place, event in enumerate(events):
        found += _event(event, place)
    return found
