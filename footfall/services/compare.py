"""Shadow mode: another product's export beside what is stored here, day by day, with likely causes."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from footfall.core.compare.causes import Ours
from footfall.core.compare.daily import METRICS, PRODUCTS, Daily, Metric
from footfall.core.compare.fit import SHIFTS, Fit, best_shift
from footfall.core.compare.moments import bounds_of
from footfall.core.compare.report import Comparison, lines_of, verdicts_of
from footfall.core.enrich.bots import LOG_ORIGINS
from footfall.errors import BadComparison
from footfall.services.compare_queries import (
    AGAIN,
    ARRIVED,
    COUNTED,
    EXTENT,
    MOVED,
    MOVED_VISITORS,
    Value,
    filled,
)
from footfall.services.imports.layouts import FORMATS

__all__ = ["Asked", "chosen_columns", "compare", "zone_of"]

MOST_DAYS = 1_100
EDGE = timedelta(hours=1)
"""So long may nothing come at either end of our data before the day counts as incomplete."""
AT_ONCE = 31
"""Days that one query counts, so that years of them stay within the time limit of each."""
TRIED = 28
"""Days that the hour of their beginning is looked for in: the last whole ones."""
BLOCKED = (
    "Whether a blocker stopped one script and not the other cannot be told from these numbers: footfall's "
    "first-party path may be let through where the other product's address is not, and the other way round."
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")

Ask = Callable[[str], Mapping[str, Any]]
Bounds = Sequence[tuple[datetime, datetime]]
Found = dict[tuple[date, Metric], Ours]


class Asked(NamedTuple):
    """What is asked for: the zone of the export's days, an app, and the days, both ends included."""

    zone: tzinfo = UTC
    app: str | None = None
    first: date | None = None
    last: date | None = None


class _Extent(NamedTuple):
    first: datetime
    last: datetime
    apps: list[str]
    logged: int
    fresh_to: str | None


def zone_of(name: str) -> tzinfo:
    """Return a zone by its IANA name, or as an offset such as +02:00. Raises BadComparison."""
    if offset := _OFFSET.fullmatch(name):
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if length < timedelta(hours=24):
            return timezone(length if offset[1] == "+" else -length)
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"Did you mean {near[0]}" if near else "Write Europe/Berlin, or an offset such as +02:00"
        raise BadComparison(cause=f"there is no time zone {name!r}", hint=hint) from error


def chosen_columns(pairs: Sequence[str]) -> dict[Metric, str]:
    """Read "visitors=NAME" and the like. Raises BadComparison."""
    chosen: dict[Metric, str] = {}
    for pair in pairs:
        name, _, column = pair.partition("=")
        metric = next((each for each in METRICS if each == name), None)
        if metric is None or not column.strip():
            raise BadComparison(
                cause=f"--column {pair} is no metric=COLUMN", hint=f"The metrics are {', '.join(METRICS)}"
            )
        chosen[metric] = column.strip()
    return chosen


def compare(daily: Daily, asked: Asked, ask: Ask) -> Comparison:
    """Compare an export with what is stored; ``ask`` answers a SELECT as the API does.

    Raises BadComparison where no day is on both sides, and what ``ask`` raises.
    """
    days = _days_of(daily, asked)
    values = _values(daily, asked)
    extent = _extent(ask, values, asked)
    bounds = bounds_of(days, asked.zone)
    shared = [
        place
        for place, (since, until) in enumerate(bounds)
        if until > extent.first and since <= extent.last
    ]
    if not shared:
        raise BadComparison(
            cause=f"the export's days are {days[0]} to {days[-1]}, and ours {extent.first:%Y-%m-%d} to "
            f"{extent.last:%Y-%m-%d}",
            hint="Export days on which both got the same traffic, or look into --app, --from and --to",
        )
    ours = _ours(days, bounds, extent, values, ask)
    fit = None if daily.at_utc else _fit(daily, days, bounds, ours, values, ask)
    better = _better(fit, days[0], bounds[0][0]) if fit else None
    if fit and better:
        later = timedelta(hours=fit.hours)
        shifted = _counted(days, [(since + later, until + later) for since, until in bounds], values, ask)
        ours = {
            key: each._replace(shifted=shifted[key].counted if key in shifted else 0)
            for key, each in ours.items()
        }
    lines = lines_of(daily, days, ours)
    return Comparison(
        product=PRODUCTS[daily.product].title,
        timezone=str(asked.zone),
        app=asked.app,
        columns=daily.columns,
        days=lines,
        verdicts=verdicts_of(lines),
        notes=_notes(daily, asked, extent),
        fits_better=better,
        fresh_to=extent.fresh_to,
    )


