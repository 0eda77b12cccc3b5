"""The access-log formats, one row each, and how a file that is something else is recognised."""

import re
from typing import NamedTuple

from footfall.core.accesslog.combined import COMBINED, COMMON
from footfall.core.accesslog.fields import LogFormat

__all__ = ["LOG_FORMATS", "guess_format"]

LOG_FORMATS: dict[str, LogFormat] = {row.name: row for row in (COMBINED, COMMON)}


class Look(NamedTuple):
    """How a line of some format begins; ``ours`` when it can be imported under ``name``."""

    name: str
    pattern: re.Pattern[str]
    ours: bool


_LOOKS = (
    Look("ndjson", re.compile(r"\s*\{"), True),
    Look("a JSON array", re.compile(r"\s*\["), False),
    Look("Squid's native log", re.compile(r"\d{9,10}\.\d{3} +\d+ \S+ [A-Z_]+/\d{3} "), False),
    Look("a W3C extended log (IIS, CloudFront)", re.compile(r"#(?:Software|Version|Fields|Date):"), False),
    Look("an S3 server access log", re.compile(r"(?:[0-9a-f]{64}|-) \S+ \[[^\]]+\] \S+ "), False),
    Look(
        "a load balancer's log",
        re.compile(r"(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z \S+ "),
        False,
    ),
    Look("combined", re.compile(r'\S+ \S+ .*?\[[^\]]+\] "[^"]*" (?:\d{3}|-) (?:\d+|-) "'), True),
    Look("common", re.compile(r'\S+ \S+ .*?\[[^\]]+\] "[^"]*" (?:\d{3}|-) (?:\d+|-)\s*$'), True),
    Look("syslog", re.compile(r"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "), False),
    Look("csv", re.compile(r"\ufeff?\"?\w[\w .-]*\"?(?:[,;\t|]\"?\w[\w .-]*\"?)+\s*$"), True),
)


def guess_format(lines: list[str]) -> Look | None:
    """Return the look that most of the lines have; None when most have none that we know."""
    counts = dict.fromkeys(range(len(_LOOKS)), 0)
    for line in lines:
        for place, look in enumerate(_LOOKS):
            if look.pattern.match(line):
                counts[place] += 1
                break
    best = max(counts, key=lambda place: counts[place])
    return _LOOKS[best] if lines and counts[best] * 2 > len(lines) else None
