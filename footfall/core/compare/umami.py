"""Umami's exports without days of their own: its table of single events, and its API's answer.

``website_event.csv`` (of Umami Cloud, or the table itself) has a row per event in UTC; an event of
type 1 is a page view. Umami counts distinct ``session_id`` as visitors and distinct ``visit_id`` as
visits.
"""

import io
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from footfall.core.compare.columns import count_of
from footfall.core.compare.daily import Metric, Unreadable
from footfall.core.compare.moments import NotADay, bounds_of, day_of

__all__ = ["counts_of_answer", "counts_of_events", "is_answer", "is_events"]

_WANTED = ("session_id", "visit_id", "event_type", "created_at")
_TIME = r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z|\+00(:?00)?)?$"
_MOST_DAYS = 4_000

Days = dict[date, dict[Metric, int]]


class _Point(msgspec.Struct):
    """One value of a chart: ``x`` is the day, ``y`` the count."""

    x: str
    y: int


class _Answer(msgspec.Struct):
    """What ``GET /api/websites/ID/pageviews?unit=day`` gives."""

    pageviews: list[_Point]
    sessions: list[_Point] = []


def is_answer(text: str) -> bool:
    """Tell whether the text is JSON, as the API answers."""
    return text.lstrip().startswith("{")


def is_events(text: str) -> bool:
    """Tell whether the text is the table of single events."""
    header = text.split("\n", 1)[0].lower()
    return all(name in header for name in _WANTED)


def counts_of_answer(text: str) -> Days:
    """Read the API's answer. Raises Unreadable."""
    try:
        answer = msgspec.json.decode(text.encode(), type=_Answer)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Unreadable(f"it is no answer of /api/websites/ID/pageviews ({error})") from error
    days: Days = {}
    charts: tuple[tuple[Metric, list[_Point]], ...] = (
        ("page_views", answer.pageviews),
        ("visitors", answer.sessions),
    )
    for metric, points in charts:
        for place, point in enumerate(points, start=1):
            try:
                day = day_of(point.x)
            except NotADay as error:
                raise Unreadable(f"point {place}: {point.x[:40]!r} {error}", "Ask with unit=day") from error
            days.setdefault(day, {})[metric] = count_of(str(point.y), place) or 0
    return days


def counts_of_events(text: str, zone: tzinfo) -> Days:
    """Count the events of each day of ``zone``. Raises Unreadable for a time that is not UTC."""
    table = _table(text)
    created = table["created_at"].combine_chunks()
    good = pc.fill_null(pc.match_substring_regex(created, _TIME), fill_value=False)
    if not pc.all(good, min_count=0).as_py():
        place = int(np.flatnonzero(~np.asarray(good))[0])
        shown = str(created[place].as_py())[:40]
        raise Unreadable(
            f"row {place + 1}: created_at is {shown!r}, no time in UTC such as 2026-01-31 10:00:00"
        )
    if not len(created):
        return {}
    try:
        times = pc.replace_substring(pc.utf8_slice_codeunits(created, 0, 19), "T", " ").cast(
            pa.timestamp("s")
        )
    except pa.ArrowInvalid as error:
        raise Unreadable(f"a created_at is no time of the calendar ({error})") from error
    first, last = (pc.min_max(times)[edge].as_py() for edge in ("min", "max"))
    days = _days(first, last)
    edges = np.array([since for since, _ in bounds_of(days, zone)], dtype="datetime64[s]")
    places = np.searchsorted(edges, np.asarray(times), side="right") - 1
    viewed = pc.equal(table["event_type"], "1")
    counted = (
        pa.table(
            {
                "place": pa.array(places),
                "session": table["session_id"],
                "visit": table["visit_id"],
                "viewed": pc.fill_null(viewed, fill_value=False).cast(pa.int64()),
            }
        )
        .group_by("place")
        .aggregate([("session", "count_distinct"), ("viewed", "sum"), ("visit", "count_distinct")])
    )
    return {days[row["place"]]: _counts(row) for row in counted.to_pylist()}


def _table(text: str) -> pa.Table:
    """Read the wanted columns as text."""
    options = pa_csv.ConvertOptions(
        include_columns=list(_WANTED), column_types=dict.fromkeys(_WANTED, pa.string())
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    try:
        return pa_csv.read_csv(io.BytesIO(text.encode()), parse_options=parse, convert_options=options)
    except (pa.ArrowInvalid, KeyError) as error:
        raise Unreadable(f"it is no whole table of events ({error})") from error


def _days(first: datetime, last: datetime) -> list[date]:
    """Return the days that may hold the times in any zone: one more on each side."""
    begin = first.date() - timedelta(days=1)
    count = (last.date() - begin).days + 2
    if count > _MOST_DAYS:
        raise Unreadable(f"its events lie {count} days apart")
    return [begin + timedelta(days=each) for each in range(count)]


def _counts(row: Mapping[str, int]) -> dict[Metric, int]:
    return {
        "visitors": row["session_count_distinct"],
        "page_views": row["viewed_sum"],
        "visits": row["visit_count_distinct"],
    }
