"""What an address says: host, path, campaign parameters and click id.

Any text is taken; what is not an address has no host. Nothing here raises.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from footfall.core.reference import click_ids

__all__ = ["Address", "Campaign", "read_address"]

# RFC 3986, appendix B: splits every string, whatever is in it.
PARTS = re.compile(r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?")
HOST = re.compile(r"[^\s\x00-\x20\x7f/?#@:%<>\"'\\^`{|}\[\]]+|\[[0-9a-f:.]+\]")
DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}
ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# Decoded, these would change where the path ends or what it means; see RFC 3986, 2.2.
KEPT = frozenset("/%?#\\;")
JOINERS = "\u200c\u200d"  # format characters that Persian and Indic words are written with


class Campaign(NamedTuple):
    """The utm parameters, as the sender wrote them."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


class Address(NamedTuple):
    """A taken-apart address; ``click`` is the name of the click id that it carries."""

    host: str | None = None
    path: str | None = None
    campaign: Campaign | None = None
    click: str | None = None


NOTHING = Address()
PARAMETERS = re.compile(
    rf"(?i)(?:^|[&;?])(?:utm_(source|medium|campaign|term|content)|({'|'.join(click_ids())}))=([^&;#]*)"
)


def _decoded_run(match: re.Match[str]) -> str:
    run = match.group()
    try:
        text = bytes.fromhex(run.replace("%", "")).decode()
    except UnicodeDecodeError:
        return run
    pieces = []
    position = 0
    for character in text:
        width = 3 * len(character.encode())
        shown = character.isprintable() or character in JOINERS
        pieces.append(character if shown and character not in KEPT else run[position : position + width])
        position += width
    return "".join(pieces)


def _host(authority: str, scheme: str) -> str | None:
    host = authority.rpartition("@")[2].lower()
    port = ""
    if not host.endswith("]"):
        name, colon, number = host.rpartition(":")
        if colon and (number.isdigit() or not number):
            host, port = name, number
    host = host.rstrip(".").removeprefix("www.")
    if not HOST.fullmatch(host):
        return None
    return host if not port or port == DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _campaign(query: str) -> tuple[Campaign | None, str | None]:
    found: dict[str, str] = {}
    click = None
    for name, click_id, value in PARAMETERS.findall(query):
        text = unquote_plus(value).strip() if value else ""
        if text and name:
            found.setdefault(name.lower(), text)
        elif text and click is None:
            click = click_id.lower()
    return (Campaign(**found) if found else None), click


@lru_cache(maxsize=16_384)
def read_address(url: str) -> Address:
    """Take an address apart.

    The host is in lower case without ``www.`` and default port; the path is percent-decoded where
    that is valid UTF-8 and printable, but never ``%2F``, ``%25`` or what else would change its meaning.
    An address with a host and no path has the path ``/``; opaque ones (``mailto:``) have neither.
    """
    match = PARTS.fullmatch(url.strip())
    if match is None:
        return NOTHING
    scheme, authority, path, query = match.groups()
    if scheme and authority is None:
        # "localhost:8000/x" has the look of a scheme; "mailto:x" and "javascript:x" are opaque.
        if not re.match(r"\d{1,5}(?:/|$)", path):
            return NOTHING
        number, _, path = path.partition("/")
        scheme, authority, path = "", f"{scheme}:{number}", f"/{path}"
    elif not scheme and authority is None and path[:4].lower() == "www.":
        authority, slash, path = path.partition("/")
        path = slash + path
    if "%" in path:
        path = ESCAPES.sub(_decoded_run, path)
    host = _host(authority, (scheme or "").lower()) if authority else None
    if authority is not None or query is not None:
        path = path or "/"
    campaign, click = _campaign(query) if query and "=" in query else (None, None)
    return Address(host, path or None, campaign, click)
