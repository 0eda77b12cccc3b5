"""Objects put in place of others as if in one step, in stores that know no renaming.

What is to be done is noted first, as an object that is seen whole or not at all; a crash before the note
leaves everything as it was, and after it whoever comes next does what was left undone.

::

    _staging/JOB/...     what a job makes, where readers don't look
    _moves/JOB.json      noted: being done, or left half-way by a job that was killed
    _moves/JOB.done      done; kept for a day, so that who listed meanwhile can tell
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import msgspec

from footfall.adapters.addresses import exists, located
from footfall.adapters.file_moves import Move
from footfall.errors import ObjectGone

__all__ = ["ObjectMoves", "Step"]

NOTES, STAGING = "_moves/", "_staging/"
BEGUN, DONE = ".json", ".done"
AT_ONCE = 16
DONE_KEPT = timedelta(days=1)
STAGED_KEPT = timedelta(days=7)  # of a job that was killed before its note; longer than a job takes


class Step(msgspec.Struct, frozen=True, array_like=True):
    """Objects that come, all from a staging place, and then objects that go; addresses of any buckets."""

    moves: Sequence[Move]
    gone: Sequence[str] = ()


class ObjectMoves:
    """What is moved below one prefix, whose notes lie there; ``s3://BUCKET`` or ``s3://BUCKET/PREFIX``.

    Raises what the port ObjectStore raises.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._store, prefix = located(address)
        self._prefix = f"{prefix}/" if prefix else ""

    def staging(self, job: str) -> str:
        """Return the address below which a job leaves what it makes."""
        return f"{self._address}/{STAGING}{job}"

    def commit(self, job: str, steps: Sequence[Step]) -> None:
        """Do the steps, each in its order and many at a time; then the job's staging place goes."""
        self._store.put(f"{self._prefix}{NOTES}{job}{BEGUN}", msgspec.json.encode(steps))
        self._do(job, steps)

    def finish(self) -> int:
        """Do what notes tell of and was not done, and tidy up; return how many jobs were left half-way."""
        jobs = self._begun()
        for job in jobs:
            self._do(job, self._steps(job))
        now = datetime.now(UTC).replace(tzinfo=None)
        self._expire(NOTES, now - DONE_KEPT)
        self._expire(STAGING, now - STAGED_KEPT)
        return len(jobs)

    def pending(self) -> list[Step]:
        """Return the steps of jobs that are being done, or were left half-way."""
        return [step for job in self._begun() for step in self._steps(job)]

    def state(self) -> frozenset[tuple[str, str]]:
        """Return a value that is another one once a job has begun or ended its moves."""
        return frozenset((note.key, note.etag) for note in self._store.list(f"{self._prefix}{NOTES}"))

    def discard(self, job: str) -> None:
        """Remove what a job staged, unless its moves were begun: then it is needed."""
        if job not in self._begun():
            self._store.delete([found.key for found in self._store.list(f"{self._prefix}{STAGING}{job}/")])

    def _do(self, job: str, steps: Sequence[Step]) -> None:
        _many(_do, steps)
        note = f"{self._prefix}{NOTES}{job}"
        self._store.put(f"{note}{DONE}", b"")
        self._store.delete([f"{note}{BEGUN}"])
        self.discard(job)

    def _begun(self) -> list[str]:
        notes = f"{self._prefix}{NOTES}"
        keys = [found.key for found in self._store.list(notes)]
        return [key[len(notes) : -len(BEGUN)] for key in keys if key.endswith(BEGUN)]

    def _steps(self, job: str) -> list[Step]:
        try:
            with self._store.open(f"{self._prefix}{NOTES}{job}{BEGUN}") as note:
                return msgspec.json.decode(note.read(), type=list[Step])
        except ObjectGone:  # it was done since
            return []

    def _expire(self, folder: str, before: datetime) -> None:
        old = [
            found.key
            for found in self._store.list(f"{self._prefix}{folder}")
            if found.modified < before and not found.key.endswith(BEGUN)
        ]
        self._store.delete(old)


def _do(step: Step) -> None:
    for move in step.moves:
        store, key = located(move.source)
        target = located(move.target)[1]
        try:
            store.copy(key, target)
        except ObjectGone:
            if not exists(move.target):  # else it was moved before the job was killed
                raise
    by_store: dict[str, list[str]] = {}
    for address in step.gone:
        store, key = located(address)
        by_store.setdefault(store.name, []).append(key)
    for name, keys in by_store.items():
        located(name)[0].delete(keys)


def _many(work: Callable[[Step], None], steps: Iterable[Step]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(work, step) for step in steps]:
            done.result()
