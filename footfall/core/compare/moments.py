"""Days as the products write them, read; and days of a time zone as stretches of UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

__all__ = ["NotADay", "bounds_of", "compact_day", "day_of"]

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|[+-]\d\d(?::?\d\d)?)?)?")
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0+)?)?")
_COMPACT = re.compile(r"\d{8}(\d\d)?")
_DASHED = re.compile(r"(\d{1,2})[- ]([A-Za-z]{3,9})[- ](\d{4})( \d\d:\d\d)?")
_WORDS = re.compile(r"(?:[A-Za-z]+,? )?([A-Za-z]{3,9}) (\d{1,2}),? (\d{4})")
_SLASHED = re.compile(r"\d{1,4}[/.]\d{1,2}[/.]\d{1,4}")
_RANGE = re.compile(r"\d{4}-\d\d-\d\d *(?:,|to|-|–|/) *\d{4}-\d\d-\d\d")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AN_HOUR = "is an hour and not a day; export the numbers by day"


class NotADay(ValueError):
    """A cell that names no day; the message says why."""


def compact_day(text: str) -> date | None:
    """Read YYYYMMDD; None when the calendar has no such day from 1970 to 2200."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return day if 1970 <= day.year <= 2200 else None


def day_of(text: str) -> date:
    """Read a day: 2026-03-01, 2026-03-01 00:00:00, 20260301, 1-Mar-2026, Mar 1, 2026.

    Raises NotADay, also for hours, weeks, and forms that leave open which number is the month.
    """
    day: date | None = None
    if iso := _ISO.fullmatch(text):
        if iso[2] and not _MIDNIGHT.fullmatch(iso[2]):
            raise NotADay(_AN_HOUR)
        day = compact_day(iso[1].replace("-", ""))
    elif compact := _COMPACT.fullmatch(text):
        if compact[1]:
            raise NotADay(_AN_HOUR)
        day = compact_day(text)
    elif dashed := _DASHED.fullmatch(text):
        if dashed[4]:
            raise NotADay(_AN_HOUR)
        day = _named(dashed[3], dashed[2], dashed[1])
    elif words := _WORDS.fullmatch(text):
        day = _named(words[3], words[1], words[2])
    elif _RANGE.fullmatch(text):
        raise NotADay("is more than one day; export the numbers by day")
    elif _SLASHED.fullmatch(text):
        raise NotADay("leaves open which number is the month; write days as 2026-01-31")
    else:
        raise NotADay("is no day such as 2026-01-31")
    if day is None:
        raise NotADay("is no day of the calendar")
    return day


def _named(year: str, month: str, day: str) -> date | None:
    short = month[:3].lower()
    return compact_day(f"{year}{_MONTHS.index(short) + 1:02}{int(day):02}") if short in _MONTHS else None


def bounds_of(days: Sequence[date], zone: tzinfo) -> list[tuple[datetime, datetime]]:
    """Return when each day begins and ends in ``zone``, as naive UTC; days may have 23 or 25 hours."""
    return [(_midnight(day, zone), _midnight(day + timedelta(days=1), zone)) for day in days]


def _midnight(day: date, zone: tzinfo) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(UTC).replace(tzinfo=None)
