"""A real collector as a process, for tests: started on a free port, spoken to over HTTP."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footfall.adapters.log_slot import log_files
from footfall.adapters.sqlite_log import SqliteLog
from footfall.core.record import Logged, Offset

READY_SECONDS = 20.0


@dataclass
class Collector:
    """A running collector; ``process`` is its parent process."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request on its own connection; return status, headers in lower case, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, events: Any, **headers: str) -> tuple[int, Any]:
        """Post events as JSON; return status and the answer decoded."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = events if isinstance(events, bytes) else json.dumps(events).encode()
        status, _, answer = self.request("POST", "/v1/events", body, named)
        return status, json.loads(answer) if answer else None

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def stop(self) -> int:
        """End it with SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Any, seconds: float = 10.0) -> None:
    """Wait until ``true()`` holds; fail with its name when it never does."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true within {seconds} s: {true}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def start_collector(
    data: Path, port: int | None = None, *, ready: bool = True, preexec: Any = None, **settings: object
) -> Collector:
    """Start a collector; ``settings`` are as in the environment, e.g. ``log_max_bytes=65536``."""
    port = port or free_port()
    given = {f"FOOTFALL_{name.upper()}": str(value) for name, value in settings.items()}
    environment = os.environ | {
        "FOOTFALL_DATA": str(data),
        "FOOTFALL_COLLECTOR_ADDRESS": f"127.0.0.1:{port}",
        "FOOTFALL_LOG_MIN_FREE_BYTES": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall.apps.collector"],
        env=environment | given,
        cwd=Path(__file__).parents[1],
        preexec_fn=preexec,
    )
    collector = Collector(process, port, data)
    if ready:
        wait_until(lambda: answers(collector), READY_SECONDS)
    return collector


def answers(collector: Collector) -> bool:
    """Whether it takes connections; fails when its process has ended."""
    assert collector.process.poll() is None, f"ended with {collector.process.returncode}"
    with contextlib.suppress(OSError, http.client.HTTPException):
        return collector.request("GET", "/healthz")[0] == 200
    return False


@contextlib.contextmanager
def running(data: Path, **more: Any) -> Iterator[Collector]:
    """Run a collector for a while and leave nothing behind."""
    collector = start_collector(data, **more)
    workers = collector.workers()
    try:
        yield collector
    finally:
        if collector.process.poll() is None:
            workers = collector.workers()
            collector.process.terminate()
            try:
                collector.process.wait(10)
            except subprocess.TimeoutExpired:
                collector.process.kill()
                collector.process.wait()
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):
                if alive(pid):
                    os.kill(pid, signal.SIGKILL)


def logged(collector: Collector) -> list[Logged]:
    """Return every record of every log."""
    found: list[Logged] = []
    for path in log_files(collector.data / "log"):
        log = SqliteLog(path, max_bytes=1 << 40, writable=False)
        found += log.read(Offset(0), 1 << 40)
        log.close()
    return found


def of_app(collector: Collector, app: str) -> list[dict[str, Any]]:
    """Return the accepted events of one app."""
    return [
        event
        for one in logged(collector)
        if one.record.app_id == app and one.record.kind == "events"
        for event in json.loads(one.record.body)
    ]


def numbers(collector: Collector) -> dict[str, float]:
    """Return what /metrics says, by name with labels."""
    text = collector.request("GET", "/metrics")[2].decode()
    rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}
