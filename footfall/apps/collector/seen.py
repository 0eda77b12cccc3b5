"""Which event ids this worker committed lately: the hint behind ``duplicates`` in an answer.

Only a hint, since another worker may have taken the first copy: the loader decides.
"""

from collections.abc import Sequence

__all__ = ["Seen"]

GENERATION = 131_072  # ids; two generations of hashes are about 25 MB


class Seen:
    """Two generations of 64-bit hashes: when the younger is full it becomes the older, which is dropped.

    A false hit needs 2^32 ids or much luck.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: set[int] = set()
        self._old: set[int] = set()

    def count(self, keys: Sequence[int]) -> int:
        """Count how many of these were added before, or stand here more than once."""
        fresh = set(keys)
        fresh -= self._young
        fresh -= self._old
        return len(keys) - len(fresh)

    def add(self, keys: Sequence[int]) -> None:
        """Remember ids that are committed."""
        self._young.update(keys)
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, set()
