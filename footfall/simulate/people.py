"""Who the simulated people are: drawn once per world, as columns with one entry a person.

Crawlers stand behind the people in the same columns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.kits import CRAWLERS, KITS
from footfall.simulate.places import PLACES

__all__ = ["FOREVER", "People", "active", "draw_people", "weighted"]

Integers = NDArray[np.int64]

# "Never logs in", as a time; far from overflow when compared or added to.
FOREVER = 1 << 60

# Kinds of habit: come once, now and then, regularly, nearly daily. Columns: share of people, chance
# to come on the day after the first, days until that chance has halved or so, how steeply it falls.
HABITS = (
    (0.42, 0.00, 1.0, 1.0),
    (0.34, 0.24, 3.0, 0.75),
    (0.18, 0.34, 12.0, 0.45),
    (0.06, 0.82, 60.0, 0.25),
)
WEEKDAYS = (0.98, 0.96, 1.0, 1.04, 1.18, 1.12, 0.88)  # Monday first: dinner is ordered on Fridays


@dataclass(frozen=True, slots=True)
class People:
    """One entry a person: ``count`` people, then crawlers.

    ``first_day`` counts from the world's start and is negative for those who came before it;
    ``age`` is 0 where it isn't told; ``birthday`` is the first day of the world on which the age
    is one more; ``member_since`` is UTC microseconds (0: always, FOREVER: not yet).
    """

    count: int
    first_day: Integers
    habit: Integers
    place: Integers
    kit: Integers
    second_kit: Integers
    age: Integers
    birthday: Integers
    member_since: Integers


def weighted(rng: np.random.Generator, weights: list[float], size: int) -> Integers:
    """Draw ``size`` places in ``weights``, each as often as its weight says."""
    edges = np.cumsum(weights)
    drawn: Integers = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return drawn


def draw_people(users: int, days: int, rng: np.random.Generator) -> People:
    """Draw ``users`` people and the crawlers that a site of this size attracts."""
    crawlers = max(2, users // 150)
    everyone = users + crawlers
    habit = weighted(rng, [row[0] for row in HABITS], everyone)
    # Growth: later days bring somewhat more new people; a third of those who return know us already.
    joined = np.floor(days * rng.random(everyone) ** 0.85).astype(np.int64)
    before = -1 - np.floor(180 * rng.random(everyone) ** 1.5).astype(np.int64)
    known = (rng.random(everyone) < 0.33) & (habit > 0)
    first_day = np.where(known, before, joined)
    place = weighted(rng, [row.weight for row in PLACES], everyone)
    kit = weighted(rng, [row.weight for row in KITS], everyone)
    kit[users:] = len(KITS) + weighted(rng, [row.weight for row in CRAWLERS], crawlers)
    second = weighted(rng, [row.weight for row in KITS], everyone)
    second_kit = np.where(rng.random(everyone) < 0.22, second, -1)
    second_kit[users:] = -1
    age = np.clip(np.round(rng.gamma(7.0, 3.6, everyone) + 14), 16, 92).astype(np.int64)
    age[rng.random(everyone) < 0.35] = 0
    age[users:] = 0
    member = known & (rng.random(everyone) < 0.55)
    member[users:] = False
    return People(
        count=users,
        first_day=first_day,
        habit=habit,
        place=place,
        kit=kit,
        second_kit=second_kit,
        age=age,
        birthday=rng.integers(0, 365, everyone),
        member_since=np.where(member, 0, FOREVER),
    )


def active(
    people: People, days: Integers, weekday: int, rng: np.random.Generator
) -> tuple[Integers, Integers]:
    """Return (day, person) of everyone who comes on ``days`` (counted from the world's start).

    ``weekday`` is that of the world's start, Monday being 0. New people come on their first day;
    after it the chance falls as a power of the days since, which is how real cohorts fade.
    """
    table = np.array(HABITS)
    since = days[:, None] - people.first_day[None, : people.count]
    chance, scale, steep = (table[people.habit[: people.count], n] for n in (1, 2, 3))
    returns = chance * (1.0 + np.maximum(since, 0) / scale) ** -steep
    returns *= np.array(WEEKDAYS)[(days + weekday) % 7][:, None]
    returns[since == 0] = 1.0
    returns[since < 0] = 0.0
    day, person = np.nonzero(rng.random(returns.shape) < returns)
    return days[day], person.astype(np.int64)
