"""How people move through the site: sessions as Markov chains, stepped for all sessions at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import SECOND
from footfall.simulate.people import Integers, weighted
from footfall.simulate.site import (
    ACTIONS,
    DISHES,
    ELEMENTS,
    EXIT,
    PAGES,
    RESTAURANTS,
    SEARCHES,
    STARTS,
    STEPS,
    page_number,
)

__all__ = ["LONGEST_SPENT", "Steps", "crawl", "walk"]

PAGE_VIEW, PRODUCT_VIEW, ADD_TO_CART, CHECKOUT, PURCHASE, CLICK, SEARCH, SIGN_UP = range(len(ACTIONS))

MAX_STEPS = 80
# Half seconds: an hour; the encoder keeps the text of each possible value.
LONGEST_SPENT = 7_200
IDLE_SHARE = 0.012  # tabs that are left and come back to, on both sides of the 30-minute rule

FIRST_MENU = page_number(f"/menu/{RESTAURANTS[0]}")
FIRST_DISH = page_number(f"/dish/{DISHES[0].slug}")
FIXED_PAGES = np.zeros(len(ACTIONS), np.int16)
FIXED_PAGES[[CHECKOUT, PURCHASE, SEARCH, SIGN_UP]] = [
    page_number(path) for path in ("/checkout", "/checkout/thanks", "/search", "/sign-up")
]
PRICES = np.array([dish.cents for dish in DISHES], np.int32)
# Row n lies between n and n + 1, so one search in the flat edges finds the next action of any row.
EDGES = (np.cumsum(STEPS, axis=1) + np.arange(len(STEPS))[:, None]).ravel()


@dataclass(frozen=True, slots=True)
class Steps:
    """What happened in sessions, in columns; ``session`` is a place in what was walked."""

    session: Integers
    created: NDArray[np.int64]
    action: NDArray[np.int8]
    page: NDArray[np.int16]
    previous: NDArray[np.int16]
    detail: NDArray[np.int16]
    half_seconds: NDArray[np.int32]
    cents: NDArray[np.int32]


def _next(state: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    drawn = np.searchsorted(EDGES, state + rng.random(len(state)), side="right") - state * len(STEPS[0])
    state_after: NDArray[Any] = np.minimum(drawn, EXIT)
    return state_after


def _gaps(size: int, rng: np.random.Generator) -> Integers:
    """Microseconds until the next action; never zero and even (see world._apart)."""
    seconds = np.exp(rng.normal(2.7, 1.1, size))
    idle = rng.random(size) < IDLE_SHARE
    seconds[idle] = rng.uniform(900, 5_400, int(idle.sum()))
    gaps: Integers = (np.minimum(seconds, 5_400) * (SECOND // 2)).astype(np.int64) * 2 + 2
    return gaps


def walk(starts: Integers, rng: np.random.Generator) -> Steps:
    """Walk one session from each of ``starts`` (UTC microseconds, even) until it leaves."""
    sessions = len(starts)
    alive = np.arange(sessions)
    state = weighted(rng, list(STARTS), sessions)
    clock = starts.copy()
    current = np.full(sessions, -1, np.int16)
    dish = weighted(rng, [1 / (n + 2) for n in range(len(DISHES))], sessions)
    restaurant = weighted(rng, [1 / (n + 1) for n in range(len(RESTAURANTS))], sessions)
    cart = np.zeros(sessions, np.int32)
    rows: list[tuple[NDArray[Any], ...]] = []
    for _ in range(MAX_STEPS):
        size = len(alive)
        looks = alive[state == PRODUCT_VIEW]
        dish[looks] = weighted(rng, [1 / (n + 2) for n in range(len(DISHES))], len(looks))
        moves = alive[(state == CLICK) & (rng.random(size) < 0.15)]
        restaurant[moves] = rng.integers(0, len(RESTAURANTS), len(moves))
        on_dish = (state == PRODUCT_VIEW) | (state == ADD_TO_CART)
        clicks, searches, buys = state == CLICK, state == SEARCH, state == PURCHASE

        page = FIXED_PAGES[state]
        views = state == PAGE_VIEW
        page[views] = weighted(rng, [row.weight for row in PAGES], int(views.sum()))
        page[on_dish] = FIRST_DISH + dish[alive[on_dish]]
        page[clicks] = FIRST_MENU + restaurant[alive[clicks]]
        detail = np.zeros(size, np.int16)
        detail[on_dish] = dish[alive[on_dish]]
        element = weighted(rng, [row[1] for row in ELEMENTS], int(clicks.sum()))
        detail[clicks] = element * len(RESTAURANTS) + restaurant[alive[clicks]]
        detail[searches] = rng.integers(0, len(SEARCHES), int(searches.sum()))
        spent = np.zeros(size, np.int32)
        seconds = np.exp(rng.normal(2.9, 0.9, int(clicks.sum())))
        spent[clicks] = np.clip(seconds * 2, 1, LONGEST_SPENT).astype(np.int32)
        adds = alive[state == ADD_TO_CART]
        cart[adds] += PRICES[dish[adds]]
        cents = np.where(buys, cart[alive], 0).astype(np.int32)
        cart[alive[buys]] = 0

        rows.append(
            (alive, clock[alive], state.astype(np.int8), page, current[alive], detail, spent, cents)
        )
        current[alive] = page
        clock[alive] += _gaps(size, rng)
        state = _next(state, rng)
        stays = state != EXIT
        alive, state = alive[stays], state[stays]
        if not len(alive):
            break
    return Steps(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def crawl(starts: Integers, rng: np.random.Generator) -> Steps:
    """Fetch a dozen pages or so from each of ``starts``, as a crawler does: plain page views."""
    lengths = 1 + rng.poisson(12, len(starts))
    session = np.repeat(np.arange(len(starts)), lengths)
    gaps = (rng.exponential(6.0, len(session)) * (SECOND // 2)).astype(np.int64) * 2 + 2
    elapsed = np.cumsum(gaps)
    first = np.cumsum(lengths) - lengths
    created = starts[session] + elapsed - np.repeat(elapsed[first], lengths)
    size = len(session)
    return Steps(
        session=session,
        created=created,
        action=np.zeros(size, np.int8),
        page=rng.integers(0, len(PAGES), size).astype(np.int16),
        previous=np.full(size, -1, np.int16),
        detail=np.zeros(size, np.int16),
        half_seconds=np.zeros(size, np.int32),
        cents=np.zeros(size, np.int32),
    )
