"""When a worker's requests first came, for those that may be sent again.

Only of this worker, and lost with it: ``core.protocols.repeats.mark_of`` says what others make of it.
"""

__all__ = ["Lately"]

GENERATION = 32_768  # requests; two generations are about 10 MB


class Lately:
    """Two generations of names and their first times: when the younger is full the older is dropped."""

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}

    def first(self, name: str, now: int, seconds: int) -> int:
        """Return when it first came, if that is less than ``seconds`` ago; else ``now``, from now on.

        Times are microseconds.
        """
        first = self._young.get(name, self._old.get(name))
        if first is not None and 0 <= now - first < seconds * 1_000_000:
            return first
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, {}
        self._young[name] = now
        return now
