"""Scrubs what came as an event but is no JSON: its text, and what looks like keys and values in it."""

import re

from footfall.core.scrub.finders import rule_by_name
from footfall.core.scrub.plan import ScrubPlan
from footfall.core.scrub.rules import RULES
from footfall.core.scrub.text import replacement, scrub_text

__all__ = ["LONGEST_BODY", "scrub_loose"]

LONGEST_BODY = 65_536
# Read beyond the limit and cut again behind the scrub, so that no half finding stays at the end.
_MARGIN = 4_096

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|/)")
_PAIR = re.compile(
    r'"([^"\\]{1,64})"(\s{0,20}:\s{0,20})("(?:[^"\\]|\\.){0,4096}+"?|-?[0-9][0-9.eE+]{0,40})'
)
_RULES = {rule.name: rule for rule in RULES}


def _unescaped(match: re.Match[str]) -> str:
    code = int(match.group(1), 16) if match.group(1) else ord("/")
    # A quote or a backslash would change what is a string; half a pair has no UTF-8.
    return match.group() if code in (0x22, 0x5C) or 0xD800 <= code < 0xE000 else chr(code)


def scrub_loose(body: bytes, plan: ScrubPlan) -> str:
    """Return the bytes as scrubbed text of at most 64 KiB of UTF-8, undecodable ones replaced."""
    cut = len(body) > LONGEST_BODY + _MARGIN
    text = body[: LONGEST_BODY + _MARGIN].decode("utf-8", "replace")
    text = _ESCAPE.sub(_unescaped, text)

    def pair(match: re.Match[str]) -> str:
        value = match.group(3).strip('"')
        rule = rule_by_name(match.group(1), value) if value else None
        if rule is None or plan.action(rule, "text") == "keep":
            return match.group()
        return f'"{match.group(1)}"{match.group(2)}"{replacement(_RULES[rule], value, "text", plan)}"'

    text = scrub_text(_PAIR.sub(pair, text), "text", plan)
    if cut:
        text = text[:-_MARGIN]
    return text.encode()[:LONGEST_BODY].decode("utf-8", "ignore")
