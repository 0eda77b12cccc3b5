"""Who may speak to the console, decided before any route: host, origin, token; and safe headers.

On loopback there is no login, so a page of another site must not be able to reach in: a foreign
Host (DNS rebinding) and a cross-site request are refused. Anywhere else a token is demanded.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from footfall.errors import BadSettings
from footfall.settings import Settings

__all__ = ["COOKIE", "SECURITY_HEADERS", "Door", "Refusal", "cookie_value", "is_loopback", "judge"]

COOKIE = "footfall_console"
OPEN_PATHS = ("/signin", "/static/", "/api/health")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # no-referrer would make our own forms send Origin: null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Door:
    """How the console is guarded: with a token, or as a private place on loopback."""

    token: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Door":
        """Read the settings. Raises BadSettings when a public address has no token."""
        console = settings.console
        host = console.address.rpartition(":")[0]
        if not console.token and not is_loopback(host):
            problem = f"console.address {console.address} is not loopback, so console.token must be set"
            raise BadSettings(problems=problem)
        return cls(console.token)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request goes no further; ``location`` sends a person to the sign-in page."""

    status: int
    error: str
    location: str | None = None

    def body(self) -> bytes:
        """Return the one error form of the API."""
        return msgspec.json.encode({"error": self.error, "retryable": False})


def is_loopback(host: str) -> bool:
    """Say whether a host name or address (brackets allowed, no port) is this machine's own."""
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cookie_value(token: str) -> str:
    """Return what the sign-in cookie holds: proof of the token, not the token."""
    return hmac.new(token.encode(), b"footfall console session", hashlib.sha256).hexdigest()


def judge(
    door: Door, scope: Mapping[str, Any], cookies: Callable[[], Mapping[str, str]]
) -> tuple[Refusal | None, bool]:
    """Decide about one HTTP request: why it is refused, if it is, and whether the caller is trusted.

    The sign-in, the static files and the short form of the health are open to callers without
    the token, who are let through untrusted.
    """
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host = headers.get("host", "")
    method, path = scope["method"], scope["path"]
    if not door.token and not is_loopback(_without_port(host)):
        return Refusal(
            403, f"The console is private to this machine and does not answer as {host!r}."
        ), False
    if foreign := _cross_site(method, path, headers, host):
        return foreign, False
    if method == "POST" and path.startswith("/api/") and not _is_json(headers.get("content-type", "")):
        return Refusal(415, "Send JSON: Content-Type must be application/json."), False
    trusted = not door.token or _has_token(door, headers, cookies)
    if trusted or path.startswith(OPEN_PATHS):
        return None, trusted
    if method == "GET" and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        return Refusal(303, "Sign in first.", f"/signin?next={quote(target, safe='')}"), False
    return Refusal(401, "This console wants its token: send Authorization: Bearer <console.token>."), False


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


def _cross_site(method: str, path: str, headers: Mapping[str, str], host: str) -> Refusal | None:
    site = headers.get("sec-fetch-site", "")  # set by browsers, out of reach for scripts
    refused = Refusal(403, "Requests from other sites are not taken.")
    if method in SAFE_METHODS:
        navigates = headers.get("sec-fetch-mode") == "navigate"
        reads = path.startswith("/api/") and site in {"cross-site", "same-site"} and not navigates
        return refused if reads else None
    if site:
        return None if site in {"same-origin", "none"} else refused
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return refused
    return None


def _has_token(door: Door, headers: Mapping[str, str], cookies: Callable[[], Mapping[str, str]]) -> bool:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), door.token.encode()):
        return True
    kept = cookies().get(COOKIE, "")
    return hmac.compare_digest(kept.encode(), cookie_value(door.token).encode())


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host
