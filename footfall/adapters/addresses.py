"""Files by their address, a path or s3://BUCKET/KEY: listed, read and written where the work is."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO
from uuid import uuid4

from footfall.adapters.s3_objects import S3Objects

__all__ = ["address_of", "bucket_named", "exists", "in_bucket", "listed", "located", "reading", "writing"]

OBJECTS = "s3://"
HIDDEN = ("_", ".")  # how names begin that Spark, Athena and DuckDB's users pass over


def in_bucket(address: str) -> bool:
    """Say whether an address is of an object, or a prefix of objects."""
    return address.startswith(OBJECTS)


def address_of(given: str) -> str:
    """Return an address that means the same everywhere: a path made absolute, s3a:// as s3://."""
    if given.startswith("s3a://"):  # what Hadoop calls it
        given = f"{OBJECTS}{given.removeprefix('s3a://')}"
    return given if in_bucket(given) else str(Path(given).expanduser().absolute())


@lru_cache(None)
def bucket_named(name: str) -> S3Objects:
    """Return the store of a bucket, one in a process. Raises MissingExtra without boto3."""
    return S3Objects(name)


def located(address: str) -> tuple[S3Objects, str]:
    """Return the store and the key of an s3:// address."""
    bucket, _, key = address.removeprefix(OBJECTS).partition("/")
    return bucket_named(bucket), key


def listed(folder: str) -> Iterator[tuple[str, str]]:
    """Yield address and version of all files below a folder or prefix but hidden ones, by name."""
    if in_bucket(folder):
        store, prefix = located(folder)
        prefix = f"{prefix}/" if prefix else ""
        for found in store.list(prefix):
            parts = found.key[len(prefix) :].split("/")
            if parts[-1] and not any(part.startswith(HIDDEN) for part in parts):
                yield f"{store.name}/{found.key}", found.etag
        return
    for path in sorted(Path(folder).rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(HIDDEN) for part in inside):
            yield str(path), ""


def exists(address: str) -> bool:
    """Say whether there is a file or an object at this very address."""
    if in_bucket(address):
        store, key = located(address)
        first = next(store.list(key), None)  # in the order of keys none that goes on stands before it
        return first is not None and first.key == key
    return Path(address).exists()


def reading(address: str, version: str = "") -> IO[bytes]:
    """Open a file in this version, or as it is now. Raises OSError, or the port ObjectStore's errors."""
    if in_bucket(address):
        store, key = located(address)
        return store.open(key, version or None)
    return Path(address).open("rb")


@contextmanager
def writing(address: str) -> Iterator[IO[bytes]]:
    """Write a file that is seen whole, when the block ends, or not at all; its folder is made."""
    if in_bucket(address):
        store, key = located(address)
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            store.put(key, file)
        return
    path = Path(address)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
