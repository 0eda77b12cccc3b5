"""The collector's parent process: forks workers, replaces the dead, passes the end on.

It serves nothing itself. The workers share the port (SO_REUSEPORT); the parent holds it bound, so
that no other program gets it between two of them.
"""

import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from footfall.adapters.geo import open_country_lookup
from footfall.apps.collector import worker
from footfall.apps.collector.counters import Counters
from footfall.apps.collector.policy import access_of, setting_problems
from footfall.errors import AddressInUse, BadSettings
from footfall.settings import Settings

__all__ = ["run"]

STOP_SECONDS = 2.5
LOOK_SECONDS = 0.5
YOUNG_SECONDS = 1.0  # a worker that dies younger than this is replaced after a pause
LONGEST_PAUSE = 5.0
ANY_ADDRESS = "1.1.1.1"
PARENT_VARIABLE = "FOOTFALL_PARENT"

logger = logging.getLogger(__name__)


@dataclass
class _Place:
    """One worker's place: who is in it, since when, and when the next may come."""

    number: int
    pid: int = 0
    started: float = 0.0
    pause: float = 0.0
    next_start: float = 0.0


def run(settings: Settings) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP; return the exit code.

    Raises BadSettings when these settings can't be served, AddressInUse when the port is taken.
    """
    host, port = _address(settings)
    access = access_of(settings)
    problems = setting_problems(settings, access, settings.collector.address.rpartition(":")[0])
    if problems:
        raise BadSettings(problems="; ".join(problems))
    country_of = open_country_lookup(settings.loader.geo_database)
    country_of(ANY_ADDRESS)  # read the table once, for all workers
    workers = settings.collector.workers
    with _held(host, port) as port:
        logger.info("listening on %s:%s with %s worker(s)", host, port, workers)
        setup = worker.Setup(settings, access, (host, port), Counters(workers), country_of)
        return _Parent(setup, workers).run()


class _Parent:
    def __init__(self, setup: worker.Setup, workers: int) -> None:
        self._setup = setup
        self._places = [_Place(number) for number in range(workers)]
        self._stopping = False
        self._grandparent = int(os.environ.get(PARENT_VARIABLE) or 0)
        self._wake, self._woken = os.pipe()

    def run(self) -> int:
        for end in (self._wake, self._woken):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(name, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        gc.freeze()  # what is loaded now stays shared with the workers
        while not self._stopping:
            self._fill()
            select.select([self._wake], [], [], LOOK_SECONDS)
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 512)
            self._bury()
            if self._grandparent and os.getppid() != self._grandparent:
                logger.warning("process %s is gone, so the collector ends", self._grandparent)
                self._stopping = True
        return self._end()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _fill(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if not place.pid and now >= place.next_start:
                place.started = now
                place.pid = self._fork(place.number)

    def _fork(self, number: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
                signal.signal(name, signal.SIG_DFL)
            os.close(self._wake)
            os.close(self._woken)
            code = worker.run(self._setup, number=number, parent=parent)
        except Exception:
            logger.exception("worker %s could not go on", number)
        finally:
            sys.stderr.flush()
            os._exit(code)  # the parent's own clean-up is not the child's to run

    def _bury(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if not place.pid:
                continue
            pid, status = os.waitpid(place.pid, os.WNOHANG)
            if not pid:
                continue
            young = now - place.started < YOUNG_SECONDS
            place.pause = min(LONGEST_PAUSE, max(0.1, place.pause * 2)) if young else 0.0
            place.next_start = now + place.pause
            place.pid = 0
            code = os.waitstatus_to_exitcode(status)
            logger.warning("worker %s ended with %s, next in %.1f s", place.number, code, place.pause)

    def _end(self) -> int:
        for place in self._places:
            if place.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(place.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(place.pid for place in self._places):
            for place in self._places:
                if place.pid and os.waitpid(place.pid, os.WNOHANG)[0]:
                    place.pid = 0
            if time.monotonic() > deadline:
                for place in self._places:
                    if place.pid:
                        logger.warning("worker %s did not end in time and was killed", place.number)
                        os.kill(place.pid, signal.SIGKILL)
                deadline += STOP_SECONDS
            time.sleep(0.01)
        return 0


def _address(settings: Settings) -> tuple[str, int]:
    """Return the listening address as numbers: Granian takes no names."""
    host, _, port = settings.collector.address.rpartition(":")
    try:
        number = int(port)
        (*_, found), *_ = socket.getaddrinfo(host.strip("[]") or None, number, type=socket.SOCK_STREAM)
    except (ValueError, OSError) as error:
        problem = f"collector.address is {settings.collector.address!r}: {error}"
        raise BadSettings(problems=problem) from error
    return str(found[0]), number


@contextlib.contextmanager
def _held(host: str, port: int) -> Iterator[int]:
    """Make sure that the port is free, then hold it in a way that only our workers may share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressInUse(address=f"{host}:{port}") from error
        port = probe.getsockname()[1]
    with socket.socket(family) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind((host, port))
        yield port
