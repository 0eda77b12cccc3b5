"""PostHog's trends insight as CSV: a row per series and a column per day, turned upright.

The server writes ``series[,custom name][,breakdown],22-Mar-2024,...[,total]``. An event's label is the
same for its count and its unique users, so that a name alone may leave open which is meant.
"""

from collections import Counter
from collections.abc import Mapping

from footfall.core.compare.columns import place_of
from footfall.core.compare.daily import PRODUCTS, Metric, Unreadable
from footfall.core.compare.moments import NotADay, day_of
from footfall.core.compare.sheet import Row, Sheet

__all__ = ["has_series", "upright"]

_BESIDE = frozenset({"series", "custom name", "breakdown", "total", "total count"})
_VALUES = ("value", "count", "total", "total count")
_NAME_THEM = (
    "Give the series a name in PostHog (visitors, page views, sessions), or say which row is which: "
    "--column visitors=#1 --column page_views=#2"
)
# What a series' name tells of its metric, the more telling first.
_WORDS: tuple[tuple[str, str], ...] = (
    ("visitor", "visitors"),
    ("user", "visitors"),
    ("dau", "visitors"),
    ("person", "visitors"),
    ("session", "sessions"),
    ("visit", "sessions"),
    ("pageview", "page views"),
    ("page view", "page views"),
    ("view", "page views"),
)


def has_series(sheet: Sheet) -> bool:
    """Tell whether the table names its series in a column, as trends insights do."""
    return "series" in map(str.lower, sheet.header)


def upright(sheet: Sheet, chosen: Mapping[Metric, str]) -> Sheet:
    """Return the table with a day per row and a column per series, named as ``PRODUCTS`` has them.

    Raises Unreadable for hours, breakdowns, and series that cannot be told apart.
    """
    lowered = [name.lower() for name in sheet.header]
    if "breakdown" in lowered:
        raise Unreadable("it is divided by a breakdown", "Take the breakdown out of the insight")
    at = next((lowered.index(name) for name in ("day", "date") if name in lowered), None)
    if at is not None:
        value = next((lowered.index(name) for name in _VALUES if name in lowered), None)
        if value is None:
            raise Unreadable("it has a series and a day but no value", "Name that column value")
        return _from_long(sheet, lowered.index("series"), at, value, chosen)
    return _from_wide(sheet, lowered, chosen)


def _from_wide(sheet: Sheet, lowered: list[str], chosen: Mapping[Metric, str]) -> Sheet:
    days: dict[int, str] = {}
    for place, name in enumerate(sheet.header):
        if lowered[place] not in _BESIDE and name:
            try:
                days[place] = day_of(name).isoformat()
            except NotADay as error:
                raise Unreadable(f"line {sheet.line}: the column {name[:40]!r} {error}") from error
    if not days:
        raise Unreadable("it has totals and no days", "Show the insight as a line chart by day")
    series = [row for row in sheet.rows if not _name(row, lowered).endswith(" - previous")]
    names = _headers([_name(row, lowered).removesuffix(" - current") for row in series], chosen)
    rows = [
        Row(sheet.line, (day, *(row.cells[place] if place < len(row.cells) else "" for row in series)))
        for place, day in days.items()
    ]
    return Sheet(("day", *names), sheet.line, rows)


def _from_long(sheet: Sheet, series: int, at: int, value: int, chosen: Mapping[Metric, str]) -> Sheet:
    names: dict[str, None] = {}
    days: dict[str, dict[str, str]] = {}
    for row in sheet.rows:
        if len(row.cells) <= max(series, at, value):
            raise Unreadable(f"line {row.line} has {len(row.cells)} cells, fewer than the header")
        names.setdefault(row.cells[series])
        day = days.setdefault(row.cells[at], {})
        name = row.cells[series]
        if name in day:
            raise Unreadable(f"line {row.line} is the second of {name!r} on its day", _NAME_THEM)
        day[name] = row.cells[value]
    rows = [Row(sheet.line, (day, *(found.get(name, "") for name in names))) for day, found in days.items()]
    return Sheet(("day", *_headers(list(names), chosen)), sheet.line, rows)


def _name(row: Row, lowered: list[str]) -> str:
    """Return a series' own name where it was given one, else its label."""
    places = [lowered.index(name) for name in ("custom name", "series") if name in lowered]
    names = [row.cells[place] for place in places if place < len(row.cells) and row.cells[place]]
    return names[0] if names else ""


def _headers(names: list[str], chosen: Mapping[Metric, str]) -> list[str]:
    """Return a header for each series: the metric that was chosen for it, else what its name tells."""
    headers = [_told(name) for name in names]
    for metric, wanted in chosen.items():
        place = place_of(names, wanted)
        if place is None:
            raise Unreadable(f"no series is {wanted}; there are {', '.join(names)}", _NAME_THEM)
        word = PRODUCTS["posthog"].columns[metric][0]
        headers = ["" if header == word else header for header in headers]
        headers[place] = word
    twice = [name for name, times in Counter(headers).items() if times > 1 and name]
    if twice:
        raise Unreadable(f"several series may be the {twice[0]}: {', '.join(names)}", _NAME_THEM)
    return headers


def _told(name: str) -> str:
    return next((metric for word, metric in _WORDS if word in name.lower()), name)
