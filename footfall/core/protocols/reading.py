"""What several protocols read and answer alike."""

import hashlib
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from footfall.core.protocols.exchange import Reply, Unheard

__all__ = ["GIF", "derived_id", "json_object", "json_value", "pixel_reply", "query_of"]

GIF = bytes.fromhex(
    "47494638396101000100800100000000ffffff21f90401000001002c00000000010001000002024c01003b"
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_read = msgspec.json.Decoder().decode


def derived_id(*parts: bytes) -> str:
    """Return an id for an event whose client gave none: equal parts, and only those, give an equal id."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def json_value(body: bytes) -> Any:
    """Return the JSON value of a body. Raises Unheard."""
    try:
        return _read(body.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unheard(f"the body is not JSON: {error}") from error


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body. Raises Unheard."""
    value = json_value(body)
    if not isinstance(value, dict):
        raise Unheard("the body is no JSON object")
    return value


def query_of(text: str) -> dict[str, str]:
    """Return a query string or form as names and values; the last of a name counts."""
    return dict(parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=None))


def pixel_reply(status: int = 200) -> Reply:
    """Return the transparent image of one pixel, never kept by a cache."""
    return Reply(status, GIF, (("content-type", "image/gif"), ("cache-control", "no-store, max-age=0")))
