"""The static files, read once from the package: each with its type, its bytes, and gzip of them.

They lie under a path that holds the hash of them all, so that a browser keeps them for good and
the relative imports of the ES modules stay within one release.
"""

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["Asset", "Assets", "read_assets"]

TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
}
PACKED = {"js", "css", "svg", "json", "txt", "md"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    media_type: str
    body: bytes
    packed: bytes | None


@dataclass(frozen=True, slots=True)
class Assets:
    """All static files by path, and the hash of their content."""

    release: str
    by_path: Mapping[str, Asset]

    def url(self, path: str) -> str:
        """Return the address of a file. Raises KeyError for one that isn't there."""
        if path not in self.by_path:
            raise KeyError(path)
        return f"/static/{self.release}/{path}"


def read_assets() -> Assets:
    """Read the package's ``static`` folder; gzip is made here, once per process."""
    found = dict(sorted(_walk(files(__package__) / "static", "")))
    digest = hashlib.sha256()
    for path, body in found.items():
        digest.update(path.encode() + b"\0" + body + b"\0")
    return Assets(digest.hexdigest()[:16], {path: _asset(path, body) for path, body in found.items()})


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif not entry.name.startswith("."):
            yield prefix + entry.name, entry.read_bytes()


def _asset(path: str, body: bytes) -> Asset:
    extension = path.rpartition(".")[2]
    media_type = TYPES.get(extension) or mimetypes.guess_type(path)[0] or "text/plain; charset=utf-8"
    return Asset(media_type, body, gzip.compress(body, 6, mtime=0) if extension in PACKED else None)
