"""The exact answers about a world, straight from its columns: no SQL, no parsing, no store.

Each answer says which metric with which parameters it belongs to, so that a checker can ask for it.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import DAY, Events
from footfall.simulate.kits import KITS
from footfall.simulate.people import Integers
from footfall.simulate.places import PLACES
from footfall.simulate.site import ACTIONS, ELEMENTS, PAGES, RESTAURANTS
from footfall.simulate.truth_paths import funnel_levels, session_rows
from footfall.simulate.world import World, events

__all__ = ["Answer", "Seen", "answer", "seen", "truth"]

HOUR = DAY // 24
STEPS = ("page_view", "product_view", "add_to_cart", "checkout", "purchase")
ALL = "10000"  # a limit beyond any of the tables here

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """What people did, once each: crawlers and copies are left out. One entry an event, unordered.

    ``visitor`` is one number per visitor_id; ``created`` counts microseconds from the world's start.
    """

    visitor: Integers
    created: Integers
    action: NDArray[np.int8]
    page: NDArray[np.int16]
    detail: NDArray[np.int16]
    half_seconds: NDArray[np.int32]
    place: NDArray[np.int16]
    kit: NDArray[np.int16]
    age: NDArray[np.int16]


def seen(world: World) -> Seen:
    """Return what counts of a world's events."""
    people = world.people

    def columns(part: Events) -> tuple[NDArray[Any], ...]:
        counts = np.flatnonzero(~part.copy & (part.person < people.count))
        person, slot = part.person[counts].astype(np.int64), part.slot[counts]
        kit = np.where(slot > 0, people.second_kit[person], people.kit[person])
        return (
            person * 4 + np.where(part.member[counts], 3, slot),
            part.created[counts] - world.origin,
            part.action[counts],
            part.page[counts],
            part.detail[counts],
            part.half_seconds[counts],
            people.place[person].astype(np.int16),
            kit.astype(np.int16),
            part.age[counts],
        )

    parts = [columns(part) for part in events(world)]
    return Seen(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def answer(metric: str, columns: str, rows: list[list[Any]], **parameters: str) -> Answer:
    """Return one entry of the truth: what to ask, and the rows that must come back."""
    return {"metric": metric, "parameters": parameters, "columns": columns.split(), "rows": rows}


def _tally(key: NDArray[Any], visitor: Integers) -> list[tuple[int, int, int]]:
    """Return (key, events, distinct visitors), by key; keys must be 0 or more and below 2**24."""
    keys, times = np.unique(key, return_counts=True)
    pairs = np.unique((key.astype(np.int64) << 38) | visitor)
    _, visitors = np.unique(pairs >> 38, return_counts=True)
    return list(zip(keys.tolist(), times.tolist(), visitors.tolist(), strict=True))


def _visitor_days(data: Seen) -> tuple[Integers, Integers]:
    """Return each visitor's distinct days, by visitor and day."""
    pairs = np.unique((data.visitor << 24) | (data.created // DAY))
    return pairs >> 24, pairs & 0xFFFFFF


def _trailing(visitor: Integers, day: Integers, width: int, days: int) -> Integers:
    """Count, for each day, the visitors with an event in the ``width`` days that end with it.

    A visitor's day holds for ``width`` days, or until the visitor's next one.
    """
    until = day + width
    again = visitor[1:] == visitor[:-1]
    until[:-1][again] = np.minimum(until[:-1][again], day[1:][again])
    change = np.zeros(days + 1, np.int64)
    np.add.at(change, day, 1)
    np.add.at(change, np.minimum(until, days), -1)
    return np.cumsum(change)[:days]


def _activity(world: World, data: Seen) -> dict[str, Answer]:
    visitor, day = _visitor_days(data)
    dau = np.bincount(day, minlength=world.days).tolist()
    wau, mau = (_trailing(visitor, day, width, world.days).tolist() for width in (7, 30))
    dates = [(world.start + timedelta(days=n)).isoformat() for n in range(world.days)]
    rows = zip(dates, dau, wau, mau, strict=True)
    hours = _tally(data.created // HOUR, data.visitor)
    return {
        "daily_active_users": answer(
            "daily_active_users", "day visitors", [[d, n] for d, n in zip(dates, dau, strict=True) if n]
        ),
        "active_users": answer(
            "active_users", "day dau wau mau stickiness", [[d, n, w, m, n / m] for d, n, w, m in rows if n]
        ),
        "events_over_time": answer(
            "events_over_time",
            "time events visitors",
            [[f"{dates[hour // 24]}T{hour % 24:02}:00:00Z", n, v] for hour, n, v in hours],
            interval="hour",
        ),
    }


def _retention(world: World, data: Seen, period: str) -> Answer:
    visitor, day = _visitor_days(data)
    length = 7 if period == "week" else 1
    # Days since the Monday of the first week, so that whole weeks begin on Mondays.
    lead = world.start.weekday() if period == "week" else 0
    unit = (day + lead) // length
    first = np.flatnonzero(np.diff(visitor, prepend=-1))
    cohort = np.repeat(unit[first], np.diff(first, append=len(visitor)))
    cells = np.unique((visitor << 24) | unit, return_index=True)[1]
    spans, counts = np.unique(
        np.stack((cohort[cells], unit[cells] - cohort[cells])), axis=1, return_counts=True
    )
    rows = [
        [(world.start + timedelta(days=c * length - lead)).isoformat(), n, visitors]
        for c, n, visitors in zip(*spans.tolist(), counts.tolist(), strict=True)
    ]
    return answer("retention", "cohort period visitors", rows, period=period)


def _funnel(data: Seen) -> Answer:
    places = np.array([STEPS.index(action) if action in STEPS else -1 for action in ACTIONS])[data.action]
    of_step = places >= 0
    levels = funnel_levels(data.visitor[of_step], data.created[of_step], places[of_step], len(STEPS), DAY)
    reached = [sum(count for level, count in levels.items() if level > n) for n in range(len(STEPS))]
    rows = []
    for n, event in enumerate(STEPS):
        before = reached[max(n - 1, 0)]
        rows.append(
            [
                n + 1,
                event,
                reached[n],
                reached[n] / before if before else 0.0,
                reached[n] / reached[0] if reached[0] else 0.0,
            ]
        )
    return answer(
        "funnel", "step event visitors from_previous from_first", rows, steps=",".join(STEPS), window="1d"
    )


def _sessions(world: World, data: Seen) -> Answer:
    rows = [
        [(world.start + timedelta(days=day)).isoformat(), *values]
        for day, *values in session_rows(data.visitor, data.created)
    ]
    return answer("sessions", "day sessions visitors average_seconds events_per_session bounce_rate", rows)


def _tops(data: Seen) -> dict[str, Answer]:
    def by_size(rows: list[list[Any]], size: int) -> list[list[Any]]:
        return sorted(rows, key=lambda row: (-row[size], *row[:size]))

    views = data.action == ACTIONS.index("page_view")
    actions = [[ACTIONS[n], times, who] for n, times, who in _tally(data.action, data.visitor)]
    pages = [[PAGES[n].path, times, who] for n, times, who in _tally(data.page[views], data.visitor[views])]
    names = sorted({place.country for place in PLACES})
    continents = {place.country: place.continent for place in PLACES}
    country = np.array([names.index(place.country) for place in PLACES])[data.place]
    kinds = sorted({kit.device for kit in KITS})
    device = np.array([kinds.index(kit.device) for kit in KITS])[data.kit]
    lands = [
        [names[n], continents[names[n]], who, times] for n, times, who in _tally(country, data.visitor)
    ]
    devices = [[kinds[n], who, times] for n, times, who in _tally(device, data.visitor)]
    return {
        "top_events": answer("top_events", "event events visitors", by_size(actions, 1), limit=ALL),
        "top_pages": answer("top_pages", "path views visitors", by_size(pages, 1), limit=ALL),
        "countries": answer("countries", "country continent visitors events", by_size(lands, 2)),
        "devices": answer("devices", "device visitors events", by_size(devices, 1)),
    }


def _average_age(data: Seen) -> Answer:
    known = np.flatnonzero(data.age)
    order = known[np.lexsort((data.created[known], data.visitor[known]))]
    last = np.flatnonzero(np.diff(data.visitor[order], append=-1))
    ages = data.age[order[last]].tolist()
    return answer(
        "average_age", "average_age visitors", [[sum(ages) / len(ages) if ages else None, len(ages)]]
    )


def _time_spent(data: Seen) -> Answer:
    timed = np.flatnonzero(data.half_seconds)
    element = data.detail[timed] // len(RESTAURANTS)
    rows: list[list[Any]] = []
    for n, (name, _) in enumerate(ELEMENTS):
        halves = np.sort(data.half_seconds[timed[element == n]]).tolist()
        size, total = len(halves), sum(halves) / 2
        if size:
            median = (halves[(size - 1) // 2] + halves[size // 2]) / 4
            rows.append([name, size, total / size, median, total])
    rows.sort(key=lambda row: (-row[1], row[0]))
    columns = "element events average_seconds median_seconds total_seconds"
    return answer("time_spent", columns, rows, by="element", limit=ALL)


def truth(world: World) -> dict[str, Answer]:
    """Return the exact answers about a world, ready for JSON.

    ``{name: {"metric": ..., "parameters": {...}, "columns": [...], "rows": [[...]]}}``; the name is
    the metric's, but retention is there by day and, as ``retention_by_week``, by week. Days and
    times are ISO 8601 in UTC. Crawlers are left out and copies count once. Series are ordered by
    time, tops by their size and then by name.
    """
    data = seen(world)
    return {
        **_activity(world, data),
        "retention": _retention(world, data, "day"),
        "retention_by_week": _retention(world, data, "week"),
        "funnel": _funnel(data),
        "sessions": _sessions(world, data),
        **_tops(data),
        "average_age": _average_age(data),
        "time_spent": _time_spent(data),
    }
