"""The action's name in one spelling, so that ``Page View`` and ``pageview`` are counted together."""

import re
from functools import lru_cache

__all__ = ["action_name"]

# What trackers call the same thing: GA4, Segment (pages and screens), PostHog, Plausible, Snowplow.
ALIASES = {
    "page": "page_view",
    "pageview": "page_view",
    "page_viewed": "page_view",
    "viewed_page": "page_view",
    "view_page": "page_view",
    "screen": "screen_view",
    "screenview": "screen_view",
    "screen_viewed": "screen_view",
    "viewed_screen": "screen_view",
    "pageleave": "page_leave",
    "pageping": "page_ping",
}
BORDER = re.compile(r"(?<=[^\W_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
BETWEEN = re.compile(r"[\W_]+")


@lru_cache(maxsize=8_192)
def action_name(word: str) -> str:
    """Return the name in lower snake case, well-known aliases made one.

    Letters of any script are kept; a name without any letter or digit stays as it is. Applying it
    again changes nothing.
    """
    name = BETWEEN.sub("_", BORDER.sub("_", word).lower()).strip("_")
    return ALIASES.get(name, name) or word
