"""Objects fetched while others are read: many at once, within a bounded memory."""

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import IO

from footfall.services.imports.sources import Source

__all__ = ["fetched"]

THREADS = 16
WHOLE_BYTES = 8 << 20  # larger objects are read range by range
AHEAD_BYTES = 48 << 20
AHEAD_OBJECTS = 64


def fetched(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the sources in their order, the small remote ones already in memory.

    What cannot be fetched raises its error when it is opened.
    """
    waiting: deque[tuple[Source, Future[bytes] | None]] = deque()
    held = 0
    pool = ThreadPoolExecutor(THREADS, "fetch")
    try:
        for source in sources:
            fetch = pool.submit(_whole, source) if source.remote and source.size <= WHOLE_BYTES else None
            waiting.append((source, fetch))
            held += source.size if fetch else 0
            while held > AHEAD_BYTES or len(waiting) > AHEAD_OBJECTS or not source.remote:
                first, fetch = waiting.popleft()
                held -= first.size if fetch else 0
                yield _ready(first, fetch)
                if not waiting:
                    break
        while waiting:
            yield _ready(*waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def _whole(source: Source) -> bytes:
    with source.opened() as file:
        return file.read()


def _ready(source: Source, fetch: Future[bytes] | None) -> Source:
    if fetch is None:
        return source

    def opened() -> IO[bytes]:
        return io.BytesIO(fetch.result())

    return replace(source, opened=opened)
