"""A request's body as JSON bytes: undoes its Content-Encoding within a limit, bombs included."""

import zlib

from footfall.errors import BadEncoding, BodyRefused, BodyTooLarge, UnknownEncoding

__all__ = ["BodyRefused", "unpack"]

GZIP_MAGIC = b"\x1f\x8b\x08"
# zlib's window: 16 more is gzip only, 15 is zlib (what RFC 9110 calls deflate), -15 a bare stream.
GZIP, ZLIB, BARE = 31, 15, -15


def _inflated(raw: bytes, window: int, encoding: str, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while raw:
        stream = zlib.decompressobj(window)
        try:
            # One byte beyond the limit tells a bomb; nothing more of it is ever unpacked.
            part = stream.decompress(raw, limit - size + 1)
        except zlib.error as error:
            raise BadEncoding(encoding=encoding, cause=str(error)) from error
        size += len(part)
        if size > limit:
            raise BodyTooLarge(limit=limit, when="unpacked")
        if not stream.eof:
            raise BadEncoding(encoding=encoding, cause="it breaks off")
        parts.append(part)
        raw = stream.unused_data
        if window != GZIP and raw:
            raise BadEncoding(encoding=encoding, cause="more bytes follow its end")
    return b"".join(parts)


def unpack(raw: bytes, content_encoding: str | None, max_bytes: int, max_unzipped: int) -> bytes:
    """Return the body unpacked: gzip (RFC 1952, several members too), deflate (RFC 1950, 1951), or as is.

    Without the header a body that begins like gzip is taken for it (PostHog's beacons are so).
    Raises BodyTooLarge beyond either limit in bytes, BadEncoding for damage, truncation or trailing
    bytes, UnknownEncoding for another encoding; each has a ``status`` and a ``reason``.
    """
    if len(raw) > max_bytes:
        raise BodyTooLarge(limit=max_bytes, when="as sent")
    encoding = (content_encoding or "").strip().lower()
    if encoding in ("", "identity"):
        encoding = "gzip" if raw.startswith(GZIP_MAGIC) else ""
    if not encoding:
        return raw
    if encoding in ("gzip", "x-gzip"):
        if not raw:
            raise BadEncoding(encoding=encoding, cause="it is empty")
        return _inflated(raw, GZIP, encoding, max_unzipped)
    if encoding == "deflate":
        # Some senders leave the zlib header away; with it the first two bytes are a multiple of 31.
        wrapped = len(raw) > 1 and raw[0] & 15 == 8 and int.from_bytes(raw[:2]) % 31 == 0
        if not raw:
            raise BadEncoding(encoding=encoding, cause="it is empty")
        return _inflated(raw, ZLIB if wrapped else BARE, encoding, max_unzipped)
    raise UnknownEncoding(encoding=repr(encoding[:40]))
