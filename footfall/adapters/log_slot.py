"""Which log file is whose: a worker claims the lowest free one and holds it until it dies.

The claim is a lock that the system releases even after ``kill -9``, so that the worker that is
started in its place takes the same log again.
"""

import fcntl
import itertools
import os
from pathlib import Path
from typing import NamedTuple

__all__ = ["Claim", "claim_log", "log_files"]


class Claim(NamedTuple):
    """A log that nobody else may append to; ``handle`` is the locked file's descriptor."""

    path: Path
    handle: int

    def release(self) -> None:
        """Let others have it."""
        os.close(self.handle)


def claim_log(folder: Path) -> Claim:
    """Claim ``worker-K.sqlite`` with the lowest K that no living process holds.

    Raises OSError when the folder can't be made or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        path = folder / f"worker-{number}.sqlite"
        handle = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        return Claim(path, handle)
    raise AssertionError("numbers do not end")


def log_files(folder: Path) -> list[Path]:
    """Return every worker's log in the folder, in the order of their numbers."""
    return sorted(folder.glob("worker-*.sqlite"), key=lambda path: (len(path.stem), path.stem))
