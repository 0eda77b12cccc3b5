"""A lake in S3 that jobs write to: how an hour is replaced as a whole where nothing can be renamed.

An hour of one object takes its new content under its old key: S3 does that in one step, for every reader.
An hour of several objects, before or after, gets objects of new names, and then the old ones are deleted.
In between a program that only lists sees both. Jobs of ours see neither half: the moves are noted before
the first one, and who lists looks at the notes before and after.
"""

import time
from collections.abc import Iterable, Mapping, Sequence

from footfall.adapters.addresses import listed
from footfall.adapters.file_moves import Move
from footfall.adapters.lake_file import hour_of
from footfall.adapters.object_moves import ObjectMoves, Step
from footfall.errors import LakeChanged
from footfall.ports.lakes import LakeFile

__all__ = ["BucketLake"]

LOOKS = 100
PAUSE = 0.2  # seconds between two looks at a lake that a job is changing


class BucketLake:
    """The HourLake port at s3://BUCKET or s3://BUCKET/PREFIX. Raises what the port ObjectStore raises."""

    def __init__(self, address: str) -> None:
        self.name = address
        self._moves = ObjectMoves(address)

    def files(self, top: str) -> list[LakeFile]:
        """See the port. Raises LakeChanged when jobs change the lake without a pause."""
        for _ in range(LOOKS):
            state = self._moves.state()
            found = dict(listed(f"{self.name}/{top}"))
            hidden = _hidden(found, self._moves.pending())
            if hidden is not None and self._moves.state() == state:
                hours = [(hour_of(place), place, version) for place, version in found.items()]
                return sorted(
                    LakeFile(hour, place, version)
                    for hour, place, version in hours
                    if hour is not None and place not in hidden
                )
            time.sleep(PAUSE)
        raise LakeChanged(lake=self.name, place=top)

    def swap(self, job: str) -> "_Swap":
        """See the port."""
        self._moves.finish()
        return _Swap(self, self._moves, job)


def _hidden(found: Mapping[str, str], pending: Iterable[Step]) -> set[str] | None:
    """Return what a listing shows too much; None when it is half of each, since it took several requests.

    The old objects of a step are too much when its new ones are all there; else the new ones are.
    """
    hidden: set[str] = set()
    for step in pending:
        targets, gone = {move.target for move in step.moves}, set(step.gone)
        if targets <= found.keys():
            hidden |= gone
        elif gone <= found.keys():
            hidden |= targets
        elif any(place in found for place in targets | gone):
            return None
    return hidden


class _Swap:
    """See the port HourSwap."""

    def __init__(self, lake: BucketLake, moves: ObjectMoves, job: str) -> None:
        self._lake, self._moves, self._job = lake, moves, job
        self.staging = moves.staging(job)

    def commit(
        self, partitions: Mapping[str, Sequence[str]], gone: Iterable[str], read: Iterable[LakeFile]
    ) -> None:
        """See the port."""
        emptied = dict.fromkeys(gone, ())
        changes = sorted({**emptied, **partitions}.items())
        tops = {partition.partition("/")[0] for partition, _ in changes}
        now = {file for top in tops for file in self._lake.files(top)}
        standing: dict[str, list[LakeFile]] = {}
        for file in read:
            standing.setdefault(file.place.rpartition("/")[0], []).append(file)
        steps: list[Step] = []
        for partition, staged in changes:
            folder = f"{self._lake.name}/{partition}"
            old = standing.get(folder, [])
            for file in old:
                if file not in now:  # what came since is left alone
                    raise LakeChanged(lake=self._lake.name, place=file.place)
            steps.append(_step(folder, staged, [file.place for file in old], self._job))
        if steps:
            self._moves.commit(self._job, steps)

    def close(self) -> None:
        """See the port."""
        self._moves.discard(self._job)


def _step(folder: str, staged: Sequence[str], old: Sequence[str], job: str) -> Step:
    if len(staged) == len(old) == 1:
        return Step([Move(staged[0], old[0])])
    # A name that never stood there: who has the old listing can't take one for the other.
    fresh = [
        Move(source, f"{folder}/part-{number:05d}-{job}.parquet") for number, source in enumerate(staged)
    ]
    return Step(fresh, old)
