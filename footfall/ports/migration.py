"""A store that files are moved to and that vouches for each of them by its checksum."""

from typing import Protocol

__all__ = ["CheckedStore"]


class CheckedStore(Protocol):
    """Objects of one bucket. Raises ObjectsDenied, ObjectsRefused, ObjectsLost."""

    @property
    def name(self) -> str:
        """The address of the bucket."""
        ...

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the bytes of all objects below a prefix, by key."""
        ...

    def checksum(self, key: str) -> str | None:
        """Return the SHA-256 (hex) that the store itself reckoned; None where it has none."""
        ...

    def put(self, key: str, content: bytes, checksum: str) -> None:
        """Write bytes whose SHA-256 (hex) this is; the store refuses any other."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; none is no error."""
        ...