def _days_of(daily: Daily, asked: Asked) -> list[date]:
    """Return all days from the export's first to its last, those that it lacks too."""
    first = max(filter(None, (min(daily.days), asked.first)))
    last = min(filter(None, (max(daily.days), asked.last)))
    count = (last - first).days + 1
    if count < 1:
        raise BadComparison(
            cause=f"the export has {min(daily.days)} to {max(daily.days)}, and nothing of it was asked for",
            hint="Look into --from and --to",
        )
    if count > MOST_DAYS:
        raise BadComparison(
            cause=f"{first} to {last} are {count} days; at most {MOST_DAYS} are compared at once",
            hint="Narrow it by --from and --to",
        )
    return [first + timedelta(days=each) for each in range(count)]


def _values(daily: Daily, asked: Asked) -> dict[str, Value]:
    return {
        "app": asked.app or "",
        "every_app": asked.app is None,
        "views": list(PRODUCTS[daily.product].views),
        "logs": sorted(LOG_ORIGINS),
        "imports": sorted(FORMATS),
    }


def _stretches(bounds: Bounds, places: Sequence[int]) -> Iterator[dict[str, Value]]:
    """Yield the days, some at a time, as the queries take them."""
    for begin in range(0, len(places), AT_ONCE):
        part = list(places[begin : begin + AT_ONCE])
        starts, ends = [bounds[place][0] for place in part], [bounds[place][1] for place in part]
        yield {"places": part, "starts": starts, "ends": ends, "low": starts[0], "high": ends[-1]}


def _extent(ask: Ask, values: dict[str, Value], asked: Asked) -> _Extent:
    answer = ask(filled(EXTENT, values))
    rows = [row for row in answer["rows"] if row[1]]
    if not rows:
        of_app = f" of the app {asked.app}" if asked.app else ""
        only_logs = " but access logs, which no other product sees" if answer["rows"] else ""
        raise BadComparison(
            cause=f"nothing{of_app} is stored{only_logs}",
            hint='Send the same traffic here first; "footfall ledger" lists the apps',
        )
    return _Extent(
        first=min(_moment(row[1]) for row in rows),
        last=max(_moment(row[2]) for row in rows),
        apps=[row[0] for row in rows],
        logged=sum(row[3] for row in answer["rows"]),
        fresh_to=answer["fresh_to"],
    )


def _ours(
    days: Sequence[date], bounds: Bounds, extent: _Extent, values: dict[str, Value], ask: Ask
) -> Found:
    """Ask for all that is known of our side, per day and metric."""
    found = _counted(days, bounds, values, ask)
    for stretch in _stretches(bounds, range(len(days))):
        for place, visitors, views in ask(filled(ARRIVED, values | stretch))["rows"]:
            _put(found, days[place], "visitors", arrived=visitors)
            _put(found, days[place], "page_views", arrived=views)
        for place, again, rejected in ask(filled(AGAIN, values | stretch))["rows"]:
            _put(found, days[place], "page_views", duplicates=again, rejected=rejected)
    known_to = extent.last
    if extent.fresh_to:
        known_to = max(known_to, _moment(extent.fresh_to))
    for day, (since, until) in zip(days, bounds, strict=True):
        edge = ""
        if since + EDGE < extent.first < until:
            edge = f"our data begin at {extent.first:%Y-%m-%d %H:%M} UTC"
        elif since <= known_to < until - EDGE:
            edge = f"our data end at {known_to:%Y-%m-%d %H:%M} UTC"
        for metric in METRICS:
            _put(found, day, metric, edge=edge)
    return found


