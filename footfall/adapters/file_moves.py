"""Many files moved as if in one step: what is to be moved is noted first, and whoever comes next ends it.

A crash before the note leaves all files where they were; after it, ``finish`` does what was left undone.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from footfall.adapters.disk_sync import sync
from footfall.errors import StoreFailed

__all__ = ["Move", "finish", "move_all", "only_one", "pending"]

NOTE, LOCK = ".moves.json", ".lock"


class Move(msgspec.Struct, frozen=True, array_like=True):
    """A file's place now, and the one that it is to have, on the same disk."""

    source: str
    target: str


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold a folder for this process. Raises StoreFailed when another has it, or it can't be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreFailed(store=f"{folder}", cause=error.strerror) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StoreFailed(store=f"{folder}", cause="another run writes to it now") from error
    finally:
        os.close(descriptor)


def move_all(folder: Path, moves: Sequence[Move]) -> None:
    """Move files, all or, seen over crashes, none; the note of it stands in ``folder``.

    Raises StoreFailed when the disk refuses; the next ``finish`` then goes on.
    """
    note, draft = folder / NOTE, folder / f"{NOTE}.new"
    try:
        for move in moves:
            sync(Path(move.source))
        draft.write_bytes(msgspec.json.encode(moves))
        sync(draft)
        draft.replace(note)
        sync(folder)
    except OSError as error:
        raise StoreFailed(store=f"{folder}", cause=error.strerror) from error
    finish(folder)


def pending(folder: Path) -> bool:
    """Say whether moves were noted and not ended; their sources must be left where they are."""
    return (folder / NOTE).exists()


def finish(folder: Path) -> int:
    """Do the moves that a note tells of and that are not done; return how many there were."""
    note = folder / NOTE
    try:
        if not note.is_file():
            return 0
        left = [
            move
            for move in msgspec.json.decode(note.read_bytes(), type=list[Move])
            if os.path.lexists(move.source)
        ]
        for move in left:
            target = Path(move.target)
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(move.source).replace(target)
        for place in {Path(name).parent for move in left for name in (move.source, move.target)}:
            sync(place)
        note.unlink()
        sync(folder)
    except OSError as error:
        raise StoreFailed(store=f"{folder}", cause=error.strerror) from error
    return len(left)
