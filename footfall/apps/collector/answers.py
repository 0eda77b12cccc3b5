"""What the collector says: answers as values, with what can be made beforehand made beforehand."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from footfall.core.protocols.reading import GIF

__all__ = ["GIF", "IMAGE", "JSON", "Answer", "Headers", "accepted", "refusal", "retry_later", "text"]

Headers = list[tuple[str, str]]

JSON: Headers = [("content-type", "application/json")]
IMAGE: Headers = [("content-type", "image/gif"), ("cache-control", "no-store, max-age=0")]

_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """Status, body and headers, without those of CORS."""

    status: int
    body: bytes = b""
    headers: Headers = JSON


def accepted(count: int, duplicates: int, rejected: Sequence[tuple[int, Sequence[str]]]) -> Answer:
    """Return the answer to events that are on disk; the three numbers add up to what was sent."""
    if not duplicates and not rejected and count < len(_PLAIN):
        return _PLAIN[count]
    refused = [{"index": index, "reasons": reasons} for index, reasons in rejected]
    return Answer(200, _encode({"accepted": count, "duplicates": duplicates, "rejected": refused}))


def refusal(status: int, error: str, *reasons: str, headers: Headers | None = None) -> Answer:
    """Return an error that says what is wrong and what to do."""
    return Answer(status, _encode({"error": error, "reasons": reasons}), JSON + (headers or []))


def retry_later(status: int, error: str, reason: str, seconds: int) -> Answer:
    """Return an error that time mends."""
    return refusal(status, error, reason, headers=[("retry-after", str(seconds))])


def text(body: bytes) -> Answer:
    """Return Prometheus text."""
    return Answer(200, body, [("content-type", "text/plain; version=0.0.4; charset=utf-8")])


_PLAIN = [Answer(200, _encode({"accepted": n, "duplicates": 0, "rejected": []})) for n in range(1_001)]
