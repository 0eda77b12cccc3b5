"""A store of objects by key: an S3 bucket, or a folder that is used as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

__all__ = ["ObjectStore", "StoredObject"]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of an object: ``etag`` changes whenever its bytes do; ``modified`` is naive UTC."""

    key: str
    etag: str
    size: int
    modified: datetime


class ObjectStore(Protocol):
    """Objects in one bucket. Any thread may call at any time.

    Raises ObjectGone for a key that isn't there, ObjectChanged for one that is another version by
    now, ObjectsDenied without the rights, ObjectsRefused for what the store won't do (such as a
    bucket that isn't there), ObjectsLost when it can't be reached or goes on throttling.
    """

    @property
    def name(self) -> str:
        """The address of the bucket; an object's is this, a slash and its key."""
        ...

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield all objects whose key begins with ``prefix``, by key in the order of its UTF-8 bytes."""
        ...

    def open(self, key: str, etag: str | None = None) -> IO[bytes]:
        """Open an object to be read from any byte on, in this version (or today's).

        All bytes are of one version: a read raises ObjectChanged when the object was replaced, ObjectGone
        when it was deleted.
        """
        ...

    def put(self, key: str, data: bytes | IO[bytes]) -> StoredObject:
        """Write an object, in place of one by this key. It is seen whole or not at all."""
        ...

    def copy(self, key: str, target: str) -> StoredObject:
        """Copy an object within the store, in place of one by the key ``target``."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; a key that isn't there is no error."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
