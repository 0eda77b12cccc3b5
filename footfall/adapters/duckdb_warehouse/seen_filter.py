"""A Bloom filter over the ids seen: most batches hold no duplicate, and then nothing is looked up.

The table ``store.seen`` stays the truth. What the filter denies was surely never seen; what it
does not deny (duplicates, and one id in a hundred by chance) is looked up in the table. Without it
each commit compared its ids with all those of 7 days, so that storing got slower by the day.

All bits of an id lie in one word, so that it costs one access to memory: Putze, Sanders, Singler,
"Cache-, Hash- and Space-Efficient Bloom Filters", 2007. It grows by layers: Almeida, Baquero,
Preguiça, Hutchison, "Scalable Bloom Filters", 2007.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["SeenFilter"]

Digests = npt.NDArray[np.uint64]

IDS_PER_WORD = 4
FIRST_IDS = 1 << 20
GROWTH = 4
BITS_OF_A_PROBE = 6  # a place in a word of 64 bits
PROBES = 4
ONE, LAST_PLACE = np.uint64(1), np.uint64(63)


class _Layer(NamedTuple):
    """One filter of fixed size, and how many ids it takes."""

    words: npt.NDArray[np.uint64]
    room: int

    def word_of(self, digests: Digests) -> npt.NDArray[np.int64]:
        """Return the place of each digest's word, from bits that no probe uses."""
        place = (digests >> np.uint64(PROBES * BITS_OF_A_PROBE)) & np.uint64(len(self.words) - 1)
        return place.astype(np.int64)


class SeenFilter:
    """Takes digests (64 even bits each) and tells which may have been added before.

    Two bytes an id. It grows by layers, each four times as large as the one before.
    """

    def __init__(self) -> None:
        self._layers: list[_Layer] = []
        self._held = 0

    def add(self, digests: Digests) -> None:
        """Remember digests; adding one twice is adding it once."""
        while len(digests):
            if not self._layers or self._held >= self._layers[-1].room:
                room = GROWTH * self._layers[-1].room if self._layers else FIRST_IDS
                self._layers.append(_Layer(np.zeros(room // IDS_PER_WORD, dtype=np.uint64), room))
                self._held = 0
            layer = self._layers[-1]
            taken = digests[: layer.room - self._held]
            np.bitwise_or.at(layer.words, layer.word_of(taken), _bits(taken))
            self._held += len(taken)
            digests = digests[len(taken) :]

    def may_hold(self, digests: Digests) -> npt.NDArray[np.bool_]:
        """Return for each digest whether it may be held; False is certain."""
        held = np.zeros(len(digests), dtype=bool)
        bits = _bits(digests)
        for layer in self._layers:
            held |= (layer.words[layer.word_of(digests)] & bits) == bits
        return held


def _bits(digests: Digests) -> Digests:
    bits = np.zeros(len(digests), dtype=np.uint64)
    for probe in range(PROBES):
        bits |= ONE << ((digests >> np.uint64(probe * BITS_OF_A_PROBE)) & LAST_PLACE)
    return bits
