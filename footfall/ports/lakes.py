"""A lake that jobs on many machines write to: files by hour, each hour replaced as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["HourLake", "HourSwap", "LakeFile"]


class LakeFile(NamedTuple):
    """A file of a lake: its hour since 1970, its address, and which version of it was seen there."""

    hour: int
    place: str
    version: str = ""


class HourSwap(Protocol):
    """One job's change of a lake; tasks leave files below the address ``staging``, under any names."""

    staging: str

    def commit(
        self, partitions: Mapping[str, Sequence[str]], gone: Iterable[str], read: Iterable[LakeFile]
    ) -> None:
        """Put staged files in place of what stood in their partitions; empty those that are gone.

        A partition is named by its path from the lake, its files come in the order of their parts; ``read``
        is what the job saw of the lake. Stopped half-way, each partition is the old or the new one, and the
        same job run again does the rest. Raises LakeChanged, with nothing committed, when another has
        changed what was read; StoreFailed or the port ObjectStore's errors when the store refuses.
        """
        ...

    def close(self) -> None:
        """Remove what was staged and is not needed any more."""
        ...


class HourLake(Protocol):
    """Where a lake lies; ``events/`` and ``rejected/`` are its tops."""

    @property
    def name(self) -> str:
        """Its address: a folder's path, or s3://BUCKET/PREFIX."""
        ...

    def files(self, top: str) -> list[LakeFile]:
        """Return the files below a top, by hour and name: every hour as it was or is, none half-way."""
        ...

    def swap(self, job: str) -> HourSwap:
        """Begin a job's change, and end what a job that was killed left half-way."""
        ...
