"""How requests hand their records over to the log: in groups with others, or each by itself.

Group commit: many requests hand over their records, one thread writes them, one commit for all.
The order is the promise: appended, then acknowledged. What HTTP makes of it is the app's matter.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from footfall.core.record import Record
from footfall.errors import FootfallError, LogFailed
from footfall.ports import EventLog
from footfall.ports.delivery import Stream

__all__ = ["Commit", "Committed", "DirectCommit", "GroupCommit"]

WAITING_BYTES = 33_554_432
GROUP_BYTES = 4_194_304
MEASURE_SECONDS = 1.0
# Senders at the same time wait this long for company: a commit costs the same for one as for many.
# A sender alone waits for nobody.
APART_SECONDS = 0.003


class Commit(Protocol):
    """What a door hands its records to."""

    async def check(self) -> None:
        """Return when records are taken; else raise what the log says."""
        ...

    def submit(self, records: Sequence[Record]) -> Awaitable[None]:
        """Store records; done when they are. Raises LogFull, LogFailed."""
        ...


class DirectCommit:
    """Stores each request's records at once: for a door that has one request at a time."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def check(self) -> None:
        """See Commit."""
        self._stream.check()

    async def submit(self, records: Sequence[Record]) -> None:
        """See Commit."""
        self._stream.append(records)


class Committed(NamedTuple):
    """One commit, for those who measure: how long it took, and what was in it.

    ``log_bytes`` is the log's size, measured once a second; else None.
    """

    seconds: float
    requests: int
    records: int
    error: FootfallError | None
    log_bytes: int | None = None


class _Waiter(NamedTuple):
    records: Sequence[Record]
    size: int
    done: asyncio.Future[None]


class GroupCommit:
    """Hands records to the log in groups; lives on one event loop and owns one thread.

    At most ``waiting_bytes`` of bodies wait; beyond that LogFailed is raised at once. ``observe``
    is called on the loop after each commit, before the waiters are woken.
    """

    def __init__(
        self,
        log: EventLog,
        loop: asyncio.AbstractEventLoop,
        *,
        waiting_bytes: int = WAITING_BYTES,
        group_bytes: int = GROUP_BYTES,
        observe: Callable[[Committed], None] | None = None,
    ) -> None:
        self._trusted = False
        self._log = log
        self._loop = loop
        self._waiting_bytes = waiting_bytes
        self._group_bytes = group_bytes
        self._observe = observe
        self._size = 0
        self._measured = -MEASURE_SECONDS
        self._closed = False
        self._queue: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="group-commit", daemon=True)
        self._thread.start()

    async def check(self) -> None:
        """Return when the log takes records; else raise what it says.

        While commits succeed that needs no asking; after a failure, and before the first commit,
        the log is asked with nothing to write.
        """
        if self._trusted:
            return
        await self.submit(())

    def submit(self, records: Sequence[Record]) -> asyncio.Future[None]:
        """Queue records; the future is done when they are committed, or fails as the log did.

        Raises LogFailed when too much waits already. Cancelling the future doesn't take the
        records back.
        """
        size = sum(len(record.body) for record in records)
        if self._closed:
            raise LogFailed(log=self._log.name, cause="the collector is stopping")
        if self._size + size > self._waiting_bytes:
            raise LogFailed(log=self._log.name, cause=f"{self._size} bytes wait to be written already")
        self._size += size
        done = self._loop.create_future()
        self._queue.put(_Waiter(records, size, done))
        return done

    def close(self, timeout: float | None = None) -> bool:
        """Commit what waits, then end the thread; return whether that was done in time.

        Waiters are woken by the loop, so let it run once more afterwards.
        """
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _write(self) -> None:
        going_on = True
        began, company = 0.0, 0.0
        while going_on:
            waiter = self._queue.get()
            if company > 1.5 and waiter is not None:
                time.sleep(max(0.0, began + APART_SECONDS - time.monotonic()))
            began = time.monotonic()
            group: list[_Waiter] = []
            size = 0
            while waiter is not None:
                group.append(waiter)
                size += waiter.size
                if size >= self._group_bytes:
                    break
                try:
                    waiter = self._queue.get_nowait()
                except queue.Empty:
                    break
            going_on = waiter is not None
            company = max(float(len(group)), company * 0.9)
            if group:
                committed = self._append(group)
                self._loop.call_soon_threadsafe(self._settle, group, size, committed)

    def _append(self, group: list[_Waiter]) -> Committed:
        records = [record for waiter in group for record in waiter.records]
        start = time.perf_counter()
        error: FootfallError | None = None
        log_bytes = None
        try:
            if start - self._measured > MEASURE_SECONDS:  # before: after it nothing may fail any more
                log_bytes, self._measured = self._log.size(), start
            self._log.append(records)
        except FootfallError as failure:
            error = failure
        except Exception as failure:  # the thread must outlive what nobody thought of
            error = LogFailed(log=self._log.name, cause=repr(failure))
            error.__cause__ = failure
        return Committed(time.perf_counter() - start, len(group), len(records), error, log_bytes)

    def _settle(self, group: list[_Waiter], size: int, committed: Committed) -> None:
        self._size -= size
        self._trusted = committed.error is None
        if self._observe is not None:
            self._observe(committed)
        for waiter in group:
            if waiter.done.done():
                continue  # its request was cancelled; its records are safe all the same
            if committed.error is None:
                waiter.done.set_result(None)
            else:
                waiter.done.set_exception(committed.error)
