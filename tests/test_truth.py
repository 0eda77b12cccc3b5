"""The truth against a slow, obvious reference that reads nothing but the emitted NDJSON."""

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from statistics import median
from typing import Any

import crawleruseragents
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.simulate import ndjson, simulate, truth
from footfall.simulate.places import PLACES
from footfall.simulate.truth_paths import funnel_levels

STEPS = ["page_view", "product_view", "add_to_cart", "checkout", "purchase"]
CONTINENTS = {place.country: place.continent for place in PLACES}
Rows = list[list[Any]]


class Fact:
    """One event as the platform would see it."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.name: str = event["event"]
        self.visitor: str = event.get("user_id") or event["anonymous_id"]
        self.at = datetime.fromisoformat(event["created_at"])
        self.day = self.at.date()


@cache
def is_crawler(agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(agent))


def facts(body: bytes) -> list[Fact]:
    known: dict[str, Fact] = {}
    for line in body.splitlines():
        event = json.loads(line)
        if not is_crawler(event["user_agent"]):
            known.setdefault(event["event_id"], Fact(event))
    return sorted(known.values(), key=lambda fact: fact.at)


def visitors(chosen: list[Fact]) -> int:
    return len({fact.visitor for fact in chosen})


def grouped(seen: list[Fact], key: Any) -> dict[Any, list[Fact]]:
    groups: dict[Any, list[Fact]] = defaultdict(list)
    for fact in seen:
        groups[key(fact)].append(fact)
    return dict(sorted(groups.items()))


def by_size(rows: Rows, size: int) -> Rows:
    return sorted(rows, key=lambda row: (-row[size], *row[:size]))


def active_users(seen: list[Fact]) -> Rows:
    rows: Rows = []
    for day in grouped(seen, lambda fact: fact.day):
        counts = [
            visitors([fact for fact in seen if day - timedelta(days=width) < fact.day <= day])
            for width in (1, 7, 30)
        ]
        rows.append([day.isoformat(), *counts, counts[0] / counts[2]])
    return rows


def retention(seen: list[Fact], week: bool) -> Rows:
    def unit(day: date) -> date:
        return day - timedelta(days=day.weekday()) if week else day

    cells: dict[tuple[date, int], int] = defaultdict(int)
    for own in grouped(seen, lambda fact: fact.visitor).values():
        units = {unit(fact.day) for fact in own}
        for one in units:
            cells[min(units), (one - min(units)).days // (7 if week else 1)] += 1
    return [[cohort.isoformat(), period, count] for (cohort, period), count in sorted(cells.items())]


def funnel(seen: list[Fact]) -> Rows:
    """For each step, the latest start of a run that reached it: try every start, farthest wins."""
    reached = [0] * len(STEPS)
    for own in grouped(seen, lambda fact: fact.visitor).values():
        # starts[n]: beginnings of the run that last led to step n, as windowFunnel remembers it.
        starts: list[datetime | None] = [None] * len(STEPS)
        best = 0
        for fact in own:
            if fact.name not in STEPS:
                continue
            n = STEPS.index(fact.name)
            begun = fact.at if n == 0 else starts[n - 1]
            if begun is not None and fact.at - begun <= timedelta(days=1):
                starts[n] = begun
                best = max(best, n + 1)
        for n in range(best):
            reached[n] += 1
    rows: Rows = []
    for n, step in enumerate(STEPS):
        before = reached[n - 1] if n else reached[0]
        first = reached[0]
        rows.append(
            [
                n + 1,
                step,
                reached[n],
                reached[n] / before if before else 0.0,
                reached[n] / first if first else 0.0,
            ]
        )
    return rows


def sessions(seen: list[Fact]) -> Rows:
    """Split by the 30-minute rule; a gap of exactly 30 minutes still belongs to the session.

    e--10min--e--30min--e | 30min + 1us | e      two sessions: of 40 minutes, and of one event
    """
    runs: list[list[Fact]] = []
    for own in grouped(seen, lambda fact: fact.visitor).values():
        for fact in own:
            last = runs[-1][-1] if runs else None
            if last and last.visitor == fact.visitor and fact.at - last.at <= timedelta(minutes=30):
                runs[-1].append(fact)
            else:
                runs.append([fact])
    days: dict[date, list[list[Fact]]] = defaultdict(list)
    for run in runs:
        days[run[0].day].append(run)
    rows: Rows = []
    for day, own_runs in sorted(days.items()):
        lasted = sum((run[-1].at - run[0].at) // timedelta(microseconds=1) for run in own_runs)
        size = len(own_runs)
        rows.append(
            [
                day.isoformat(),
                size,
                len({run[0].visitor for run in own_runs}),
                lasted / (1_000_000 * size),
                sum(map(len, own_runs)) / size,
                sum(len(run) == 1 for run in own_runs) / size,
            ]
        )
    return rows


def device(fact: Fact) -> str:
    agent = fact.event["user_agent"]
    for sign, kind in (("TV", "tv"), ("iPad", "tablet"), ("SM-X200", "tablet"), ("Mobile", "mobile")):
        if sign in agent:
            return kind
    return "desktop"


def time_spent(seen: list[Fact]) -> Rows:
    rows: Rows = []
    timed = [fact for fact in seen if "time_spent" in fact.event]
    for element, own in grouped(timed, lambda fact: fact.event["element"]).items():
        seconds = [fact.event["time_spent"] for fact in own]
        rows.append([element, len(own), sum(seconds) / len(own), median(seconds), sum(seconds)])
    return by_size(rows, 1)


def average_age(seen: list[Fact]) -> Rows:
    ages = {fact.visitor: fact.event["user"]["age"] for fact in seen if "user" in fact.event}
    return [[sum(ages.values()) / len(ages) if ages else None, len(ages)]]


def path(fact: Fact) -> str:
    address: str = fact.event["url"]
    return address.removeprefix("https://shop.example").partition("?")[0]


def expected(seen: list[Fact]) -> dict[str, Rows]:
    views = [fact for fact in seen if fact.name == "page_view"]
    days = grouped(seen, lambda fact: fact.day)
    hours = grouped(seen, lambda fact: fact.event["created_at"][:13])
    lands = grouped(seen, lambda fact: fact.event["country"])
    return {
        "daily_active_users": [[day.isoformat(), visitors(own)] for day, own in days.items()],
        "active_users": active_users(seen),
        "events_over_time": [[f"{hour}:00:00Z", len(own), visitors(own)] for hour, own in hours.items()],
        "retention": retention(seen, week=False),
        "retention_by_week": retention(seen, week=True),
        "funnel": funnel(seen),
        "sessions": sessions(seen),
        "top_events": by_size(
            [[name, len(own), visitors(own)] for name, own in grouped(seen, lambda f: f.name).items()], 1
        ),
        "top_pages": by_size(
            [[page, len(own), visitors(own)] for page, own in grouped(views, path).items()], 1
        ),
        "countries": by_size(
            [[land, CONTINENTS[land], visitors(own), len(own)] for land, own in lands.items()], 2
        ),
        "devices": by_size(
            [[kind, visitors(own), len(own)] for kind, own in grouped(seen, device).items()], 1
        ),
        "average_age": average_age(seen),
        "time_spent": time_spent(seen),
    }


@given(
    users=st.integers(1, 40),
    days=st.integers(1, 40),
    seed=st.integers(0, 100_000),
    start=st.dates(date(1990, 1, 1), date(2100, 1, 1)),
)
@settings(max_examples=30, deadline=None)
def test_the_truth_is_what_the_emitted_events_say(users: int, days: int, seed: int, start: date) -> None:
    world = simulate(users, days, seed, start)
    answers = truth(world)
    reference = expected(facts(b"".join(ndjson(world))))
    assert answers.keys() == reference.keys()
    for name, rows in reference.items():
        assert answers[name]["rows"] == rows, name


def test_the_truth_of_a_bigger_world_is_too() -> None:
    world = simulate(250, 35, 11, date(2024, 2, 7))
    answers = truth(world)
    reference = expected(facts(b"".join(ndjson(world))))
    for name, rows in reference.items():
        assert answers[name]["rows"] == rows, name
    assert len(answers["countries"]["rows"]) > 20
    assert answers["funnel"]["rows"][4][2] > 10
    assert len(answers["devices"]["rows"]) == 4


def test_each_answer_says_what_to_ask_and_survives_json() -> None:
    answers = truth(simulate(30, 8, 2, date(2024, 1, 1)))
    assert json.loads(json.dumps(answers)) == answers
    for name, answer in answers.items():
        assert set(answer) == {"metric", "parameters", "columns", "rows"}
        assert name.startswith(answer["metric"])
        assert all(len(row) == len(answer["columns"]) for row in answer["rows"])
        assert all(isinstance(value, str) for value in answer["parameters"].values())


# Timelines of one visitor, window 10: letters are steps, their place is the time.
@pytest.mark.parametrize(
    ("timeline", "steps", "level"),
    [
        ("", 2, 0),
        ("b a", 2, 1),
        ("a b", 2, 2),
        ("a.........b", 2, 2),  # ten later: still inside
        ("a..........b", 2, 1),  # eleven later: outside
        ("a..........a.b", 2, 2),  # step 1 again starts anew
        ("a....b....a....c", 3, 2),  # c continues the first run, whose window is over
        ("a....b....a.bc", 3, 3),
        ("a..b..a..c", 3, 3),  # the new start does not forget that b was reached
        ("abc", 3, 3),
        ("acb", 3, 2),
        ("c", 3, 0),
    ],
)
def test_the_funnel_is_that_of_windowfunnel(timeline: str, steps: int, level: int) -> None:
    marks = [(at, "abc".index(mark)) for at, mark in enumerate(timeline) if mark in "abc"]
    created = np.array([at for at, _ in marks], np.int64)
    step = np.array([n for _, n in marks], np.int64)
    levels = funnel_levels(np.zeros(len(marks), np.int64), created, step, steps, 10)
    assert {reached for reached, count in levels.items() if count} == ({level} if marks else set())
