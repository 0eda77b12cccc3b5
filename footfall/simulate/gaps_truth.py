"""The exact answers about what log and script miss: who came, who blocked, by day and by country."""

from collections import Counter

import numpy as np

from footfall.simulate.columns import DAY, take
from footfall.simulate.places import PLACES
from footfall.simulate.truth import Answer
from footfall.simulate.world import World, spans

__all__ = ["gaps_truth"]

COLUMNS = ["name", "visitors", "blocked"]


def gaps_truth(world: World) -> dict[str, Answer]:
    """Return what ``footfall reconcile`` estimates, in the form of ``truth``; bots are left out.

    A visitor is a device on which anything was done on a day, whether log and script saw it or not. The
    answers are those of a command, not of a metric.
    """
    assert world.unseen is not None, "without gaps nothing is unseen"  # noqa: S101
    came: set[tuple[int, int, int]] = set()
    for _, _, span in spans(world):
        done = take(span, np.flatnonzero(span.person < world.people.count))
        day = (done.created - world.origin) // DAY
        came.update(zip(day.tolist(), done.person.tolist(), done.slot.tolist(), strict=True))
    days: Counter[str] = Counter()
    countries: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    for number, person, slot in came:
        name = str(np.datetime64(world.start) + number)
        country = PLACES[world.people.place[person]].country
        days[name] += 1
        countries[country] += 1
        if world.unseen.blocks[slot, person]:
            blocked.update((name, country))
    return {
        f"reconcile_by_{part}": {
            "command": "reconcile",
            "columns": COLUMNS,
            "rows": [[name, count, blocked[name]] for name, count in sorted(counts.items())],
        }
        for part, counts in (("day", days), ("country", countries))
    }
