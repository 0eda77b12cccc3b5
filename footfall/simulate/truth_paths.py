"""The parts of the truth that follow each visitor through time: funnels and sessions."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import DAY, SECOND
from footfall.simulate.people import Integers

__all__ = ["funnel_levels", "session_rows"]

IDLE = 30 * 60 * SECOND


def funnel_levels(
    visitor: Integers, created: Integers, step: NDArray[Any], steps: int, window: int
) -> Counter[int]:
    """Count visitors by the farthest step that they reached (1 to ``steps``; 0 is none).

    The meaning is that of ClickHouse's windowFunnel in its default mode: for each step the start of
    the latest run that led to it is kept; an event of step n continues the run of step n - 1 when it
    is no later than that run's start plus ``window`` (microseconds, inclusive); an event of the first
    step always starts anew. ``step`` counts from 0, one event being of one step.
    """
    order = np.lexsort((step, created, visitor))
    levels: Counter[int] = Counter()
    current, started, farthest = -1, [-1] * steps, 0
    columns = (visitor[order].tolist(), created[order].tolist(), step[order].tolist())
    for who, when, at in zip(*columns, strict=True):
        if who != current:
            levels[farthest] += current >= 0
            current, started, farthest = who, [-1] * steps, 0
        if at == 0:
            started[0] = when
        elif started[at - 1] >= 0 and when <= started[at - 1] + window:
            started[at] = started[at - 1]
        else:
            continue
        farthest = max(farthest, at + 1)
    levels[farthest] += current >= 0
    return levels


def session_rows(
    visitor: Integers, created: Integers
) -> Iterator[tuple[int, int, int, float, float, float]]:
    """Yield (day, sessions, visitors, average seconds, events per session, bounce rate) by day.

    A session ends after more than 30 minutes without an event of the visitor and belongs to the day
    on which it starts; ``created`` counts microseconds from a midnight.
    """
    order = np.lexsort((created, visitor))
    who, when = visitor[order], created[order]
    opens = np.ones(len(who), bool)
    opens[1:] = (who[1:] != who[:-1]) | (when[1:] - when[:-1] > IDLE)
    first = np.flatnonzero(opens)
    size = np.diff(first, append=len(who))
    lasted = when[first + size - 1] - when[first]
    day = when[first] // DAY
    for number in np.unique(day).tolist():
        on_day = day == number
        count = int(on_day.sum())
        yield (
            number,
            count,
            len(np.unique(who[first[on_day]])),
            int(lasted[on_day].sum()) / (SECOND * count),
            int(size[on_day].sum()) / count,
            int((size[on_day] == 1).sum()) / count,
        )
