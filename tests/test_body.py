"""Packed bodies: within limits, whole, or refused with a status and a reason."""

import gzip
import zlib

import pytest

from footfall.core.body import unpack
from footfall.errors import BadEncoding, BodyRefused, BodyTooLarge, UnknownEncoding

TEXT = b'{"event":"a"}' * 10


def bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (TEXT, None),
        (TEXT, "identity"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), " X-GZIP "),
        (gzip.compress(TEXT), None),
        (gzip.compress(TEXT[:20]) + gzip.compress(TEXT[20:]), "gzip"),
        (zlib.compress(TEXT), "deflate"),
        (bare(TEXT), "deflate"),
    ],
)
def test_unpacks(raw: bytes, encoding: str | None) -> None:
    assert unpack(raw, encoding, 1_000, 1_000) == TEXT
    assert unpack(raw, encoding, len(raw), len(TEXT)) == TEXT


@pytest.mark.parametrize(
    ("raw", "encoding", "error", "status"),
    [
        (TEXT, "gzip", BadEncoding, 400),
        (b"", "gzip", BadEncoding, 400),
        (b"", "deflate", BadEncoding, 400),
        (gzip.compress(TEXT)[:-9], "gzip", BadEncoding, 400),
        (gzip.compress(TEXT)[:5], None, BadEncoding, 400),
        (gzip.compress(TEXT) + b"more", "gzip", BadEncoding, 400),
        (zlib.compress(TEXT) + b"more", "deflate", BadEncoding, 400),
        (gzip.compress(TEXT)[:-1] + b"\1", "gzip", BadEncoding, 400),
        (TEXT, "br", UnknownEncoding, 415),
        (TEXT, "gzip, gzip", UnknownEncoding, 415),
        (b"x" * 1_001, None, BodyTooLarge, 413),
        (gzip.compress(b"x" * 100_000), "gzip", BodyTooLarge, 413),
        (zlib.compress(b"x" * 100_000), "deflate", BodyTooLarge, 413),
    ],
)
def test_refuses(raw: bytes, encoding: str | None, error: type[BodyRefused], status: int) -> None:
    with pytest.raises(error) as caught:
        unpack(raw, encoding, 1_000, 1_000)
    assert (type(caught.value), caught.value.status) == (error, status)
    assert caught.value.reason


def test_a_bomb_is_never_unpacked() -> None:
    import tracemalloc

    bomb = gzip.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge, match="1000000 bytes unpacked"):
        unpack(bomb, "gzip", len(bomb), 1_000_000)
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()
    many = gzip.compress(bytes(1_000)) * 2_000
    with pytest.raises(BodyTooLarge):
        unpack(many, None, len(many), 1_000_000)
