"""A lake in a folder that jobs write to: partitions are staged beside it, then swapped in one by one.

A partition's folder is exchanged with the staged one in a single step of the file system, and the new
files have names that the old ones had not. So a reader sees the old partition or the new one; one that
listed the old and opens a file after the swap finds it gone, and never reads half of each.
"""

import ctypes
import errno
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from footfall.adapters.addresses import listed
from footfall.adapters.disk_sync import sync
from footfall.adapters.lake_file import hour_of, part_name
from footfall.errors import LakeChanged, StoreFailed
from footfall.ports.lakes import LakeFile

__all__ = ["FolderLake", "LakeSwap"]

PART = re.compile(r"part-(\d{5})\.parquet")
MOST_PARTS = 100_000
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


class FolderLake:
    """The HourLake port on a folder."""

    def __init__(self, folder: str) -> None:
        self.name = folder

    def files(self, top: str) -> list[LakeFile]:
        """See the port."""
        hours = [(hour_of(place), place) for place, _ in listed(f"{self.name}/{top}")]
        return sorted(LakeFile(hour, place) for hour, place in hours if hour is not None)

    def swap(self, job: str) -> "LakeSwap":
        """See the port; a job that was killed left nothing half-way."""
        return LakeSwap(Path(self.name), job)


class LakeSwap:
    """One job's staging place in a lake; see the port HourSwap. Raises StoreFailed when the disk refuses.

    What was replaced is deleted ``grace`` seconds after the last swap, when who had opened a folder before
    it has read what is in it.
    """

    def __init__(self, lake: Path, job: str, *, grace: float = 1.0) -> None:
        self._lake = lake
        self._grace, self._swapped = grace, False
        self._place = lake / f".staging-{job}"
        self.staging = f"{self._place}/files"
        try:
            Path(self.staging).mkdir(parents=True)
        except OSError as error:
            raise _refused(error) from error

    def commit(
        self,
        partitions: Mapping[str, Sequence[str]],
        gone: Iterable[str],
        read: Iterable[LakeFile] | None = None,
    ) -> None:
        """See the port. Without ``read``, what stands there is not looked at."""
        gone = sorted(gone)
        if read is not None:
            self._unchanged({f"{self._lake}/{partition}" for partition in (*partitions, *gone)}, read)
        lost = [place for staged in partitions.values() for place in staged if not Path(place).is_file()]
        if lost:
            cause = f"{lost[0]}, which an executor wrote, is not seen from here"
            raise StoreFailed(store="The lake", cause=cause)
        try:
            for partition in sorted(partitions):
                self._swap(partition, partitions[partition])
            for partition in gone:
                target = self._lake / partition
                if target.is_dir():
                    self._swapped = True
                    target.rename(self._aside(partition))
                    sync(target.parent)
        except OSError as error:
            raise _refused(error) from error

    def close(self) -> None:
        """Remove the staging place, and what was replaced."""
        if self._swapped:
            time.sleep(self._grace)
        shutil.rmtree(self._place, ignore_errors=True)

    def _unchanged(self, folders: set[str], read: Iterable[LakeFile]) -> None:
        """Raise LakeChanged when files came, or went, since the lake was read."""
        seen = {file.place for file in read if file.place.rpartition("/")[0] in folders}
        now = {place for folder in folders for place, _ in listed(folder) if hour_of(place) is not None}
        if changed := seen ^ now:
            raise LakeChanged(lake=self._lake, place=min(changed))

    def _swap(self, partition: str, files: Sequence[str]) -> None:
        target, fresh = self._lake / partition, self._aside(partition)
        fresh.mkdir(parents=True)
        first = _first_number(target, len(files))
        for number, file in enumerate(map(Path, files), first):
            sync(file)
            file.rename(fresh / part_name(number))
        sync(fresh)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._swapped = True
        if target.is_dir():
            _exchange(fresh, target)
        else:
            fresh.rename(target)
        sync(target.parent)

    def _aside(self, partition: str) -> Path:
        place = self._place / "partitions" / partition
        place.parent.mkdir(parents=True, exist_ok=True)
        return place


def _first_number(target: Path, count: int) -> int:
    """Return where to number from, so that no name is one that stands there."""
    taken = [int(match[1]) for path in target.glob("part-*") if (match := PART.fullmatch(path.name))]
    first = max(taken, default=-1) + 1
    return first if first + count <= MOST_PARTS else 0


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places in one step, where the system can; else in two quick ones."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(
            AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), ctypes.c_uint(RENAME_EXCHANGE)
        )
        if done == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise OSError(number, os.strerror(number), str(other))
    aside = one.with_name(f"{one.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def _refused(error: OSError) -> StoreFailed:
    return StoreFailed(store="The lake", cause=error.strerror or error)
