"""The web SDK as the collector serves it: read once at start, plain and with gzip."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

from footfall.apps.collector.answers import Answer, Headers
from footfall.apps.collector.door import Door

__all__ = ["SCRIPT", "send_script"]

SCRIPT = (Path(__file__).parent / "static" / "footfall.js").read_bytes()
PACKED = gzip.compress(SCRIPT, 9, mtime=0)
# Weak, since both forms have it; a page may hold the script for an hour, then it asks.
ETAG = f'W/"{hashlib.sha256(SCRIPT).hexdigest()[:20]}"'
HEADERS: Headers = [
    ("content-type", "text/javascript; charset=utf-8"),
    ("cache-control", "public, max-age=3600"),
    ("etag", ETAG),
    ("vary", "Accept-Encoding, Origin"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
]
PLAIN = Answer(200, SCRIPT, HEADERS)
ZIPPED = Answer(200, PACKED, [*HEADERS, ("content-encoding", "gzip")])
SAME = Answer(304, b"", HEADERS)


async def send_script(_door: Door, scope: Any, _protocol: Any) -> Answer:
    """Return the script, or 304 to who has it."""
    headers = scope.headers
    known = headers.get("if-none-match") or ""
    if known.strip() == "*" or ETAG.removeprefix("W/") in known:
        return SAME
    return ZIPPED if "gzip" in (headers.get("accept-encoding") or "") else PLAIN
