"""Reading a request's body: never more than is allowed, never for longer than is decent."""

import asyncio
from typing import Any, Protocol

__all__ = ["Slow", "TooLarge", "read_body"]

SECONDS = 30.0
LOOK_SECONDS = 5.0
DRAINED_BYTES = 16 << 20
"""A body up to here is read to its end before it is refused: a sender whose connection is cut while it
still sends sees no 413, and tries the same again."""


class TooLarge(Exception):
    """The body is over the limit."""


class BodyProtocol(Protocol):
    """What of RSGI's HTTP protocol is used: https://github.com/emmett-framework/granian RSGI.md."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> Any: ...


async def read_body(protocol: BodyProtocol, headers: Any, limit: int) -> bytes:
    """Return the whole body. Raises TooLarge; ValueError when the sender broke off."""
    if "transfer-encoding" not in headers:
        length = headers.get("content-length")
        if length is None:
            return b""
        if int(length) > limit:
            if int(length) <= DRAINED_BYTES:
                async for _ in protocol:
                    pass
            raise TooLarge
        try:
            body = await protocol()
        except RuntimeError as error:  # granian's "stream error": the sender hung up
            raise ValueError("the body broke off") from error
        if len(body) != int(length):
            raise ValueError("the body broke off")
        return body
    parts: list[bytes] = []
    total = ends = 0
    async for part in protocol:
        # Granian gives one empty part at the end, and one more where the sender broke off (or sent
        # trailers, which none of ours does); an exception it keeps to itself. Tests watch over it.
        ends += not part
        if ends > 1:
            raise ValueError("the body broke off")
        total += len(part)
        if total > limit:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


class Slow:
    """Ends reads that take too long, with one timer for all instead of one for each."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float = SECONDS) -> None:
        self._loop = loop
        self._seconds = seconds
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def starts(self) -> asyncio.Task[Any]:
        """Note that this task reads now; hand the result to ``ends``."""
        task = asyncio.current_task(self._loop)
        assert task is not None  # noqa: S101 - the server runs each request as a task
        self._reading[task] = self._loop.time()
        return task

    def ends(self, task: asyncio.Task[Any]) -> None:
        """Note that it has read."""
        self._reading.pop(task, None)

    def _look(self) -> None:
        oldest = self._loop.time() - self._seconds
        for task in [task for task, start in self._reading.items() if start < oldest]:
            task.cancel()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)
