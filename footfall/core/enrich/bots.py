"""Which senders are programs, and which rule says so: labels, never filters.

The patterns of crawlers are those of the package crawler-user-agents (MIT), matched as one RE2 set.
"""

from functools import cache, lru_cache
from typing import Any, NamedTuple

import re2

__all__ = ["LOG_ORIGINS", "bot_reason", "crawler"]

# Here the user agent is that of whoever asked for the file.
LOG_ORIGINS = frozenset(
    {"s3", "cloudfront", "alb", "combined", "common", "w3c", "caddy", "nginx", "traefik"}
)
# These always have the field, so an empty one is the sender's doing.
AGENT_ORIGINS = frozenset({"s3", "cloudfront", "alb", "combined"})
# Here a browser stands behind each event, so a missing user agent is a program's.
BROWSER_ORIGINS = frozenset({"pixel"})
# The package's tags that name a kind of program. Those before "crawler" are programs that people
# also send events with, from a server or by hand.
KINDS = {"http-library": "http library", "browser-automation": "headless browser", "monitoring": "monitor"}
LIBRARY = "http library"
# Patterns of the package that real phones match too: the HTC Butterfly, and every Android 15 of one
# build. They count in access logs only, where crawlers are many and no script has run.
DOUBTFUL = {"Butterfly": "unlikely browser", r"AP3A\.240617\.008": "unlikely browser"}
LOGS_ONLY = frozenset({LIBRARY, "unlikely browser"})
# HTTP clients, SDKs and headless browsers that the package does not list, or only at the start of
# the user agent; an entry is a RE2 pattern and a kind.
OURS = (
    (r"^footfall-test-event\b", "test event"),  # the console's, to see that a tracker is connected
    (r"(?i)headless", "headless browser"),
    (r"(?i)\b(?:playwright|selenium|webdriver|cypress|electron-prerender|slimerjs)\b", "headless browser"),
    (
        r"(?i)^(?:python|java|ruby|perl|php|go|rust|dart|node|curl|libcurl|wget|undici|bun|deno)\b[/ -]?",
        LIBRARY,
    ),
    (
        r"(?i)^(?:postmanruntime|insomnia|httpie|hey|k6|apachebench|wrk|vegeta|jmeter|guzzlehttp|faraday)\b",
        LIBRARY,
    ),
    (r"(?i)^(?:analytics-(?:python|node|ruby|go|php|java)|posthog-[a-z]+|snowplow|matomo)\b", LIBRARY),
    (
        r"(?i)\b(?:okhttp|aiohttp|httpx|urllib3?|reqwest|apache-httpclient|libwww|axios|node-fetch)\b",
        LIBRARY,
    ),
)


class Pattern(NamedTuple):
    """A row of the rules: what is matched, the kind of program, and its name for people."""

    expression: str
    kind: str
    name: str


class Rules(NamedTuple):
    """The compiled set and the rows that its matches point at."""

    compiled: Any
    rows: tuple[Pattern, ...]


def _readable(expression: str) -> str:
    r"""Turn a pattern into a name: ``^Googlebot\\/`` reads Googlebot."""
    kept = expression.replace("\\", "").replace("(?i)", "").strip("^$/ ")
    return "".join(kept.split("[")[0] or kept).strip("/ (") or kept


@cache
def _rules() -> Rules:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # 0.5 MB of JSON: read when first needed

    rows = [Pattern(expression, kind, kind) for expression, kind in OURS]
    for entry in CRAWLER_USER_AGENTS_DATA:
        expression = entry["pattern"]
        kind = next((KINDS[tag] for tag in entry["tags"] if tag in KINDS), "crawler")
        rows.append(Pattern(expression, DOUBTFUL.get(expression, kind), _readable(expression)))
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    compiled = re2.Set.SearchSet(options)
    for row in rows:
        compiled.Add(row.expression)
    compiled.Compile()
    return Rules(compiled, tuple(rows))


@lru_cache(maxsize=16_384)
def crawler(user_agent: str) -> Pattern | None:
    """Return the rule that a user agent falls under, if any: real crawlers before libraries."""
    rules = _rules()
    matches = [rules.rows[number] for number in rules.compiled.Match(user_agent) or ()]
    return min(matches, key=_vagueness, default=None)


def _vagueness(row: Pattern) -> tuple[bool, bool, bool, int]:
    """Order matches, the most telling first: "Googlebot" before "headless browser" before "bot"."""
    return row.kind in LOGS_ONLY, row.kind != "crawler", row.name == row.kind, -len(row.name)


def bot_reason(user_agent: str | None, origin: str) -> str | None:
    """Say why this sender is taken for a program; None for people.

    Crawlers, monitors and headless browsers are bots wherever they come from. HTTP libraries are
    bots in access logs only: behind an event that a server or a newcomer's ``curl`` sends, the
    request's user agent is the tool's, and the person acted elsewhere. A missing user agent
    says "program" only in access logs that have the field, and for pixels, which browsers fetch.
    """
    in_logs = origin in LOG_ORIGINS
    if not user_agent or user_agent == "-":
        return "no user agent" if origin in AGENT_ORIGINS or origin in BROWSER_ORIGINS else None
    rule = crawler(user_agent)
    if rule is None or (rule.kind in LOGS_ONLY and not in_logs):
        return None
    return rule.kind if rule.name == rule.kind else f"{rule.kind}: {rule.name}"
