"""Who may send for which app: write keys, allowed origins, and the CORS headers that say so.

The rules of the Fetch standard (https://fetch.spec.whatwg.org/#http-cors-protocol) that matter
here: with credentials the origin is mirrored and never ``*``, a preflight carries no key.
"""

import base64
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from footfall.core.record import AppId

__all__ = ["Access", "AppAccess", "access_problems", "cors_headers", "is_loopback", "key_in_header"]

ANY = "*"


@dataclass(frozen=True, slots=True)
class AppAccess:
    """What one app allows; origins as in the Origin header, ``*`` for any."""

    write_keys: Sequence[str] = ()
    origins: Sequence[str] = ()


@dataclass(frozen=True)
class Access:
    """The rules of one installation. Without apps it is open: any sender, any origin."""

    apps: Mapping[AppId, AppAccess]
    _app_of: dict[str, AppId] = field(init=False, default_factory=dict)
    _origins: dict[AppId, frozenset[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for app, rules in self.apps.items():
            self._app_of.update(dict.fromkeys(rules.write_keys, app))
            self._origins[app] = frozenset(_origin(origin) for origin in rules.origins)

    @property
    def open(self) -> bool:
        """Whether no key is asked for."""
        return not self.apps

    def app_of(self, key: str | None) -> AppId | None:
        """Return the app that a write key belongs to; None when there is none."""
        return self._app_of.get(key) if key else None

    def allows(self, app: AppId, origin: str) -> bool:
        """Whether a page of this origin may send for the app."""
        if self.open:
            return True
        allowed = self._origins.get(app, frozenset())
        return ANY in allowed or _origin(origin) in allowed

    def allows_somewhere(self, origin: str) -> bool:
        """Whether any app allows the origin: all that can be asked before the key is known."""
        return self.open or any(self.allows(app, origin) for app in self.apps)


def access_problems(access: Access, host: str) -> list[str]:
    """Return why these rules can't be served on this host; empty when they can."""
    problems: list[str] = []
    loopback = is_loopback(host)
    if access.open and not loopback:
        problems.append(
            f"the collector listens on {host}, which others can reach, but no app is configured: "
            "add [apps.NAME] with write_keys and origins to footfall.toml, or listen on 127.0.0.1"
        )
    owner: dict[str, AppId] = {}
    for app, rules in access.apps.items():
        if not rules.write_keys:
            problems.append(f"[apps.{app}] has no write_keys, so nobody could send for it")
        if not rules.origins and not loopback:
            problems.append(f"[apps.{app}] has no origins: name those whose pages may send, or * for any")
        for key in rules.write_keys:
            if owner.setdefault(key, app) != app:
                problems.append(f"[apps.{app}] and [apps.{owner[key]}] share a write key")
            if not key.isascii() or not key.isprintable() or not key.strip():
                problems.append(f"[apps.{app}] has a write key that no header can carry")
    return problems


def key_in_header(authorization: str | None) -> str | None:
    """Return the key of a Basic (user name) or Bearer header; None when there is none.

    RFC 7617 and RFC 6750; Segment's clients send the key as Basic user name.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "bearer":
            return rest or None
        case "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[0] or None
            except ValueError:  # not Base64, or not UTF-8 within
                return None
        case _:
            return None


def cors_headers(
    origin: str, *, methods: str | None = None, asked: str | None = None
) -> list[tuple[str, str]]:
    """Return the headers that let a page of ``origin`` read the answer.

    With ``methods`` they answer a preflight that asked for the header names ``asked``.
    """
    headers = [
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    ]
    if methods is None:
        return [*headers, ("access-control-expose-headers", "Retry-After")]
    headers[-1] = ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
    headers.append(("access-control-allow-methods", methods))
    if asked:
        headers.append(("access-control-allow-headers", asked))
    headers.append(("access-control-max-age", "86400"))
    return headers


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _origin(origin: str) -> str:
    return origin.strip().rstrip("/").lower()
