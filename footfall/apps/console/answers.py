"""Answers for pages: worked out in a few threads, once per commit of the warehouse, and shared.

A page asks some twenty questions at once and many people may look at it; none of that may block
the event loop, crowd the loader out, or ask the warehouse the same thing twice.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

__all__ = ["Answers", "Kept"]

QUERY_THREADS = 4
QUICK_THREADS = 4
KEPT_ANSWERS = 512
KEPT_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Kept:
    """An encoded answer with the version of the warehouse that it was worked out on."""

    body: bytes
    etag: str
    version: int
    made: float


class Answers:
    """Runs blocking work in threads, and keeps JSON answers until the warehouse changes.

    Used from one event loop. ``version`` gives the warehouse's commit number.
    """

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self._queries = ThreadPoolExecutor(QUERY_THREADS, "console-query")
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "console-quick")
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._kept_bytes = 0
        self._under_way: dict[Hashable, asyncio.Future[Kept]] = {}

    async def run(self, work: Callable[[], Any], *, quick: bool = False) -> Any:
        """Return the work's result. ``quick`` work does not wait behind queries."""
        pool = self._quick if quick else self._queries
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def kept(self, key: Hashable, work: Callable[[], Any], *, max_stale: float = 0.0) -> Kept:
        """Return the work's result as JSON: the kept one while no commit came after it.

        A caller that takes answers up to ``max_stale`` seconds behind the last commit (RFC 9111,
        5.2.1.2) gets a kept one in that time even so. Equal questions at one time are asked once.
        """
        version = self._version()
        kept = self._kept.get(key)
        if kept and (kept.version == version or time.monotonic() - kept.made <= max_stale):
            self._kept.move_to_end(key)
            return kept
        flight = (key, version)
        future = self._under_way.get(flight)
        if future is None:
            future = asyncio.ensure_future(self.run(lambda: _encoded(work, version)))
            self._under_way[flight] = future
            future.add_done_callback(lambda done: self._landed(key, flight, done))
        return await asyncio.shield(future)

    def _landed(self, key: Hashable, flight: Hashable, done: asyncio.Future[Kept]) -> None:
        del self._under_way[flight]
        if done.cancelled() or done.exception() is not None:
            return
        kept = done.result()
        old = self._kept.pop(key, None)
        if old and old.version > kept.version:
            kept = old
        elif old:
            self._kept_bytes -= len(old.body)
            self._kept_bytes += len(kept.body)
        else:
            self._kept_bytes += len(kept.body)
        self._kept[key] = kept
        while len(self._kept) > KEPT_ANSWERS or (self._kept_bytes > KEPT_BYTES and len(self._kept) > 1):
            _, gone = self._kept.popitem(last=False)
            self._kept_bytes -= len(gone.body)

    def close(self) -> None:
        """Wait for running work and end the threads."""
        self._queries.shutdown(wait=True, cancel_futures=True)
        self._quick.shutdown(wait=True, cancel_futures=True)


def _encoded(work: Callable[[], Any], version: int) -> Kept:
    body = msgspec.json.encode(work())
    etag = hashlib.blake2b(body, digest_size=12).hexdigest()
    return Kept(body, f'"{etag}"', version, time.monotonic())
