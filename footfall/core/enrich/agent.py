"""What a user agent says of the browser, the operating system and the device.

Families and versions are those of uap-core, by ua-parser's Rust engine; the device class is ours.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ua_parser.core import Device, PartialResult

__all__ = ["Agent", "read_agent"]


class Agent(NamedTuple):
    """The columns of a user agent; families are ``Other`` when it names none that is known."""

    browser: str | None = None
    browser_version: str | None = None
    os: str | None = None
    os_version: str | None = None
    device: str | None = None


NOTHING = Agent()

# Proxy browsers tell the device apart from the rest of their text.
FAMILIES = {"Spider": "bot", "iPad": "tablet", "iPhone": "mobile", "iPod": "mobile"}
# Makers that say nothing of the class; any other maker's device is one that is carried.
VAGUE_BRANDS = frozenset({"Apple", "Generic", "Generic_Android", "Spider"})
CONSOLE = "console"

# The first that is found names the class. Android's rule is Google's own: a phone's browser
# says "Mobile", a tablet's does not.
CLASSES = tuple(
    (re.compile(expression, flags), name)
    for name, expression, flags in (
        (
            "tv",
            r"smart-?tv|\btv\b|hbbtv|netcast|web0s|webos\.tv|appletv|apple tv|tvos|googletv|android ?tv"
            r"|\bcrkey\b|bravia|roku|aquos|viera|netrange|nettv|philipstv|vidaa|\bdtv\b|\baft[a-z0-9]{1,4}\b"
            r"|opera tv|oipf|tizen.+\btv|mibox|shield android",
            re.IGNORECASE,
        ),
        ("mobile", r"windows phone|iemobile", re.IGNORECASE),
        (CONSOLE, r"playstation|xbox|nintendo|\bwii\b|watch ?os|apple ?watch|sm-r\d{3}", re.IGNORECASE),
        (
            "tablet",
            r"ipad|tablet|kindle|silk/|playbook|\btouchpad\b|nexus (?:7|9|10)\b|\bsm-t\d"
            r"|\bgt-p\d|\bxoom\b|^mozilla.+android(?!.*mobile)(?!.*opera mini)",
            re.IGNORECASE,
        ),
        (
            "mobile",
            r"iphone|ipod|android|mobile|mobi\b|phone|blackberry|\bbb10\b|symbian|series ?[46]0|opera mini"
            r"|opera mobi|windows ce|palm|webos|kaios|bada|maemo|meego|midp|j2me|up\.browser|ucweb|nokia"
            r"|samsung-sgh|\biemobile\b|\bios\b|cfnetwork(?!.*(?:mac|x86_64))",
            re.IGNORECASE,
        ),
        (
            "desktop",
            r"windows|macintosh|mac ?os|mac_powerpc|\bx11\b|linux|cros\b|ubuntu|freebsd|openbsd|netbsd"
            r"|sunos|solaris|amiga|haiku|darwin",
            re.IGNORECASE,
        ),
    )
)


@cache
def _engine() -> "tuple[object, object]":
    # 0.4 s and 30 MB: only whoever enriches pays for them.
    from ua_parser.core import Domain
    from ua_parser.loaders import load_builtins
    from ua_parser.regex import Resolver

    return Resolver(load_builtins()), Domain.ALL


def _parse(user_agent: str) -> "PartialResult":
    resolver, domains = _engine()
    return resolver(user_agent, domains)  # type: ignore[operator, no-any-return]


def _device(user_agent: str, device: "Device | None") -> str:
    if device is not None and device.family in FAMILIES:
        return FAMILIES[device.family]
    name = next((name for pattern, name in CLASSES if pattern.search(user_agent)), None)
    if name == CONSOLE:
        return "other"
    carried = device is not None and device.brand and device.brand not in VAGUE_BRANDS
    if carried and (name is None or (name == "desktop" and "Windows NT" not in user_agent)):
        return "mobile"
    return name or "other"


@lru_cache(maxsize=16_384)
def read_agent(user_agent: str) -> Agent:
    """Return what the user agent says; all None for an empty one.

    ``browser_version`` is the major version, ``os_version`` as much as is told, joined by points.
    ``device`` is desktop, mobile, tablet, tv, bot or other (consoles, watches, unknown).
    """
    if not user_agent or user_agent == "-":
        return NOTHING
    found = _parse(user_agent)
    browser, system = found.user_agent, found.os
    version = [part for part in (system.major, system.minor, system.patch) if part] if system else []
    return Agent(
        browser.family if browser else "Other",
        browser.major if browser else None,
        system.family if system else "Other",
        ".".join(version) or None,
        _device(user_agent, found.device),
    )
