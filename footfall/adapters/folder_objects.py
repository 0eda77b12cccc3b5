"""The ObjectStore port on a folder: an object is a file below it, its key the path from there."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from footfall.errors import FootfallError, ObjectChanged, ObjectGone, ObjectsDenied, ObjectsRefused
from footfall.ports import StoredObject

__all__ = ["FolderObjects"]

UNFINISHED = ".footfall-"


class FolderObjects:
    """Objects in a folder, which is made when it isn't there. A file once opened keeps its version."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._fault(error, "") from error

    @property
    def name(self) -> str:
        """See the port."""
        return str(self._folder)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """See the port."""
        keys = [
            (Path(at) / name).relative_to(self._folder).as_posix()
            for at, _, names in os.walk(self._folder)
            for name in names
            if not name.startswith(UNFINISHED)
        ]
        for key in sorted(keys, key=os.fsencode):
            if key.startswith(prefix):
                try:
                    yield self._look(key)
                except ObjectGone:
                    continue  # deleted since the folder was looked at

    def open(self, key: str, etag: str | None = None) -> IO[bytes]:
        """See the port."""
        try:
            file = self._path(key).open("rb")
        except OSError as error:
            raise self._fault(error, key) from error
        if etag and _etag(os.fstat(file.fileno())) != etag:
            file.close()
            raise ObjectChanged(address=f"{self.name}/{key}")
        return file

    def put(self, key: str, data: bytes | IO[bytes]) -> StoredObject:
        """See the port; on disk when this returns."""
        path = self._path(key)
        unfinished = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=UNFINISHED, delete=False) as file:
                unfinished = file.name
                if isinstance(data, bytes):
                    file.write(data)
                else:
                    shutil.copyfileobj(data, file, 1 << 20)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except OSError as error:
            if unfinished:
                Path(unfinished).unlink(missing_ok=True)
            raise self._fault(error, key) from error
        return self._look(key)

    def copy(self, key: str, target: str) -> StoredObject:
        """See the port."""
        with self.open(key) as file:
            return self.put(target, file)

    def delete(self, keys: Sequence[str]) -> None:
        """See the port. Folders that become empty stay."""
        for key in keys:
            try:
                self._path(key).unlink(missing_ok=True)
            except OSError as error:
                raise self._fault(error, key) from error

    def close(self) -> None:
        """Nothing is kept open."""

    def _look(self, key: str) -> StoredObject:
        try:
            stat = self._path(key).stat()
        except OSError as error:
            raise self._fault(error, key) from error
        modified = datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None)
        return StoredObject(key, _etag(stat), stat.st_size, modified)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            hint = "A key here is a path without empty parts, . and .."
            raise ObjectsRefused(place=self.name, cause=f"{key!r} is no key", hint=hint)
        return self._folder.joinpath(*parts)

    def _fault(self, error: OSError, key: str) -> FootfallError:
        address = f"{self.name}/{key}" if key else self.name
        if isinstance(error, FileNotFoundError):
            return ObjectGone(address=address)
        if isinstance(error, PermissionError):
            return ObjectsDenied(place=address, cause=error.strerror, action="reading and writing")
        hint = "Check the disk's room; a key that is a folder of other keys can't be written"
        return ObjectsRefused(place=address, cause=error.strerror or error, hint=hint)


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"
