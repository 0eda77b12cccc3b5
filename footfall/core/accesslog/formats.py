"""The access-log formats, one row each, and how a file that is something else is recognised."""

import re
from typing import NamedTuple

from footfall.core.accesslog.alb import ALB
from footfall.core.accesslog.cloudfront import CLOUDFRONT
from footfall.core.accesslog.combined import COMBINED, COMMON
from footfall.core.accesslog.fields import LogFormat
from footfall.core.accesslog.jsonlines import CADDY, NGINX, TRAEFIK
from footfall.core.accesslog.s3 import S3
from footfall.core.accesslog.w3c import W3C

__all__ = ["LOG_FORMATS", "Look", "guess_format"]

LOG_FORMATS: dict[str, LogFormat] = {
    row.name: row for row in (S3, CLOUDFRONT, ALB, COMBINED, COMMON, W3C, CADDY, NGINX, TRAEFIK)
}


class Look(NamedTuple):
    """How a line of some format begins; ``ours`` when it can be imported under ``name``."""

    name: str
    pattern: re.Pattern[str]
    ours: bool


# The first that fits counts, so the particular stand before the general.
_LOOKS = (
    Look("cloudfront", re.compile(r'#Fields:.*\bx-edge-|\s*\{.*"x[-_]edge[-_](?:location|request)'), True),
    Look("caddy", re.compile(r'\s*\{(?=.*"request"\s*:\s*\{)(?=.*"status"\s*:)(?=.*"ts"\s*:)'), True),
    Look("traefik", re.compile(r'\s*\{(?=.*"(?:Downstream|Origin)Status"\s*:)'), True),
    Look(
        "nginx",
        re.compile(
            r'\s*\{(?!.*"event"\s*:)(?=.*"status"\s*:)'
            r'(?=.*"(?:remote_addr|request_uri|body_bytes_sent|http_user_agent|request_method|time_local)"\s*:)'
        ),
        True,
    ),
    Look("ndjson", re.compile(r"\s*\{"), True),
    Look("a JSON array", re.compile(r"\s*\["), False),
    Look("Squid's native log", re.compile(r"\d{9,10}\.\d{3} +\d+ \S+ [A-Z_]+/\d{3} "), False),
    Look("w3c", re.compile(r"#(?:Software|Version|Fields|Date):"), True),
    Look("s3", re.compile(r"(?:[0-9a-f]{64}|-) \S+ \[[^\]]+\] \S+ "), True),
    Look("alb", re.compile(r"(?:https?|h2|grpcs|wss?) \d{4}-\d\d-\d\dT[\d:.]+Z \S+ "), True),
    Look("combined", re.compile(r'\S+ \S+ .*?\[[^\]]+\] "[^"]*" (?:\d{3}|-) (?:\d+|-) "'), True),
    Look("common", re.compile(r'\S+ \S+ .*?\[[^\]]+\] "[^"]*" (?:\d{3}|-) (?:\d+|-)\s*$'), True),
    Look("syslog", re.compile(r"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "), False),
    Look("csv", re.compile(r"\ufeff?\"?\w[\w .-]*\"?(?:[,;\t|]\"?\w[\w .-]*\"?)+\s*$"), True),
)
# CloudFront and IIS name their format once, above lines that have no look of their own.
_DIRECTIVE = re.compile(r"\ufeff?#(?:Software|Version|Fields|Date|Start-Date|End-Date|Remark):")


def guess_format(lines: list[str]) -> Look | None:
    """Return the look that most of the lines have; None when most have none that we know."""
    directives = [line for line in lines if _DIRECTIVE.match(line)]
    if directives and _DIRECTIVE.match(lines[0]):
        named = next(
            (line for line in directives if line.lstrip("\ufeff").startswith("#Fields:")), "#Fields:"
        )
        lines = [named.lstrip("\ufeff")]
    counts = dict.fromkeys(range(len(_LOOKS)), 0)
    for line in lines:
        for place, look in enumerate(_LOOKS):
            if look.pattern.match(line.removeprefix("\ufeff")):
                counts[place] += 1
                break
    best = max(counts, key=lambda place: counts[place])
    return _LOOKS[best] if lines and counts[best] * 2 > len(lines) else None
