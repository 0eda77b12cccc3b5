"""Scrubs an event's fields, each by its kind: identity, address, text, or a JSON object."""

from typing import Any

from footfall.core.scrub.numbers import cut_address
from footfall.core.scrub.plan import ScrubPlan
from footfall.core.scrub.text import scrub_text
from footfall.core.scrub.traces import Kind, hashed
from footfall.core.scrub.tree import scrub_tree

__all__ = ["IDENTITY", "scrub_field", "scrub_fields"]

IDENTITY = ("event_id", "app_id", "user_id", "anonymous_id", "session_id")
"""Fields whose findings are hashed by default, so that people stay distinct."""

_KINDS: dict[str, Kind] = {"url": "url", "referrer": "url", "user_agent": "agent"}
_KINDS |= dict.fromkeys(IDENTITY, "id")
GONE = "[scrubbed]"


def scrub_field(value: Any, name: str, plan: ScrubPlan) -> Any:
    """Return one top-level field's JSON value without personal data."""
    kind = _KINDS.get(name)
    if isinstance(value, str):
        if name == "ip":
            return scrub_text(cut_address(value), "text", plan)
        return scrub_text(value, kind or "text", plan)
    if kind == "id" and isinstance(value, int) and not isinstance(value, bool):
        text = str(value)
        scrubbed = scrub_text(text, kind, plan)
        return value if scrubbed == text else scrubbed
    return scrub_tree(value, plan, name)


def scrub_fields(fields: dict[str, Any], limits: dict[str, int], plan: ScrubPlan) -> dict[str, Any]:
    """Return coerced fields without personal data, still within their limits in characters.

    A scrubbed text may be longer than what it stands for: then it is cut, an id hashed whole.
    """
    scrubbed: dict[str, Any] = {}
    for name, value in fields.items():
        if not isinstance(value, str | dict):
            scrubbed[name] = value
            continue
        clean = scrub_field(value, name, plan)
        if isinstance(clean, str) and len(clean) > limits[name]:
            clean = hashed("id", clean, plan.key) if name in IDENTITY else clean[: limits[name]]
        if clean != "" or name not in (*IDENTITY, "event"):
            scrubbed[name] = clean
        elif name == "event":
            scrubbed[name] = GONE
    return scrubbed
