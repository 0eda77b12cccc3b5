"""The sources of an import: files and objects, found by path, folder, prefix or glob.

How their bytes are read belongs to ``reading``, what is in them to ``layouts``.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from footfall.errors import BadSource, SourceUnreadable
from footfall.ports import ObjectStore, StoredObject

__all__ = ["OBJECTS", "OpenStore", "Source", "find_sources", "unreadable"]

OBJECTS = "s3://"
GLOB = re.compile(r"[*?\[]")

OpenStore = Callable[[str], ObjectStore]
"""Gives the store of a bucket. Raises MissingExtra without the client that it needs."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file or an object, in one version.

    ``name`` is for people: its path or address. ``key`` stays with a file that is renamed;
    ``version`` and ``size`` change whenever its bytes do. ``named`` when the caller gave its own name, not
    only a folder, prefix or glob. ``growing`` when a program may be writing its last line now.
    """

    name: str
    key: str
    version: str
    size: int
    named: bool
    opened: Callable[[], IO[bytes]]
    growing: bool = False

    @property
    def remote(self) -> bool:
        """Whether its bytes come over a network."""
        return self.key.startswith(OBJECTS)


def find_sources(
    format: str, paths: Sequence[str], open_store: OpenStore | None = None, *, growing: bool = False
) -> list[Source]:
    """Return what is behind the paths, each once, in the order given and by name within a folder.

    A folder means all files below it but hidden ones; ``s3://bucket/prefix`` all objects whose key
    begins so, unless one has just this key. Raises BadSource for a path with nothing behind it.
    """
    found: dict[str, Source] = {}
    for given in paths:
        if given.startswith(OBJECTS):
            sources = _objects(given, format, open_store)
        else:
            sources = _files(given, format, growing=growing)
        before = len(found)
        for source in sources:
            found.setdefault(source.key, source)
            before = -1
        if before >= 0:
            raise BadSource(
                path=given,
                format=format,
                cause="there is no file or object by this name, in this folder or for this pattern",
                hint="Give files, folders or globs of this machine, or s3://BUCKET/PREFIX",
            )
    return list(found.values())


def _files(given: str, format: str, *, growing: bool) -> Iterator[Source]:
    path = Path(given).expanduser()
    named = False
    try:
        if path.is_file():
            files, named = [path], True
        elif path.is_dir():
            files = sorted(_below(path))
        else:
            files = sorted(_matching(path))
        for file in files:
            try:
                stat = file.stat()
            except FileNotFoundError:
                continue  # it went since the folder was looked at
            yield Source(
                name=str(file),
                key=f"file:{stat.st_dev}-{stat.st_ino}",
                version=str(stat.st_mtime_ns),
                size=stat.st_size,
                named=named,
                opened=partial(_open_file, file),
                growing=growing,
            )
    except OSError as error:  # a name that is too long, a folder that may not be listed
        raise unreadable(given, format, error) from error


def _open_file(path: Path) -> IO[bytes]:
    return path.open("rb")


def _matching(pattern: Path) -> list[Path]:
    relative = str(pattern.relative_to(pattern.anchor))
    return [path for path in Path(pattern.anchor or ".").glob(relative or "*") if path.is_file()]


def _below(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _objects(given: str, format: str, open_store: OpenStore | None) -> Iterator[Source]:
    bucket, _, wanted = given.removeprefix(OBJECTS).partition("/")
    if not bucket or open_store is None:
        cause = "it names no bucket" if not bucket else "objects are not read here"
        raise BadSource(path=given, format=format, cause=cause, hint="Give s3://BUCKET/PREFIX")
    store = open_store(bucket)
    pattern = GLOB.search(wanted)
    listed = store.list(wanted[: pattern.start()] if pattern else wanted)
    matches = _key_pattern(wanted) if pattern else None
    for found in listed:
        if found.key == wanted:
            yield _object(store, found, named=True)
            return
        if found.key.endswith("/") and not found.size:
            continue  # what the AWS console makes to show an empty folder
        if matches is None or matches.fullmatch(found.key):
            yield _object(store, found, named=False)


def _object(store: ObjectStore, found: StoredObject, *, named: bool) -> Source:
    address = f"{store.name}/{found.key}"
    opened = partial(store.open, found.key, found.etag)
    return Source(address, address, found.etag, found.size, named, opened)


def _key_pattern(pattern: str) -> re.Pattern[str]:
    """Return a shell's pattern as a regular one: only ``**`` reaches over a slash."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^]/]+\])", pattern)
    meant = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = [
        meant.get(part) or (part.replace("[!", "[^", 1) if place % 2 else re.escape(part))
        for place, part in enumerate(parts)
    ]
    return re.compile("".join(text), re.DOTALL)


def unreadable(name: str, format: str, error: Exception) -> SourceUnreadable:
    """Return the error of a source that cannot be read, whatever is in it."""
    return SourceUnreadable(
        path=name,
        format=format,
        cause=f"it cannot be read to its end ({error})",
        hint="Mend the file and import it again: what was read before the damage is kept and not doubled",
    )
