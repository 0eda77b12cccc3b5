"""Which rules could find something at all, asked of raw bytes in one pass of RE2.

The answer is a superset: a rule that isn't named finds nothing in the text.
"""

from functools import cache
from typing import Any
from urllib.parse import unquote_to_bytes

import re2

from footfall.core.scrub.rules import RULES

__all__ = ["ALL_RULES", "LEVELS", "suspect_body", "suspect_places", "suspect_rules"]

ALL_RULES = tuple(range(len(RULES)))

LEVELS = 3  # how often percent-decoding is undone; trackers encode an address once or twice

_PERCENT = r"%[0-9A-Fa-f]{2}"
# What makes raw JSON bytes differ from the text that they stand for, or a number from its digits.
_DISGUISES = (
    r"\\[^\"\\/]",  # JSON escapes, but for \" \\ and \/, which stay non-word characters
    _PERCENT,
    r"[:\[,]\s*-?[0-9]+(?:\.[0-9]+)?[eE]\+?[0-9]",  # a number with an exponent
    r"[:\[,\s]-?[0-9]{19}",  # an integer that may not fit 64 bits
    r'"(?:000[01]|9999)-[0-9]{2}-',  # times at the calendar's edges, where a time zone leads out of it
)
_MEMORY = 32 << 20


def _options() -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


def _set(patterns: tuple[str, ...]) -> Any:
    compiled = re2.Set.SearchSet(_options())
    for pattern in patterns:
        compiled.Add(pattern)
    compiled.Add("")  # always there, so its absence says that RE2 ran out of memory
    compiled.Compile()
    return compiled


_BODY_PATTERNS = tuple(rule.suspect for rule in RULES) + _DISGUISES


@cache
def _body_set() -> Any:
    return _set(_BODY_PATTERNS)


@cache
def _body_pattern(index: int) -> Any:
    return re2.compile(_BODY_PATTERNS[index].encode("latin-1"), _options())


@cache
def _text_set() -> Any:
    return _set(tuple(rule.suspect for rule in RULES))


def suspect_body(body: bytes) -> bool:
    """Return whether any rule could find anything in these JSON bytes, or they disguise their text.

    Percent-encoding is no disguise: it is undone here, as often as the rules themselves undo it.
    """
    hits = _body_set().Match(body)
    for _ in range(LEVELS):
        if hits == _CLEAN_BODY:
            return False
        if hits is None or not _ONLY_ENCODED.issuperset(hits):
            return True
        body = unquote_to_bytes(body)
        hits = _body_set().Match(body)
    return hits is None or not _ONLY_ENCODED.issuperset(hits)


def suspect_places(body: bytes) -> list[tuple[int, int]] | None:
    """Return where a suspect body is suspect, as spans of bytes in order of their start.

    Whatever any rule could find overlaps one of them. None when that can't be told in these bytes,
    because they are percent-encoded or RE2 ran out of memory.
    """
    hits = _body_set().Match(body)
    if hits is None or _PERCENT_INDEX in hits or _CLEAN_BODY[0] not in hits:
        return None
    return sorted(
        match.span()
        for index in hits
        if index != _CLEAN_BODY[0]
        for match in _body_pattern(index).finditer(body)
    )


_PERCENT_INDEX = len(RULES) + _DISGUISES.index(_PERCENT)
_CLEAN_BODY = [len(RULES) + len(_DISGUISES)]
_CLEAN_TEXT = [len(RULES)]
_ONLY_ENCODED = frozenset({_PERCENT_INDEX, *_CLEAN_BODY})


def suspect_rules(text: str) -> tuple[int, ...]:
    """Return the indices in RULES that could find something in decoded text, ascending."""
    hits = _text_set().Match(text.encode("utf-8", "replace"))
    if hits == _CLEAN_TEXT:
        return ()
    if hits is None or len(RULES) not in hits:
        return ALL_RULES
    return tuple(sorted(index for index in hits if index < len(RULES)))