def _counted(days: Sequence[date], bounds: Bounds, values: dict[str, Value], ask: Ask) -> Found:
    found: Found = {}
    for stretch in _stretches(bounds, range(len(days))):
        answer = ask(filled(COUNTED, values | stretch))
        for row in answer["rows"]:
            told = dict(zip(answer["columns"], row, strict=True))
            for metric in METRICS:
                key = days[told["place"]], metric
                before = found.get(key, Ours())
                found[key] = before._replace(
                    counted=before.counted + told[metric],
                    with_bots=before.with_bots + told[f"{metric}_with_bots"],
                    late=before.late + told[f"late_{metric}"],
                    apps={**before.apps, told["app_id"]: told[metric]},
                )
    return found


def _put(found: Found, day: date, metric: Metric, **values: Any) -> None:
    found[day, metric] = found.get((day, metric), Ours())._replace(**values)


def _fit(
    daily: Daily, days: Sequence[date], bounds: Bounds, ours: Found, values: dict[str, Value], ask: Ask
) -> Fit | None:
    """Try all days some whole hours later, by what can be moved with the least work."""
    ways: tuple[Metric, ...] = ("page_views", "visits", "visitors")
    metric = next(each for each in ways if each in daily.columns)
    theirs = {
        place: daily.days[day][metric]
        for place, day in enumerate(days)
        if metric in daily.days.get(day, {}) and not ours[day, metric].edge and ours[day, metric].with_bots
    }
    theirs = dict(list(theirs.items())[-TRIED:])
    question = MOVED_VISITORS if metric == "visitors" else MOVED
    moved: dict[int, dict[int, int]] = {}
    for stretch in _stretches(bounds, list(theirs)):
        first, last = bounds[next(iter(theirs))][0], bounds[next(reversed(theirs))][1]
        wide: dict[str, Value] = {
            "low": first + timedelta(hours=SHIFTS[0]),
            "high": last + timedelta(hours=SHIFTS[-1]),
            "hours": list(SHIFTS),
            "count_visits": metric == "visits",
        }
        for hours, place, count in ask(filled(question, values | stretch | wide))["rows"]:
            moved.setdefault(hours, {})[place] = count
    return best_shift(theirs, moved)


def _better(fit: Fit, day: date, since: datetime) -> dict[str, Any] | None:
    """Say by which offset the days fit better, of the first day; None when no zone has it."""
    midnight = datetime.combine(day, datetime.min.time())
    minutes = round((midnight - since - timedelta(hours=fit.hours)).total_seconds() / 60)
    if not -12 * 60 <= minutes <= 14 * 60:
        return None
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    way = "later" if fit.hours > 0 else "earlier"
    text = (
        f"All days fit better when they begin {abs(fit.hours)} h {way}: "
        f"what differs falls from {fit.now:.1%} to {fit.then:.1%}. The export may be in another time zone: "
        f"try --timezone {offset}, or the zone's name."
    )
    return {"hours_later": fit.hours, "timezone": offset, "text": text}


def _notes(daily: Daily, asked: Asked, extent: _Extent) -> list[str]:
    notes = [*daily.notes, PRODUCTS[daily.product].differs]
    if asked.app is None and len(extent.apps) > 1:
        notes.append(
            f"{len(extent.apps)} apps are counted together: {', '.join(extent.apps[:10])}. See --app."
        )
    if extent.logged:
        notes.append(f"{extent.logged:,} rows of access logs are left out: no script saw those requests.")
    return [*filter(None, notes), BLOCKED]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))
