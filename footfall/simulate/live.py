"""Live traffic: people who are on the site now, for as long as the caller's clock goes on."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import count

import numpy as np

from footfall.simulate.columns import SECOND, Events, join, take
from footfall.simulate.encode import encode
from footfall.simulate.people import People
from footfall.simulate.world import simulate, spans

__all__ = ["live"]

# A world's days are used up one after the other; their dates don't show in what is sent.
ANY_DAY = date(2024, 1, 1)
DAYS = 30


def _sessions(seed: int, users: int) -> Iterator[tuple[int, People, Events]]:
    """Yield sessions one by one in the order in which they began, without end: (seed, people, events)."""
    for number in count(seed):
        world = simulate(users, DAYS, number, ANY_DAY)
        for _, _, span in spans(world):
            opens = np.flatnonzero((span.source >= 0) | (np.diff(span.person, prepend=-1) != 0))
            ends = np.append(opens[1:], len(span))
            for at in np.argsort(span.created[opens], kind="stable").tolist():
                yield number, world.people, take(span, slice(opens[at], ends[at]))


def live(
    moments: Iterable[tuple[int, int]], seed: int, *, users: int = 500, at_once: int = 40
) -> Iterator[bytes]:
    """Yield one NDJSON block for each of ``moments``: (now in UTC microseconds, events since the last).

    The caller keeps time: a moment is taken when its block is asked for. About ``at_once`` sessions
    go on side by side; each event happened between the moment before (a second, for the first) and
    now, no two at the same microsecond when moments leave room for it. Ids are made of those times,
    so that a later run with the same seed repeats none.
    """
    rng = np.random.default_rng([seed, 4])
    waiting = _sessions(seed, users)
    running = [(next(waiting), 0) for _ in range(at_once)]
    before = 0
    for now, size in moments:
        before = before or now - SECOND
        chosen = rng.integers(0, at_once, size).tolist()
        happened: dict[int, list[Events]] = {}
        crowds: dict[int, People] = {}
        for nth, place in enumerate(chosen):
            (number, people, session), step = running[place]
            at = before + (nth + 1) * (now - before) // size
            event = take(session, slice(step, step + 1))
            event = replace(event, created=np.array([at]), number=np.array([at]))
            happened.setdefault(number, []).append(event)
            crowds[number] = people
            over = step + 1 == len(session)
            running[place] = (next(waiting), 0) if over else (running[place][0], step + 1)
        before = now
        yield b"".join(encode(join(events), crowds[number], number) for number, events in happened.items())
