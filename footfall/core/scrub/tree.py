"""Scrubs JSON values at any depth: strings, numbers and keys, each by the name that it stands under."""

from typing import Any

from footfall.core.scrub.finders import rule_by_name
from footfall.core.scrub.names import meaning_of
from footfall.core.scrub.plan import ScrubPlan
from footfall.core.scrub.rules import RULES
from footfall.core.scrub.text import replacement, scrub_text
from footfall.core.scrub.traces import Kind

__all__ = ["scrub_tree"]

_RULES = {rule.name: rule for rule in RULES}
_CARD_DIGITS = 13


def _kind_under(name: str) -> Kind:
    meaning = meaning_of(name)
    return meaning if meaning in ("code", "agent") else "text"


def _leaf(value: str, name: str, plan: ScrubPlan) -> str:
    if value and (rule := rule_by_name(name, value)):
        return replacement(_RULES[rule], value, "text", plan)
    if meaning_of(name) == "version" and len(value) < 40:
        # "1.2.3.4" under the name of a version is one.
        return scrub_text(f"version {value}", "text", plan).removeprefix("version ")
    return scrub_text(value, _kind_under(name), plan)


def _number(value: int | float, name: str, plan: ScrubPlan) -> Any:
    if isinstance(value, float) and not (value.is_integer() and abs(value) < 1e19):
        return value
    digits = str(int(value))
    if len(digits) < _CARD_DIGITS and meaning_of(name) not in ("secret", "phone"):
        return value
    scrubbed = _leaf(digits, name, plan)
    return value if scrubbed == digits else scrubbed


def scrub_tree(value: Any, plan: ScrubPlan, name: str = "") -> Any:
    """Return a JSON value without personal data; ``name`` is the key that it stands under.

    Lists pass their name on. Keys that become the same are told apart by a number behind them.
    The caller has bounded the depth.
    """
    if isinstance(value, str):
        return _leaf(value, name, plan)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value, name, plan)
    if isinstance(value, list):
        return [scrub_tree(item, plan, name) for item in value]
    scrubbed: dict[str, Any] = {}
    used: dict[str, int] = {}
    for key, item in value.items():
        clean = scrub_text(key, "text", plan)
        if clean != key:
            clean = _free(clean, used, scrubbed, value)
        # What lies below a secret is secret.
        scrubbed[clean] = scrub_tree(item, plan, name if meaning_of(name) == "secret" else key)
    return scrubbed


def _free(label: str, used: dict[str, int], *taken: dict[str, Any]) -> str:
    # Counting on from the last number keeps an object of thousands of such keys linear.
    free = label
    while True:
        number = used[label] = used.get(label, 0) + 1
        free = label if number == 1 else f"{label} {number}"
        if not any(free in names for names in taken):
            return free
