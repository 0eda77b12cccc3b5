"""The estimates of a reconciliation, each with its source; counts in, numbers out.

Two lists of the same visitors: the access log's and the script's. Some stand in both.
"""

import math
from typing import NamedTuple

__all__ = ["Interval", "Lists", "Z", "population", "population_interval", "population_variance", "wilson"]

Z = 1.959963984540054
"""Of the standard normal distribution 95 % lie within so many deviations of its mean."""


class Interval(NamedTuple):
    """The bounds of a 95 % interval."""

    low: float
    high: float


class Lists(NamedTuple):
    """How many stand in the first list, in the second, and in both; ``both`` is no more than either."""

    first: int
    second: int
    both: int

    @property
    def seen(self) -> int:
        """Those in at least one list."""
        return self.first + self.second - self.both


def wilson(count: int, of: int, z: float = Z) -> Interval | None:
    """Return the score interval of the share ``count / of``; None when ``of`` is 0.

    Wilson (1927), J. Am. Stat. Assoc. 22, 209-212; it keeps its level for small numbers and shares
    near 0 and 1, where the usual one fails (Newcombe 1998, Stat. Med. 17, 857-872).
    """
    if of <= 0:
        return None
    share = count / of
    spread = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    scale = 1 + z * z / of
    middle = share + z * z / (2 * of)
    low = 0.0 if count == 0 else (middle - spread) / scale
    high = 1.0 if count == of else (middle + spread) / scale
    return Interval(low, high)


def population(lists: Lists) -> float:
    """Estimate how many there are, those in no list included.

    Chapman (1951), Univ. Calif. Publ. Stat. 1, 131-160: Lincoln's and Petersen's estimator without
    its bias in small samples. It assumes that the lists are independent of each other.
    """
    first, second, both = lists
    return (first + 1) * (second + 1) / (both + 1) - 1


def population_variance(lists: Lists) -> float:
    """Estimate the variance of ``population``.

    Seber (1982), The Estimation of Animal Abundance, 2nd ed., p. 60.
    """
    first, second, both = lists
    return (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))


def population_interval(lists: Lists, z: float = Z) -> Interval:
    """Return the log-normal interval of ``population``, which never falls below those who were seen.

    The logarithm of how many were in no list is taken as normal: Chao (1987), Biometrics 43, 783-791,
    after Burnham. Where one list holds the other, nobody is estimated to be missing, and both
    bounds are that estimate.
    """
    unseen = population(lists) - lists.seen
    if unseen <= 0:
        return Interval(float(lists.seen), float(lists.seen))
    factor = math.exp(z * math.sqrt(math.log1p(population_variance(lists) / unseen**2)))
    return Interval(lists.seen + unseen / factor, lists.seen + unseen * factor)
