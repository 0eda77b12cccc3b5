"""One event's bytes in, one outcome out: coerced, judged, its address cut, scrubbed, written again."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from footfall.core.event import Event, Rejected
from footfall.core.reasons import reason
from footfall.core.scrub import ScrubPlan, cut_address, scrub_tree, suspect_body
from footfall.core.scrub.fields import scrub_field, scrub_fields
from footfall.core.scrub.loose import LONGEST_BODY, scrub_loose
from footfall.core.validate import FIELDS, MAX_DEPTH, coerce, narrowed, too_deep

__all__ = ["Settled", "settle"]

_read_event = msgspec.json.Decoder(Event).decode
_read_any = msgspec.json.Decoder().decode
_write = msgspec.json.Encoder().encode
_LIMITS = {name: field.limit or LONGEST_BODY for name, field in FIELDS.items()}


class Settled(NamedTuple):
    """An accepted event as the log's JSON, or the rejected one; with what the records need of it."""

    outcome: bytes | Rejected
    app_id: str | None
    event_id: str | None = None


def _clean(piece: bytes, fixed_app: str | None) -> Settled | None:
    """Return a valid event without personal data, or None; escaped text is judged unescaped."""
    escaped = suspect_body(piece)
    try:
        event = _read_event(piece)
        # Written again, for a key that stands twice may hide something in the bytes as they are.
        if escaped and (b"\\u" not in piece or suspect_body(piece := _write(event))):
            return None
    except (msgspec.DecodeError, RecursionError):
        return None
    if too_deep(event.properties, MAX_DEPTH - 1) or too_deep(event.user, MAX_DEPTH - 1):
        return None
    if fixed_app is not None and event.app_id not in (None, fixed_app):
        return None
    return Settled(piece, fixed_app or event.app_id, event.event_id)


def _unreadable(piece: bytes, code: str, index: int, app: str | None, plan: ScrubPlan) -> Settled:
    why = reason(code, limit=MAX_DEPTH)
    return Settled(Rejected(reasons=[why], body=scrub_loose(piece, plan), index=index), app)


def _rejected_body(item: Any, plan: ScrubPlan) -> str:
    item = narrowed(item)
    if isinstance(item, dict):
        item = {
            name: scrub_field(value, name, plan) for name, value in item.items() if name in FIELDS
        } | scrub_tree({name: value for name, value in item.items() if name not in FIELDS}, plan)
    else:
        item = scrub_tree(item, plan)
    return _write(item)[:LONGEST_BODY].decode("utf-8", "ignore")


def _placed(
    fields: dict[str, Any],
    country_of: Callable[[str], str | None] | None,
    visitor_of: Callable[[str, str | None], str] | None,
) -> dict[str, Any]:
    """Take from the event's own address what may be kept, and cut it."""
    address = fields.get("ip")
    if address is None:
        return fields
    fields = fields | {"ip": cut_address(address)}
    if "country" not in fields and country_of is not None and (country := country_of(address)):
        fields["country"] = country
    if visitor_of is not None and not fields.keys() & {"user_id", "anonymous_id"}:
        fields["anonymous_id"] = visitor_of(address, fields.get("user_agent"))
    return fields


def settle(
    piece: bytes,
    *,
    index: int,
    halved: bool,
    fixed_app: str | None,
    plan: ScrubPlan,
    country_of: Callable[[str], str | None] | None,
    visitor_of: Callable[[str, str | None], str] | None,
) -> Settled:
    """Return what one event becomes; ``halved`` says that half a UTF-16 pair was replaced in it.

    An event that is clean and valid keeps its bytes.
    """
    if not halved and (clean := _clean(piece, fixed_app)):
        return clean
    suspect = halved or suspect_body(piece)
    try:
        item = _read_any(piece)
    except msgspec.ValidationError:
        return _unreadable(piece, "number_range", index, fixed_app, plan)
    except RecursionError:
        return _unreadable(piece, "too_deep", index, fixed_app, plan)
    if too_deep(item):
        return _unreadable(piece, "too_deep", index, fixed_app, plan)
    fields, reasons = coerce(item, lambda value, name: scrub_field(value, name, plan))
    app = fields.get("app_id")
    if fixed_app is not None:
        if app is not None and app != fixed_app:
            shown = scrub_field(app, "app_id", plan)
            reasons.append(reason("other_app", value=repr(shown), app=repr(fixed_app)))
        fields.pop("app_id", None)
    if halved:
        reasons.append(reason("lone_surrogate"))
    fields = _placed(fields, country_of, visitor_of)
    if suspect or reasons:
        fields = scrub_fields(fields, _LIMITS, plan)
    app, event_id = fixed_app or fields.get("app_id"), fields.get("event_id")
    if reasons:
        body = _rejected_body(item, plan)
        return Settled(Rejected(reasons=reasons, body=body, index=index, event_id=event_id), app)
    return Settled(_write(Event(**fields)), app, event_id)
