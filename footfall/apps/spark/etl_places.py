"""Where an ETL's files lie, in folders or in S3, and how they are moved as if in one step."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Protocol

from footfall.adapters.addresses import address_of, in_bucket
from footfall.adapters.file_moves import Move, finish, move_all, only_one, pending
from footfall.adapters.object_moves import ObjectMoves, Step
from footfall.errors import BadSource, BadTarget, StoreFailed

__all__ = ["EtlPlaces", "places_of"]

STAGING = ".staging-"


class EtlPlaces(Protocol):
    """Raw files, and the place of what is made of them, by their addresses."""

    raw: str
    out: str

    def staging(self, job: str) -> AbstractContextManager[str]:
        """End what a job that was killed left half-way; give the address where this one leaves its files.

        What it left there is gone after the block.
        """
        ...

    def move(self, job: str, files: Sequence[Sequence[Move]]) -> None:
        """Make moves, all or, seen over crashes, none; those of one file follow each other."""
        ...


def places_of(raw: str, out: str) -> EtlPlaces:
    """Return the places, given as by a user. Raises BadSource or BadTarget for what cannot be meant."""
    raw, out = (address_of(given).rstrip("/") for given in (raw, out))
    if in_bucket(raw) != in_bucket(out):
        cause = "raw files and results are either both in S3, or both in folders"
        raise BadTarget(path=out, cause=cause, hint="Name a place like that of the raw files")
    if f"{out}/".startswith(f"{raw}/"):
        hint = "Name a place that is not below the raw files"
        raise BadTarget(path=out, cause="what is written there would be read as raw", hint=hint)
    if in_bucket(raw):
        return _Prefixes(raw, out)
    return _Folders(raw, out)


class _Folders:
    def __init__(self, raw: str, out: str) -> None:
        if not Path(raw).is_dir():
            hint = "Name the folder that holds the raw files"
            raise BadSource(path=raw, format="ndjson", cause="there is no such folder", hint=hint)
        self.raw, self.out = raw, out

    @contextmanager
    def staging(self, job: str) -> Iterator[str]:
        out = Path(self.out)
        with only_one(out):
            finish(out)
            for left in out.glob(f"{STAGING}*"):  # of runs that were killed
                rmtree(left, ignore_errors=True)
            place = out / f"{STAGING}{job}"
            try:
                yield str(place)
            except OSError as error:
                raise StoreFailed(store=self.out, cause=error.strerror) from error
            finally:
                if not pending(out):
                    rmtree(place, ignore_errors=True)

    def move(self, job: str, files: Sequence[Sequence[Move]]) -> None:
        del job  # a folder's lock keeps others out
        move_all(Path(self.out), [move for moves in files for move in moves])


class _Prefixes:
    def __init__(self, raw: str, out: str) -> None:
        if raw.count("/") < 3:
            hint = "Name a prefix, as s3://BUCKET/raw: processed/ is made beside it"
            raise BadSource(path=raw, format="ndjson", cause="it is a whole bucket", hint=hint)
        self.raw, self.out = raw, out
        self._moves = ObjectMoves(out)

    @contextmanager
    def staging(self, job: str) -> Iterator[str]:
        self._moves.finish()
        try:
            yield self._moves.staging(job)
        finally:
            self._moves.discard(job)

    def move(self, job: str, files: Sequence[Sequence[Move]]) -> None:
        self._moves.commit(job, [Step(moves, [move.source for move in moves]) for moves in files])
