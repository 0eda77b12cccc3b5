"""Access logs joined with the script's events: who blocked it, who is a bot, and how many came."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from footfall.core.reconcile import page_loads
from footfall.core.reconcile.report import (
    Counted,
    PageWithout,
    Reconciliation,
    groups_of,
    loads_of,
    sentence,
    table_of,
    total_of,
)
from footfall.errors import BadQuery, NotReconcilable
from footfall.services.compare_queries import Value, filled
from footfall.services.reconcile_queries import APPS, COUNTED, EXTENT, WITHOUT_SCRIPT

__all__ = ["WINDOW", "Asked", "reconcile", "window_of"]

WINDOW = timedelta(seconds=10)
LONGEST_WINDOW = timedelta(minutes=10)
EDGE = timedelta(minutes=10)
"""A log, or a script, is taken to have run so long before its first row and behind its last."""
AT_ONCE = 1_000_000
"""Rows that one query takes on, whole days at least: a million fit in the smallest memory limit."""
SEVERAL = 5
MOST_PAGES = 500
SHOWN_PAGES = 20
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2200, 1, 1)
IMPORT = "footfall import combined access.log --app {app}"
_WINDOW = re.compile(r"([1-9][0-9]{0,4})(s|m)")

Ask = Callable[[str], Mapping[str, Any]]
"""Answers a SELECT as the API does."""


class Asked(NamedTuple):
    """What is asked for: an app (the only one that has both when not given), and days, both included."""

    app: str | None = None
    first: date | None = None
    last: date | None = None
    window: timedelta = WINDOW


class _Day(NamedTuple):
    day: date
    lines: int
    events: int
    other_events: int
    first_line: datetime | None
    last_line: datetime | None
    first_event: datetime | None
    last_event: datetime | None


class _Stretch(NamedTuple):
    """What log and script both cover; ``skipped`` days lie within and have only one of them."""

    since: datetime
    until: datetime
    days: Sequence[_Day]
    skipped: Sequence[date]


def window_of(text: str) -> timedelta:
    """Read a length such as 10s or 2m, up to 10 minutes. Raises BadQuery."""
    found = _WINDOW.fullmatch(text.strip())
    length = timedelta(seconds=int(found[1]) * (60 if found[2] == "m" else 1)) if found else timedelta()
    if not timedelta() < length <= LONGEST_WINDOW:
        raise BadQuery(cause=f"window={text[:100]!r} is not a length from 1s to 10m, such as 10s")
    return length


def reconcile(
    asked: Asked, ask: Ask, on_progress: Callable[[int, int], None] = lambda _done, _all: None
) -> Reconciliation:
    """Reconcile an app's access logs with its events; ``on_progress`` is told queries done and all.

    Raises NotReconcilable, which says what is lacking and how to get it, BadQuery, and what ``ask``
    raises.
    """
    if asked.first and asked.last and asked.first > asked.last:
        raise BadQuery(cause=f"from={asked.first} lies behind to={asked.last}")
    app = _app(asked, ask)
    stretch = _stretch(app, asked, _extent(app, asked, ask))
    values = _values(app, asked, stretch)
    parts = list(_parts(stretch))
    on_progress(0, 1 + len(parts))
    answers = [ask(filled(WITHOUT_SCRIPT, values))]
    pages = [
        PageWithout(page=page, visitors=people, loads=loads) for page, people, loads in answers[0]["rows"]
    ]
    values["without_script"] = [page.page for page in pages]
    for done, (since, until) in enumerate(parts, start=1):
        on_progress(done, 1 + len(parts))
        answers.append(ask(filled(COUNTED, values | {"since": since, "until": until})))
    on_progress(1 + len(parts), 1 + len(parts))
    counted = [
        msgspec.convert(dict(zip(answer["columns"], row, strict=True)), Counted)
        for answer in answers[1:]
        for row in answer["rows"]
    ]
    report = _report(app, asked, stretch, counted, pages)
    return msgspec.structs.replace(
        report,
        sql=filled(COUNTED, values, pretty=True),
        rows_read=sum(answer["rows_read"] for answer in answers),
        fresh_to=answers[-1]["fresh_to"],
    )


def _app(asked: Asked, ask: Ask) -> str:
    rows = ask(filled(APPS, {"origins": list(page_loads.ORIGINS)}))["rows"]
    logged, sent = ({row[0] for row in rows if row[place]} for place in (1, 2))
    if asked.app is None:
        both = sorted(logged & sent)
        if len(both) == 1:
            return str(both[0])
        if both:
            raise NotReconcilable(cause="several apps have both", hint=f"Say which: {', '.join(both)}")
    app = asked.app or next(iter(sorted(sent or logged)), "default")
    if app not in logged:
        elsewhere = f" (imported for {', '.join(sorted(logged))})" if logged else ""
        raise NotReconcilable(
            cause=f"the app {app} has no access log{elsewhere}", hint=f"Import it: {IMPORT.format(app=app)}"
        )
    if app not in sent:
        hint = "Put the script on its pages (the console's page Connect has it), or name another app"
        raise NotReconcilable(cause=f"the app {app} has access logs but no events of a script", hint=hint)
    return app


def _extent(app: str, asked: Asked, ask: Ask) -> list[_Day]:
    since, until = asked.first or FIRST_DAY, (asked.last or LAST_DAY) + timedelta(days=1)
    values: dict[str, Value] = {
        "app": app,
        "origins": list(page_loads.ORIGINS),
        "since": datetime.combine(since, datetime.min.time()),
        "until": datetime.combine(until, datetime.min.time()),
    }
    return [
        _Day(date.fromisoformat(day), lines, events, others, *map(_moment, moments))
        for day, lines, events, others, *moments in ask(filled(EXTENT, values))["rows"]
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.removesuffix("Z")) if text else None


def _stretch(app: str, asked: Asked, days: Sequence[_Day]) -> _Stretch:
    """Return what both sides cover, or say what is lacking."""
    asked_for = (
        f" from {asked.first or 'the beginning'} to {asked.last or 'now'}" if any(asked[1:3]) else ""
    )
    lines, events = [day for day in days if day.lines], [day for day in days if day.events]
    if not lines:
        hint = f"Import the log of those days ({IMPORT.format(app=app)}), or choose others"
        raise NotReconcilable(cause=f"{app} has no line of an access log{asked_for}", hint=hint)
    if not events:
        blind = sum(day.other_events for day in days)
        cause = f"{app} has no events{asked_for}"
        hint = "Choose days on which the script ran"
        if blind:
            cause = f"of {app}'s {blind:,} events{asked_for} none has page, network and browser"
            hint = "Events from a server must tell url, ip and user_agent of the visitor"
        raise NotReconcilable(cause=cause, hint=hint)
    known = (
        [(day.first_line, day.last_line) for day in lines],
        [(day.first_event, day.last_event) for day in events],
    )
    begins = [min(first for first, _ in side if first) for side in known]
    ends = [max(last for _, last in side if last) for side in known]
    since, until = max(begins) - EDGE, min(ends) + EDGE
    both = [day for day in days if day.lines and day.events]
    if not both or since > until:
        spans = [
            f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
            for begin, end in zip(begins, ends, strict=True)
        ]
        raise NotReconcilable(
            cause=f"{app}'s log covers {spans[0]} UTC and its events {spans[1]} UTC, which do not overlap",
            hint=f"Import the log of the events' days: {IMPORT.format(app=app)}",
        )
    since = max(since, datetime.combine(both[0].day, datetime.min.time()))
    until = min(until, datetime.combine(both[-1].day, datetime.max.time()))
    inner = [day.day for day in days if since.date() <= day.day <= until.date() and day not in both]
    return _Stretch(since, until, both, inner)


def _values(app: str, asked: Asked, stretch: _Stretch) -> dict[str, Value]:
    types = {f"type_{place}": name for place, name in enumerate(page_loads.CONTENT_TYPES, start=1)}
    return {
        "app": app,
        "since": stretch.since,
        "until": stretch.until,
        "skipped": list(stretch.skipped),
        "window": asked.window // timedelta(microseconds=1),
        "origins": list(page_loads.ORIGINS),
        "methods": list(page_loads.METHODS),
        "statuses": list(page_loads.STATUSES),
        "endings": ["", *page_loads.ENDINGS],
        "extension": page_loads.EXTENSION,
        "index": page_loads.INDEX,
        "html": page_loads.HTML,
        "several": SEVERAL,
        "most_pages": MOST_PAGES,
        **types,
    }


def _parts(stretch: _Stretch) -> Iterator[tuple[datetime, datetime]]:
    """Yield bounds, whole days of about ``AT_ONCE`` rows each."""
    taken: list[_Day] = []
    for place, day in enumerate(stretch.days):
        taken.append(day)
        following = stretch.days[place + 1] if place + 1 < len(stretch.days) else None
        rows = sum(each.lines + each.events for each in taken)
        if following is None or rows + following.lines + following.events > AT_ONCE:
            first = datetime.combine(taken[0].day, datetime.min.time())
            end = datetime.combine(day.day, datetime.max.time())
            yield max(first, stretch.since), min(end, stretch.until)
            taken = []


def _report(
    app: str, asked: Asked, stretch: _Stretch, counted: Sequence[Counted], pages: Sequence[PageWithout]
) -> Reconciliation:
    total, loads = total_of(counted), loads_of(counted)
    if not total.matched:
        seen = loads.matched + loads.unmatched
        raise NotReconcilable(
            cause=f"none of {app}'s {seen:,} page loads by people has an event of the same page, network "
            f"and browser within {asked.window.total_seconds():g} s",
            hint="Look whether the log has the visitors' own addresses (not a proxy's), and whether the "
            "clocks agree; --window 2m looks further",
        )
    delays = [(row.visitors, row.delay_seconds) for row in counted if row.part == "delay" and row.visitors]
    # Of medians by days, weighted by their matches: near enough to tell a wrong clock.
    delay = sum(count * (value or 0.0) for count, value in delays) / sum(count for count, _ in delays)
    days = groups_of(counted, "day")
    return Reconciliation(
        app=app,
        since=stretch.since.isoformat() + "Z",
        until=stretch.until.isoformat() + "Z",
        window_seconds=asked.window.total_seconds(),
        sentence=sentence(total, len(days)),
        total=total,
        one_load=sum(
            row.single for row in counted if (row.part, row.side, row.state) == ("day", "log", "unmatched")
        ),
        bots_with_script=sum(
            row.visitors for row in counted if (row.part, row.side, row.state) == ("day", "script", "bot")
        ),
        delay_seconds=delay,
        loads=loads,
        tables={
            "day": table_of(days),
            "browser": table_of(groups_of(counted, "browser")),
            "country": table_of(groups_of(counted, "country")),
        },
        without_script=list(pages[:SHOWN_PAGES]),
        notes=list(_notes(asked, stretch, loads.unreadable, len(pages), delay)),
        sql="",
        rows_read=0,
        fresh_to=None,
    )


def _notes(asked: Asked, stretch: _Stretch, unreadable: int, pages: int, delay: float) -> Iterator[str]:
    if stretch.skipped:
        named = ", ".join(day.isoformat() for day in stretch.skipped[:5])
        yield f"{len(stretch.skipped)} days are left out, since only log or script has them: {named}."
    blind = sum(day.other_events for day in stretch.days)
    if blind:
        yield f"{blind:,} events without page, network or browser are left out: they can't be joined."
    if pages:
        yield (
            f"{pages} pages that people load are left out: the script never reported from them, so it "
            "isn't there, or they are no pages."
        )
    if unreadable:
        yield f"{unreadable:,} page loads have no address or no user agent to go by, and are left out."
    if abs(delay) * 2 > asked.window.total_seconds():
        yield (
            f"The script's events are {delay:+.1f} s from the log's lines, much for a window of "
            f"{asked.window.total_seconds():g} s: look at the clocks, or widen the window."
        )
