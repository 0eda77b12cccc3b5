"""Scrubs one string: every rule on it as it is and as it reads when percent-decoded.

Findings in decoded text are replaced where their bytes stand, so the rest stays as it was sent.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from footfall.core.scrub.finders import Span
from footfall.core.scrub.plan import ScrubPlan
from footfall.core.scrub.rules import RULES, Rule
from footfall.core.scrub.suspects import LEVELS, suspect_rules
from footfall.core.scrub.traces import Kind, hashed

__all__ = ["replacement", "scrub_text", "scrub_values"]

SHORTEST = 5  # "pw=ab"; nothing shorter is personal data by any rule
TURNS = 200

_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_NETLOC = re.compile(r"://[^\s/?#\"'<>\\]*")


class _View(NamedTuple):
    """A reading of a string; ``edges[i]`` is where character i begins in the string itself."""

    text: str
    edges: Sequence[int]


def _decoded(view: _View) -> _View | None:
    parts: list[str] = []
    edges: list[int] = []
    position = 0
    for match in _ENCODED.finditer(view.text):
        parts.append(view.text[position : match.start()])
        edges.extend(view.edges[position : match.start()])
        chars = bytes.fromhex(match.group().replace("%", "")).decode("utf-8", "surrogateescape")
        at = match.start()
        for char in chars:
            edges.append(view.edges[at])
            at += 3 * len(char.encode("utf-8", "surrogateescape"))
        parts.append(chars)
        position = match.end()
    if not parts:
        return None
    parts.append(view.text[position:])
    edges.extend(view.edges[position:])
    return _View("".join(parts), edges)


def _views(text: str) -> Iterator[_View]:
    view: _View | None = _View(text, range(len(text) + 1))
    for _ in range(LEVELS + 1):
        if view is None:
            return
        yield view
        view = _decoded(view) if "%" in view.text else None


def replacement(rule: Rule, found: str, kind: Kind, plan: ScrubPlan) -> str:
    """Return what a finding becomes under the plan."""
    match plan.action(rule.name, kind):
        case "mask":
            return rule.mask(found) if rule.mask else f"[{rule.name}]"
        case "hash":
            return hashed(rule.name, rule.canonical(found), plan.key)
        case "drop":
            return ""
        case _:
            return found


def _merged(spans: Iterator[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _replaced(view: _View, whole: str, rule: Rule, kind: Kind, plan: ScrubPlan) -> str:
    pieces: list[str] = []
    position = 0
    # Brackets in a host would make the address unreadable to parsers.
    hosts = [match.span() for match in _NETLOC.finditer(view.text)] if "://" in view.text else []
    for start, end in _merged(rule.find(view.text, kind)):
        text = replacement(rule, view.text[start:end], kind, plan)
        if any(low < end and start < high for low, high in hosts):
            text = text.strip("[]")
        pieces += whole[position : view.edges[start]], text
        position = view.edges[end]
    return "".join(pieces) + whole[position:] if pieces else whole


def _once(text: str, kind: Kind, plan: ScrubPlan) -> str:
    for view in _views(text):
        for index in suspect_rules(view.text):
            rule = RULES[index]
            if plan.action(rule.name, kind) == "keep":
                continue
            scrubbed = _replaced(view, text, rule, kind, plan)
            if scrubbed != text:
                return scrubbed
    return text


def scrub_text(text: str, kind: Kind, plan: ScrubPlan) -> str:
    """Return the string without what the rules find; the same object when they find nothing.

    Scrubbing twice gives what scrubbing once gives. Not seen: base64, images, HTML entities, host
    names made of addresses.
    """
    if len(text) < SHORTEST or ("%" not in text and not suspect_rules(text)):
        return text
    for _ in range(TURNS):
        scrubbed = _once(text, kind, plan)
        if scrubbed == text:
            return text
        text = scrubbed
    return "[scrubbed]"


def scrub_values(values: Sequence[str | None], kind: Kind, plan: ScrubPlan) -> list[str | None]:
    """Scrub distinct values of a column; None stays None."""
    return [None if value is None else scrub_text(value, kind, plan) for value in values]
