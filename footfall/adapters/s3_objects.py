"""The ObjectStore port on an S3 bucket, or on whatever speaks S3 at AWS_ENDPOINT_URL."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import IO, Any, TypeVar

from footfall.adapters.aws_session import aws_client, broke_off, fault_of
from footfall.errors import FootfallError, ObjectChanged, ObjectGone, ObjectsRefused
from footfall.ports import StoredObject

__all__ = ["S3Objects"]

PART_BYTES = 8 << 20
READ_ATTEMPTS = 5  # of a body that breaks off; the client repeats only what fails before it
DELETED_AT_ONCE = 1_000
EMPTY = ("InvalidRange", "416")  # what asking for a range of an empty object gives

T = TypeVar("T")


class S3Objects:
    """Objects of one bucket; raises what the port says, MissingExtra without boto3."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._client = aws_client("s3")
        self._next = ThreadPoolExecutor(4, "s3-ahead")

    @property
    def name(self) -> str:
        """See the port."""
        return f"s3://{self._bucket}"

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """See the port: a request for every 1,000 objects."""
        pages = iter(
            self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        )
        while (
            page := self._ask(lambda: next(pages, None), self.name, "s3:ListBucket on the bucket")
        ) is not None:
            for found in page.get("Contents", ()):
                yield StoredObject(
                    found["Key"], found["ETag"].strip('"'), found["Size"], _naive(found["LastModified"])
                )

    def open(self, key: str, etag: str | None = None) -> IO[bytes]:
        """See the port: small objects in memory, larger ones by parts, the next while one is read."""
        part, found, size = self.read(key, etag, 0)
        if len(part) >= size:
            return io.BytesIO(part)
        return io.BufferedReader(_Parts(self, key, found, size, part, self._next), 1 << 20)

    def read(self, key: str, etag: str | None, start: int) -> tuple[bytes, str, int]:
        """Return a part of the object from byte ``start``, with its ETag and its whole size."""
        wanted = {"Bucket": self._bucket, "Key": key, "Range": f"bytes={start}-{start + PART_BYTES - 1}"}
        if etag:
            wanted["IfMatch"] = f'"{etag}"'

        def ask() -> tuple[bytes, str, int]:
            answer = self._client.get_object(**wanted)
            with answer["Body"] as body:
                data = body.read()
            size = int(answer.get("ContentRange", f"/{len(data)}").rpartition("/")[2])
            return data, answer["ETag"].strip('"'), size

        def known(code: str) -> FootfallError | None:
            return ObjectsRefused(place=self.name, cause=code, hint="") if code in EMPTY else None

        address = f"{self.name}/{key}"
        try:
            return self._ask(_repeated(ask), address, "s3:GetObject", known)
        except ObjectsRefused as error:
            if error.values["cause"] in EMPTY:
                return b"", etag or "", 0
            raise

    def put(self, key: str, data: bytes | IO[bytes]) -> StoredObject:
        """See the port; large ones in parts that are put together when all are there."""
        file = io.BytesIO(data) if isinstance(data, bytes) else data
        address = f"{self.name}/{key}"
        self._ask(lambda: self._client.upload_fileobj(file, self._bucket, key), address, "s3:PutObject")
        return self._look(key)

    def copy(self, key: str, target: str) -> StoredObject:
        """See the port."""
        source = {"Bucket": self._bucket, "Key": key}
        self._ask(
            lambda: self._client.copy(source, self._bucket, target),
            f"{self.name}/{key}",
            "s3:GetObject and s3:PutObject",
        )
        return self._look(target)

    def delete(self, keys: Sequence[str]) -> None:
        """See the port."""
        for place in range(0, len(keys), DELETED_AT_ONCE):
            wanted = {
                "Objects": [{"Key": key} for key in keys[place : place + DELETED_AT_ONCE]],
                "Quiet": True,
            }
            answer = self._ask(
                lambda wanted=wanted: self._client.delete_objects(Bucket=self._bucket, Delete=wanted),  # type: ignore[misc]
                self.name,
                "s3:DeleteObject",
            )
            for failed in answer.get("Errors", ()):
                address = f"{self.name}/{failed['Key']}"
                raise fault_of(_client_error(failed), address, "s3:DeleteObject")

    def close(self) -> None:
        """See the port."""
        self._next.shutdown(cancel_futures=True)
        self._client.close()

    def _look(self, key: str) -> StoredObject:
        found = self._ask(
            lambda: self._client.head_object(Bucket=self._bucket, Key=key),
            f"{self.name}/{key}",
            "s3:GetObject",
        )
        return StoredObject(
            key, found["ETag"].strip('"'), found["ContentLength"], _naive(found["LastModified"])
        )

    def _ask(
        self,
        call: Callable[[], T],
        address: str,
        action: str,
        known: Callable[[str], FootfallError | None] = lambda _: None,
    ) -> T:
        """Make one call; its errors become the port's."""

        def own(code: str) -> FootfallError | None:
            if code in {"NoSuchKey", "404", "NotFound"}:
                return ObjectGone(address=address)
            if code in {"PreconditionFailed", "412"}:
                return ObjectChanged(address=address)
            return known(code)

        from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        try:
            return call()
        except (BotoCoreError, ClientError, Boto3Error, ConnectionError, TimeoutError) as error:
            raise fault_of(_cause(error), address, action, own) from error


def _cause(error: Exception) -> Exception:
    """Return what lies behind an error of boto3's transfers, which wrap their request's."""
    behind = error.__cause__ or error.__context__
    wrapped = not hasattr(error, "response") and isinstance(behind, Exception)
    return behind if wrapped and hasattr(behind, "response") and isinstance(behind, Exception) else error


def _client_error(failed: dict[str, Any]) -> Exception:
    from botocore.exceptions import ClientError

    error: Exception = ClientError({"Error": failed}, "DeleteObjects")
    return error


def _repeated(ask: Callable[[], T]) -> Callable[[], T]:
    """Repeat what breaks off half-way, later and later."""

    def call() -> T:
        for attempt in range(READ_ATTEMPTS - 1):
            try:
                return ask()
            except Exception as error:
                if not broke_off(error):
                    raise
                time.sleep(0.2 * 2**attempt)
        return ask()

    return call


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


class _Parts(io.RawIOBase):
    """One version of a large object, read by parts; two of them are in memory."""

    def __init__(
        self, store: S3Objects, key: str, etag: str, size: int, first: bytes, pool: ThreadPoolExecutor
    ) -> None:
        self._store, self._key, self._etag, self._size, self._pool = store, key, etag, size, pool
        self._place, self._begin, self._part = 0, 0, first
        self._next: tuple[int, Future[tuple[bytes, str, int]]] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._size:
            return 0
        if not self._begin <= self._place < self._begin + len(self._part):
            self._fetch()
        at = self._place - self._begin
        view = memoryview(buffer).cast("B")
        data = self._part[at : at + len(view)]
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def _fetch(self) -> None:
        in_order = self._place == self._begin + len(self._part)
        ahead, self._next = self._next, None
        if ahead and ahead[0] == self._place:
            part = ahead[1].result()[0]
        else:
            part = self._store.read(self._key, self._etag, self._place)[0]
        if not part:
            raise ObjectChanged(address=f"{self._store.name}/{self._key}")
        self._begin, self._part = self._place, part
        after = self._begin + len(part)
        if in_order and after < self._size:
            self._next = (after, self._pool.submit(self._store.read, self._key, self._etag, after))
