"""Where a visit came from: source and medium, then GA4's default channel group.

The rules are data, in Google's order; the lists of sites are in ``core.reference``.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from footfall.core.enrich.url import Campaign
from footfall.core.reference import Source, click_ids, source_of_host, source_of_word

__all__ = ["CHANNELS", "Landing", "Traffic", "channel_of", "read_traffic"]

DIRECT, NONE, NOT_SET = "(direct)", "(none)", "(not set)"
# What an unpaid visit from a known kind of site has as its medium. "organic" and "referral" are
# GA4's; "ai-assistant" is its medium since May 2026 (support.google.com/analytics/answer/9164320).
MEDIUMS = {
    "search": "organic",
    "social": "referral",
    "video": "referral",
    "shopping": "referral",
    "ai": "ai-assistant",
    "email": "email",
}
PAID = re.compile(r".*cp.*|ppc|retargeting|paid.*")
SHOPPING = re.compile(r".*(([^a-df-z]|^)shop|shopping).*")
VIDEO = re.compile(r".*video.*")
EMAIL = frozenset({"email", "e-mail", "e_mail", "e mail"})
SOCIAL = frozenset({"social", "social-network", "social-media", "sm", "social network", "social media"})
DISPLAY = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})


class Traffic(NamedTuple):
    """The columns that say where an event's visit came from."""

    referrer_host: str | None
    channel: str
    source: str | None
    medium: str | None
    campaign: str | None
    term: str | None
    content: str | None


class Landing(NamedTuple):
    """What of the visited address matters here: many addresses share one."""

    host: str | None = None
    campaign: Campaign | None = None
    click: str | None = None


class Clues(NamedTuple):
    """What the rules look at, in lower case; ``category`` is that of the source."""

    source: str
    medium: str
    campaign: str
    category: str


Rule = tuple[str, Callable[[Clues], bool]]


def _paid(clues: Clues) -> bool:
    return PAID.fullmatch(clues.medium) is not None


def _paid_from(category: str) -> Callable[[Clues], bool]:
    return lambda clues: clues.category == category and _paid(clues)


# In the order of support.google.com/analytics/answer/9756891, "manual traffic"; the first that holds
# names the channel. AI Assistant stands before Referral, which it was cut out of in May 2026.
RULES: tuple[Rule, ...] = (
    ("Direct", lambda c: c.source == DIRECT and c.medium in (NONE, NOT_SET)),
    ("Cross-network", lambda c: "cross-network" in c.campaign),
    (
        "Paid Shopping",
        lambda c: (c.category == "shopping" or bool(SHOPPING.fullmatch(c.campaign))) and _paid(c),
    ),
    ("Paid Search", _paid_from("search")),
    ("Paid Social", _paid_from("social")),
    ("Paid Video", _paid_from("video")),
    ("Display", lambda c: c.medium in DISPLAY),
    ("Paid Other", _paid),
    ("Organic Shopping", lambda c: c.category == "shopping" or bool(SHOPPING.fullmatch(c.campaign))),
    ("Organic Social", lambda c: c.category == "social" or c.medium in SOCIAL),
    ("Organic Video", lambda c: c.category == "video" or bool(VIDEO.fullmatch(c.medium))),
    ("Organic Search", lambda c: c.category == "search" or c.medium == "organic"),
    ("Email", lambda c: c.source in EMAIL or c.medium in EMAIL),
    ("Affiliates", lambda c: c.medium in ("affiliate", "affiliates")),
    ("AI Assistant", lambda c: c.category == "ai" or c.medium == "ai-assistant"),
    ("Referral", lambda c: c.medium in ("referral", "app", "link")),
    ("Audio", lambda c: c.medium == "audio"),
    ("SMS", lambda c: "sms" in (c.source, c.medium)),
    (
        "Mobile Push Notifications",
        lambda c: (
            c.medium.endswith("push")
            or "mobile" in c.medium
            or "notification" in c.medium
            or c.source == "firebase"
        ),
    ),
)
CHANNELS = (*(name for name, _ in RULES), "Unassigned")


def channel_of(source: str | None, medium: str | None, campaign: str | None = None) -> str:
    """Return GA4's default channel group; Unassigned when no rule holds. Case does not matter."""
    known = source_of_word(source) if source else None
    nothing = not (source or medium or campaign)
    clues = Clues(
        (source or (DIRECT if nothing else NOT_SET)).strip().lower(),
        (medium or (NONE if nothing else NOT_SET)).strip().lower(),
        (campaign or "").strip().lower(),
        known.category if known else "",
    )
    return next((name for name, holds in RULES if holds(clues)), "Unassigned")


def _told(campaign: Campaign, known: Source | None, host: str | None) -> tuple[str | None, str | None]:
    """Complete what the utm parameters leave out: only a medium, say, with a referrer that is known."""
    source = campaign.source or (known.name if known else host)
    medium = campaign.medium
    if medium is None and source:
        named = source_of_word(source) if campaign.source else known
        medium = MEDIUMS.get(named.category) if named else ("referral" if not campaign.source else None)
    return source, medium


@lru_cache(maxsize=16_384)
def read_traffic(page: Landing, referrer: str | None, given: Campaign | None = None) -> Traffic:
    """Return where the visit came from; ``referrer`` is the host of the page before.

    The address's utm parameters come first, then ``given`` (from the event's properties), then its
    click id, then the referrer. A referrer of the same host is the site itself: direct. Without any
    of these source is ``(direct)`` and medium ``(none)``.
    """
    host = None if referrer == page.host else referrer
    known = source_of_host(host) if host else None
    campaign = page.campaign or given or Campaign()
    name = campaign.campaign
    if campaign.source or campaign.medium or name:
        source, medium = _told(campaign, known, host)
    elif page.click:
        _, source, medium = click_ids()[page.click]
    elif known:
        source, medium = known.name, MEDIUMS[known.category]
    elif host:
        source, medium = host, "referral"
    else:
        source, medium = DIRECT, NONE
    channel = channel_of(source, medium, name)
    return Traffic(host, channel, source, medium, name, campaign.term, campaign.content)
