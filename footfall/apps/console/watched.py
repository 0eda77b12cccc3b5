"""Long work that a caller watches: JSON lines tell its progress, the last one ``{"done": ...}``.

It has a thread of its own, since it may take hours, or hang on a disk or a server that does not answer:
neither may take a thread from questions or hold up the platform's stop. A caller that leaves ends it.
"""

import asyncio
import ipaddress
import logging
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec

from footfall.apps.console.room import AnyRequest
from footfall.errors import FootfallError

__all__ = ["from_here", "watched"]

Tell = Callable[[Mapping[str, Any]], None]

_log = logging.getLogger(__name__)


class _CallerLeft(BaseException):
    """Raised in the work where it tells its progress; nothing on the way takes it for a fault."""


def from_here(request: AnyRequest) -> bool:
    """Say whether the caller is on this machine: only such may name its files and addresses."""
    client = request.scope.get("client")
    return client is not None and ipaddress.ip_address(client[0]).is_loopback


async def watched(order: Callable[[Tell], Mapping[str, Any]]) -> AsyncIterator[bytes]:
    """Run the order and yield what it tells, a JSON line each; an error of ours is the last line."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    left = threading.Event()

    def tell(line: Mapping[str, Any]) -> None:
        if left.is_set():
            raise _CallerLeft
        try:
            loop.call_soon_threadsafe(lines.put_nowait, line)
        except RuntimeError as error:  # the loop is closed: the platform stops
            raise _CallerLeft from error

    thread = threading.Thread(target=_work, args=(order, tell), name="watched", daemon=True)
    thread.start()
    try:
        while True:
            line = await lines.get()
            yield msgspec.json.encode(line) + b"\n"
            if "done" in line or "error" in line:
                return
    finally:
        left.set()


def _work(order: Callable[[Tell], Mapping[str, Any]], tell: Tell) -> None:
    try:
        try:
            tell({"done": order(tell)})
        except FootfallError as error:
            tell({"error": str(error), "retryable": error.retryable})
        except Exception:
            _log.exception("work that a caller watched failed")
            told = "The platform failed at it; its output has the reason."
            tell({"error": told, "retryable": False})
    except _CallerLeft:
        _log.warning("the caller of an import or export left; it was stopped where it was")
