"""The data folder: who owns it, and where its running platform can be reached.

The owner holds a lock on ``footfall.lock`` that the system releases even after ``kill -9``;
``platform.json`` beside it says where the owner listens.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from footfall.errors import PlatformBusy

__all__ = ["FolderLock", "Running", "alone", "running_platform"]


class Running(Struct, frozen=True, kw_only=True):
    """A running platform: its process and the address of its API ("" when it has none)."""

    pid: int
    console: str = ""
    collector: str = ""


class FolderLock:
    """Sole ownership of a data folder's warehouse. Raises PlatformBusy when another has it."""

    def __init__(self, data: Path, *, console: str = "", collector: str = "") -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._card = data / "platform.json"
        self._file: IO[bytes] = (data / "footfall.lock").open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            running = running_platform(data)
            raise PlatformBusy(data=data, pid=running.pid if running else "unknown") from error
        card = Running(pid=os.getpid(), console=console, collector=collector)
        fresh = self._card.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(card))
        fresh.replace(self._card)

    def close(self) -> None:
        """Give the folder up."""
        self._card.unlink(missing_ok=True)
        self._file.close()


def running_platform(data: Path) -> Running | None:
    """Return who owns the folder now; None when nobody does."""
    lock = data / "footfall.lock"
    if not lock.exists():
        return None
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return None
    try:
        return msgspec.json.decode((data / "platform.json").read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return Running(pid=0)


@contextmanager
def alone(lock: Path) -> Iterator[bool]:
    """Hold a lock file for the block; False when another process, or another block, holds it."""
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
