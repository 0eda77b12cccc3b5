"""Times as senders spell them, as datetimes: ISO 8601 in its usual spellings, and epochs by magnitude."""

import re
from datetime import UTC, datetime, timedelta

__all__ = ["FIRST_YEAR", "LAST_YEAR", "OutsideCalendar", "moment"]

FIRST_YEAR, LAST_YEAR = 2, 9998
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Below 1e11 seconds lie the years to 5138, and above it in milliseconds those from 1973.
MILLISECONDS_FROM = 100_000_000_000
MICROSECONDS_FROM = 100_000_000_000_000
LATEST = 253_370_764_800_000_000

_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")
_COMPACT = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{6})?")
_ZONE = re.compile(r"\s*(?:Z|UTC|GMT|([+-][0-9]{2}):?([0-9]{2})?)(?:\s*(?:UTC|GMT))?$", re.I)
_LEAP = re.compile(r"(?<=[0-9]:[0-9]{2}:)60(?=\D|$)")
_FRACTION = re.compile(r"([.,][0-9]{6})[0-9]+")


class OutsideCalendar(ValueError):
    """A time, but outside the years that can be kept."""


def _from_number(value: float) -> datetime:
    if not 0 <= value <= LATEST:
        raise OutsideCalendar
    scale = 1 if value >= MICROSECONDS_FROM else 1_000 if value >= MILLISECONDS_FROM else 1_000_000
    return EPOCH + timedelta(microseconds=round(value * scale))


def _from_text(text: str) -> datetime:
    if _COMPACT.fullmatch(text):
        try:
            return datetime.fromisoformat(f"{text[:8]}T{text[8:] or '000000'}+00:00")
        except ValueError:
            pass  # not a date without separators, so a number
    if _NUMBER.fullmatch(text):
        return _from_number(float(text) if "." in text else int(text))
    zone = _ZONE.search(text) if ":" in text or "T" in text.upper() else None
    if zone and (zone.start() > 10 or zone.group()[0] not in "+-"):
        offset = f"{zone.group(1)}:{zone.group(2) or '00'}" if zone.group(1) else "+00:00"
        text = text[: zone.start()] + offset
    text = _LEAP.sub("59", _FRACTION.sub(r"\1", text))
    return datetime.fromisoformat(text)


def moment(value: str | int | float) -> datetime:
    """Return the UTC time that a sender's value means; without a zone it is UTC.

    Numbers, also as text, are epoch seconds below 1e11, milliseconds below 1e14, else microseconds;
    8 or 14 digits that make a date are one (20220911). A leap second becomes the one before.
    Raises OutsideCalendar, or ValueError for what is no time.
    """
    try:
        if not isinstance(value, str):
            return _from_number(value)
        found = _from_text(value.strip())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise OutsideCalendar from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise OutsideCalendar
    return found
