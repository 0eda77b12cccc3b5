"""``footfall up``: starts the collector and the platform, keeps them running, stops them cleanly.

It does no work itself: a crash of one child never takes the other along.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

from footfall.errors import AddressInUse, ChildFailed
from footfall.settings import Settings

__all__ = ["Child", "Supervisor", "children_of", "free_address", "split_address"]

READY_SECONDS = 30.0
STOP_SECONDS = 60.0  # the platform writes what the lake lacks before it ends
LONGEST_PAUSE = 30.0
LOOK_SECONDS = 0.05


@dataclass
class Child:
    """One process that is kept running: its command, and where it says that it is ready."""

    name: str
    argv: Sequence[str]
    ready_url: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float = field(default=0.0)


def split_address(address: str) -> tuple[str, int]:
    """Split HOST:PORT; IPv6 hosts stand in brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def free_address(address: str) -> str:
    """Return the address, or the same host with a free port when something else listens there."""
    host, port = split_address(address)
    for candidate in (port, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, candidate))
                return f"{address.rpartition(':')[0]}:{probe.getsockname()[1]}"
    raise AddressInUse(address=address)


def children_of(settings: Settings) -> list[Child]:
    """Return the two children of an installation: the collector first, since it must not wait."""
    python = [sys.executable, "-m"]
    return [
        Child(
            "collector", [*python, "footfall.apps.collector"], f"http://{settings.collector.address}/readyz"
        ),
        Child(
            "platform", [*python, "footfall.apps.platform"], f"http://{settings.console.address}/api/health"
        ),
    ]


def environment_of(settings: Settings) -> dict[str, str]:
    """Hand the settings in force to a child, flags included."""
    return {
        **os.environ,
        "FOOTFALL_DATA": str(settings.data),
        "FOOTFALL_COLLECTOR_ADDRESS": settings.collector.address,
        "FOOTFALL_COLLECTOR_WORKERS": str(settings.collector.workers),
        "FOOTFALL_CONSOLE_ADDRESS": settings.console.address,
        "FOOTFALL_PARENT": str(os.getpid()),
    }


class Supervisor:
    """Keeps children running until it is told to stop.

    A child that ends is started again after a pause that doubles with each failure in a row.
    """

    def __init__(
        self, children: Sequence[Child], environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._children = children
        self._environment = environment
        self._say = say
        self._stop = threading.Event()

    def start(self, *, ready_seconds: float = READY_SECONDS) -> None:
        """Start all and return when all are ready. Raises ChildFailed with nothing left behind."""
        for child in self._children:
            self._spawn(child)
        deadline = time.monotonic() + ready_seconds
        for child in self._children:
            while not _answers(child.ready_url):
                code = child.process.poll() if child.process else None
                if code is not None or time.monotonic() > deadline or self._stop.is_set():
                    why = "was not ready in time" if code is None else f"ended with code {code}"
                    self.shut_down()
                    raise ChildFailed(child=child.name, why=why)
                time.sleep(LOOK_SECONDS)

    def watch(self) -> None:
        """Keep the children running until stop()."""
        while not self._stop.wait(0.2):
            for child in self._children:
                self._revive(child)

    def stop(self) -> None:
        """Ask watch() to return; safe in a signal handler."""
        self._stop.set()

    def shut_down(self) -> None:
        """End the children: the collector first, so that the platform loads what it took last."""
        for child in self._children:
            process = child.process
            if process is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not stop within {STOP_SECONDS:.0f} s and was killed")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            child.process = None

    def _spawn(self, child: Child) -> None:
        child.process = subprocess.Popen(  # noqa: S603
            child.argv, env=dict(self._environment), stdin=subprocess.DEVNULL, start_new_session=True
        )
        child.started = time.monotonic()

    def _revive(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.restart_at:
                self._spawn(child)
            return
        code = child.process.poll()
        if code is None:
            if now - child.started > LONGEST_PAUSE:
                child.failures = 0
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        pause = min(LONGEST_PAUSE, 0.2 * 2**child.failures)
        child.failures += 1
        child.process = None
        child.restart_at = now + pause
        self._say(f"{child.name} ended with code {code}; starting it again in {pause:.1f} s")


def _answers(url: str) -> bool:
    """Whether the child takes requests; a refusal (401, 503) means that it is there too."""
    host, port = split_address(url.removeprefix("http://").partition("/")[0])
    connection = HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/" + url.removeprefix("http://").partition("/")[2])
        return connection.getresponse().status < 600
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
