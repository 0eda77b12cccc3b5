"""A world: its people, and their events in the order in which they arrive.

Time goes by in spans of days, so memory is bounded by a span (at least a day) and not by the
world; what arrives later than its span is carried over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import DAY, SECOND, Events, join, take
from footfall.simulate.journeys import PAGE_VIEW, SIGN_UP, Steps, crawl, walk
from footfall.simulate.people import FOREVER, Integers, People, active, draw_people, weighted
from footfall.simulate.places import PLACES
from footfall.simulate.site import SOURCES, page_number
from footfall.simulate.unseen import Gaps, Unseen, draw_unseen

__all__ = ["World", "events", "simulate", "spans"]

# Person-days drawn at once: enough to keep numpy busy, little enough to stay in the caches.
SPAN_PERSON_DAYS = 60_000

# Share of a day's sessions that begin in each local hour: working days, then weekends.
HOURS = np.array(
    (
        (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 12, 17, 18, 13, 9, 8, 10, 14, 20, 22, 18, 13, 8, 4),
        (4, 3, 2, 1, 1, 1, 2, 4, 7, 10, 13, 16, 18, 16, 13, 12, 13, 16, 20, 21, 18, 14, 10, 7),
    ),
    float,
)
HOUR_EDGES = (np.cumsum(HOURS, axis=1) / HOURS.sum(axis=1, keepdims=True) + [[0], [1]]).ravel()
OFFSETS = np.array([place.offset for place in PLACES])
ACCOUNT = page_number("/account")

LATE_SHARE = 0.012
SLOW_SHARE = 0.04
COPY_SHARE = 0.008


@dataclass(frozen=True, slots=True)
class World:
    """People and a stretch of days; everything else follows from the seed.

    ``origin`` is the first day's midnight in UTC microseconds. ``unseen`` is there when the world's
    log and events are made to be joined.
    """

    users: int
    days: int
    seed: int
    start: date
    origin: int
    people: People
    unseen: Unseen | None = None


def simulate(users: int, days: int, seed: int, start: date, gaps: Gaps | None = None) -> World:
    """Return the world of ``users`` people over ``days`` UTC days from ``start``.

    The same arguments give the same world, to the byte. With ``gaps`` events tell the sender's
    address, as the log does, and each side misses some of what happens; nothing else changes.
    ValueError when a count is below one, the seed is negative or a share is none.
    """
    if users < 1 or days < 1 or seed < 0:
        raise ValueError(
            f"users and days must be 1 or more and seed 0 or more, not {users}, {days}, {seed}"
        )
    origin = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp()) * SECOND
    people = draw_people(users, days, np.random.default_rng([seed, 0]))
    unseen = draw_unseen(people, gaps, np.random.default_rng([seed, 5])) if gaps else None
    return World(users, days, seed, start, origin, people, unseen)


def _starts(world: World, day: Integers, person: Integers, rng: np.random.Generator) -> Integers:
    """UTC microseconds, even, in the given day: when people of that place's clock are about."""
    weekend = (((day + world.start.weekday()) % 7) >= 5).astype(np.int64)
    hour = np.searchsorted(HOUR_EDGES, weekend + rng.random(len(day)), side="right") - weekend * 24
    seconds = (hour + rng.random(len(day)) - OFFSETS[world.people.place[person]]) * 3600.0 % 86_400.0
    starts: Integers = world.origin + day * DAY + (seconds * (SECOND // 2)).astype(np.int64) * 2
    return np.minimum(starts, world.origin + day * DAY + DAY - 2)


def _apart(person: NDArray[np.int32], created: Integers) -> tuple[Integers, Integers]:
    """Return the order by person and time, and times that no two events of a person share.

    Times are even on even days' sessions and odd on odd days', so only events of one span can
    ever meet; those are moved on by 2 microseconds.
    """
    created = created.copy()
    while True:
        order = np.lexsort((created, person))
        who, when = person[order], created[order]
        same = np.flatnonzero((who[1:] == who[:-1]) & (when[1:] == when[:-1])) + 1
        if not len(same):
            return order, created
        created[order[same]] += 2


def _sign_ups(person: NDArray[np.int32], steps: Steps, order: Integers, since: Integers) -> None:
    """Let each person sign up once, noting when in ``since``; other sign-ups see the account page."""
    tried = order[steps.action[order] == SIGN_UP]
    who, first = np.unique(person[tried], return_index=True)
    new = since[who] == FOREVER
    since[who[new]] = steps.created[tried[first[new]]]
    again = np.setdiff1d(tried, tried[first[new]])
    steps.action[again] = PAGE_VIEW
    steps.page[again] = ACCOUNT


def _span(world: World, days: Integers, since: Integers) -> Events:
    """Return all events of the sessions that begin on ``days``, by person and time, none copied."""
    rng = np.random.default_rng([world.seed, 1, int(days[0])])
    people = world.people
    day, person = active(people, days, world.start.weekday(), rng)
    visits = 1 + rng.poisson(0.32, len(day))
    day, person = np.repeat(day, visits), np.repeat(person, visits)
    human = len(day)
    crawlers = np.arange(people.count, len(people.kit))
    bot_day, bot = np.nonzero(rng.random((len(days), len(crawlers))) < 0.8)
    day, person = np.concatenate((day, days[bot_day])), np.concatenate((person, crawlers[bot]))
    starts = _starts(world, day, person, rng)
    source = weighted(rng, [row.weight for row in SOURCES], len(day))
    source[(people.habit[person] >= 2) & (rng.random(len(day)) < 0.4)] = 0  # regulars know the address
    slot = ((people.second_kit[person] >= 0) & (rng.random(len(day)) < 0.35)).astype(np.int8)

    walked, crawled = walk(starts[:human], rng), crawl(starts[human:], rng)
    session = np.concatenate((walked.session, crawled.session + human))
    created = np.concatenate((walked.created, crawled.created)) + (day[session] & 1)
    who = person[session].astype(np.int32)
    order, created = _apart(who, created)
    steps = Steps(
        session,
        created,
        *(np.concatenate((getattr(walked, name), getattr(crawled, name))) for name in Steps.__slots__[2:]),
    )
    _sign_ups(who, steps, order, since)
    order = order[created[order] < world.origin + world.days * DAY]
    return _events(world, steps, order, (who, slot, source), since, int(days[0]))


def _events(
    world: World,
    steps: Steps,
    order: Integers,
    sessions: tuple[NDArray[np.int32], NDArray[np.int8], Integers],
    since: Integers,
    first_day: int,
) -> Events:
    """Bring steps into the columns of events, in ``order``; arrival is filled in by ``_arrivals``.

    ``sessions`` are the person of each step, and the device and source of each session.
    """
    who, slot, source = sessions
    person, created, session = who[order], steps.created[order], steps.session[order]
    on_day = (created - world.origin) // DAY
    age = world.people.age[person]
    years = np.maximum(0, 1 + (on_day - world.people.birthday[person]) // 365)
    # Clicks are sent without the person's age, so "latest known" is not simply "of the last event".
    told = (age > 0) & (steps.half_seconds[order] == 0)
    first = (steps.previous[order] < 0) & (person < world.people.count)
    return Events(
        number=(first_day << 32) + np.arange(len(order)),
        person=person,
        slot=slot[session],
        member=created >= since[person],
        created=created,
        arrival=created,
        action=steps.action[order],
        page=steps.page[order],
        previous=steps.previous[order],
        detail=steps.detail[order],
        half_seconds=steps.half_seconds[order],
        cents=steps.cents[order],
        source=np.where(first, source[session], -1).astype(np.int16),
        age=np.where(told, age + years, 0).astype(np.int16),
        copy=np.zeros(len(order), np.bool_),
    )


def _arrivals(span: Events, rng: np.random.Generator) -> Events:
    """Send the events on their way: most within a second, some late, some twice."""
    size = len(span)
    delay = np.exp(rng.normal(-1.4, 0.7, size))
    slow = rng.random(size) < SLOW_SHARE
    delay[slow] += rng.uniform(0, 40, int(slow.sum()))
    late = rng.random(size) < LATE_SHARE
    delay[late] += np.minimum(3_600 + rng.exponential(30_000, int(late.sum())), 3 * 86_400)
    again = np.flatnonzero(rng.random(size) < COPY_SHARE)
    retry = np.where(
        rng.random(len(again)) < 0.6,
        rng.uniform(1, 30, len(again)),
        np.minimum(rng.exponential(20_000, len(again)), 2 * 86_400),
    )
    where = np.concatenate((np.arange(size), again))
    delay = np.concatenate((delay, delay[again] + retry))
    sent = take(span, where)
    sent.arrival[:] = sent.created + (delay * SECOND).astype(np.int64)
    sent.copy[size:] = True
    return sent


def spans(world: World) -> Iterator[tuple[int, int, Events]]:
    """Yield (first day, day after the last, events of the sessions that begin between them).

    Events are in the order of person and time, once each, and ``arrival`` is when they happened; a
    session's end may lie in the next span.
    """
    since = world.people.member_since.copy()
    length = max(1, min(world.days, SPAN_PERSON_DAYS // world.users))
    for first in range(0, world.days, length):
        end = min(first + length, world.days)
        yield first, end, _span(world, np.arange(first, end), since)


def events(world: World) -> Iterator[Events]:
    """Yield the world's events in arrival order, copies and crawlers included, blocked ones not.

    The last parts hold what arrives after the last day has ended.
    """
    waiting: list[Events] = []
    for first, until, span in spans(world):
        rng = np.random.default_rng([world.seed, 2, first])
        sent = _arrivals(span, rng)
        if world.unseen:
            sent = take(sent, ~world.unseen.blocks[sent.slot, sent.person])
        known = join([*waiting, sent])
        end = world.origin + until * DAY
        due = np.flatnonzero(known.arrival < end)
        yield take(known, due[np.argsort(known.arrival[due], kind="stable")])
        waiting = [take(known, np.flatnonzero(known.arrival >= end))]
    rest = waiting[0]
    yield take(rest, np.argsort(rest.arrival, kind="stable"))
