"""Whether the export's days begin at another hour than was said."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["SHIFTS", "Fit", "best_shift"]

SHIFTS = range(-14, 15)
"""Whole hours by which all days are tried to begin later."""
FEWEST_DAYS = 5
"""With fewer, one of the many shifts fits by chance."""
WORTH = 0.002
"""On a site with much the same traffic every day, another hour moves little more than this."""
BETTER = 0.5


class Fit(NamedTuple):
    """Days that begin ``hours`` later fit: what stays of the difference falls from ``now`` to ``then``.

    Both are shares of their total, after all days of ours are multiplied by one factor: a constant
    share of bots says nothing of the hour.
    """

    hours: int
    now: float
    then: float


def best_shift(theirs: Mapping[int, int], ours: Mapping[int, Mapping[int, int]]) -> Fit | None:
    """Find the shift that halves the difference of all days at least; None when none does.

    ``theirs`` is a count per place of a day; ``ours`` the same for each shift of ``SHIFTS``.
    """
    if len(theirs) < FEWEST_DAYS or not sum(theirs.values()):
        return None
    rest = {hours: _rest(theirs, ours.get(hours, {})) for hours in SHIFTS}
    # of equal fits the nearest: an hour in which nobody came says nothing
    best = min(rest, key=lambda hours: (round(rest[hours], 6), abs(hours), hours))
    if rest[0] < WORTH or rest[best] > rest[0] * BETTER:
        return None
    return Fit(best, rest[0], rest[best])


def _rest(theirs: Mapping[int, int], ours: Mapping[int, int]) -> float:
    """Return what stays of the difference when the sums are made equal."""
    total = sum(theirs.values())
    counted = sum(ours.get(place, 0) for place in theirs)
    if not counted:
        return 1.0
    factor = total / counted
    return sum(abs(factor * ours.get(place, 0) - count) for place, count in theirs.items()) / total
