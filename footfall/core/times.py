"""Clock times as senders write them, brought to UTC microseconds, a column at once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.moments import MICROSECONDS_FROM, MILLISECONDS_FROM, moment

__all__ = ["timestamps"]

TOO_LARGE = 1e18
ZONED = r"(?:Z|[+-]\d\d:\d\d)$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_104_060_800_000_000, 253_370_764_799_999_999  # the years 2 to 9998, as in moments
MICROSECONDS = pa.timestamp("us")


def _one(value: str | int | float | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return (moment(value) - EPOCH) // timedelta(microseconds=1)
        except ValueError:
            return None
    size = abs(value)
    factor = 1 if size >= MICROSECONDS_FROM else 1_000 if size >= MILLISECONDS_FROM else 1_000_000
    return round(value * factor) if size < TOO_LARGE else None


def _texts(values: Sequence[Any]) -> pa.Array | None:
    """Read a column of zoned texts by Arrow; None when there is anything else in it."""
    try:
        texts = pa.array(values, pa.string())
        if pc.all(pc.match_substring_regex(texts, ZONED)).as_py() is False:
            return None
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None


def _numbers(values: Sequence[Any]) -> pa.Array | None:
    """Turn a column of numbers into microseconds; None when there is anything else in it."""
    try:
        numbers = pa.array(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    size = pc.abs(numbers)
    factor = pc.if_else(
        pc.greater_equal(size, MICROSECONDS_FROM),
        1.0,
        pc.if_else(pc.greater_equal(size, MILLISECONDS_FROM), 1e3, 1e6),
    )
    rounded = pc.round(pc.multiply(numbers, factor))
    known = pc.less(size, TOO_LARGE)
    return pc.if_else(known, rounded, pa.scalar(None, pa.float64())).cast(pa.int64())


def timestamps(values: Sequence[str | int | float | None]) -> pa.Array:
    """Return ``timestamp[us]`` for RFC 3339 texts (without an offset: UTC) and epochs in s, ms or us.

    What is no time, or lies outside the years 2 to 9998, becomes null.
    """
    if not any(value is not None for value in values):
        return pa.nulls(len(values), MICROSECONDS)
    numbers = _texts(values)
    if numbers is None:
        numbers = _numbers(values)
    if numbers is None:
        numbers = pa.array([_one(value) for value in values], pa.int64())
    inside = pc.and_(pc.greater_equal(numbers, FIRST), pc.less_equal(numbers, LAST))
    return pc.if_else(inside, numbers, pa.scalar(None, pa.int64())).cast(MICROSECONDS)
