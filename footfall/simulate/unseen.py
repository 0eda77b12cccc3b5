"""What one side misses: browsers that block the script, and page loads that no server is asked for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.kits import KITS, Kit
from footfall.simulate.people import People

__all__ = ["Gaps", "Unseen", "draw_unseen"]

MOST = 0.95  # of one browser's users, however many block in all


@dataclass(frozen=True, slots=True)
class Gaps:
    """Shares: ``blockers`` of browsers that block the script, ``cached`` of page loads from a cache."""

    blockers: float = 0.0
    cached: float = 0.0

    def __post_init__(self) -> None:
        for name, share in (("blockers", self.blockers), ("cached", self.cached)):
            if not 0 <= share < 1:
                raise ValueError(f"{name} must be a share from 0 to below 1, not {share}")


@dataclass(frozen=True, slots=True)
class Unseen:
    """Who blocks, by device (first or second) and person, and the share of loads that is cached.

    Crawlers block nothing.
    """

    blocks: NDArray[np.bool_]
    cached: float


def _leaning(kit: Kit) -> float:
    """Say how much more than others a kit's people block: more at a desk, most with Firefox."""
    if kit.device == "desktop":
        return 2.4 if "Firefox" in kit.agent else 1.4
    return 0.6


def draw_unseen(people: People, gaps: Gaps, rng: np.random.Generator) -> Unseen:
    """Draw who blocks; the share is kept over all people, and differs from browser to browser."""
    leaning = np.array([_leaning(kit) for kit in KITS])
    weight = np.array([kit.weight for kit in KITS])
    chance = np.minimum(leaning * gaps.blockers / np.average(leaning, weights=weight), MOST)
    kits = np.stack((people.kit, people.second_kit))
    drawn = rng.random(kits.shape)
    blocks = np.zeros(kits.shape, np.bool_)
    human = (kits >= 0) & (kits < len(KITS))
    blocks[human] = drawn[human] < chance[kits[human]]
    return Unseen(blocks, gaps.cached)
