"""A real installation for tests: ``footfall up`` in a folder and on ports of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from footfall.apps.supervisor import free_address, split_address

START_SECONDS = 30.0


@dataclass
class Installation:
    """Where it listens and lives; ``process`` is the supervisor."""

    data: Path
    collector: str
    console: str
    process: subprocess.Popen[bytes]

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        console: bool = False,
    ) -> tuple[int, bytes]:
        """Send one request to the collector, or to the console."""
        connection = HTTPConnection(*split_address(self.console if console else self.collector), timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, events: object) -> dict[str, Any]:
        """Send events, which must be answered with 200."""
        status, body = self.ask("POST", "/v1/events", json.dumps(events).encode())
        assert status == 200, body
        answer: dict[str, Any] = json.loads(body)
        return answer

    def get(self, path: str) -> Any:
        """Ask the console's API."""
        status, body = self.ask("GET", path, console=True)
        assert status == 200, body
        return json.loads(body)

    def sql(self, query: str) -> list[list[Any]]:
        """Answer one SELECT through the API."""
        payload = json.dumps({"sql": query}).encode()
        status, body = self.ask(
            "POST", "/api/sql", payload, {"Content-Type": "application/json"}, console=True
        )
        assert status == 200, body
        rows: list[list[Any]] = json.loads(body)["rows"]
        return rows

    def footfall(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the same data folder."""
        return run_footfall(self.data, *arguments)

    def settle(self, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until everything that was taken in is loaded; return the books."""
        deadline = time.monotonic() + seconds
        while True:
            books: dict[str, Any] = self.get("/api/ledger")
            if not books["pending"] or time.monotonic() > deadline:
                return books
            time.sleep(0.05)

    def stop(self) -> int:
        """Ask it to stop, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def run_footfall(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on a data folder."""
    return subprocess.run(
        [sys.executable, "-m", "footfall", *arguments, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def start(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Installation:
    """Start ``footfall up`` and wait until it is ready."""
    collector, console = free_address("127.0.0.1:0"), free_address("127.0.0.1:0")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "footfall", "up", "--data", str(data)),
            *("--collector", collector, "--console", console, *arguments),
        ],
        env={**os.environ, **(environment or {})},
    )
    installation = Installation(data, collector, console, process)
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "footfall up ended"
        try:
            ready = installation.ask("GET", "/readyz")[0] == 200
            if ready and installation.ask("GET", "/api/health", console=True)[0] == 200:
                return installation
        except OSError:
            pass
        if time.monotonic() > deadline:
            process.kill()
            raise AssertionError("footfall up was not ready in time")
        time.sleep(0.05)


@contextmanager
def running(
    data: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    """Run an installation for the length of a block, and stop it whatever happens."""
    installation = start(data, *arguments, environment=environment)
    try:
        yield installation
    finally:
        if installation.process.poll() is None:
            installation.stop()


def processes_of(data: Path) -> list[int]:
    """Return the processes whose environment or command names the folder."""
    needle = str(data).encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        try:
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if needle in told:
            found.append(int(folder.name))
    return found
