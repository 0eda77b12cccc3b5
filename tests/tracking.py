"""What the proofs with official clients share: a running platform, a tap on the wire, and the clients.

A client runs as a script of its own (``tests/trackers/*.py|*.mjs``) or as a page in Chromium, unmodified,
from its registry. ``make trackers`` installs them.
"""

import contextlib
import functools
import http.client
import http.server
import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from conftest import missing
from installation import Installation

from footfall.core.schema import EVENTS, column_names

CLIENTS = Path(__file__).parent / "trackers"
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
CHROMIUM = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


class Sent(NamedTuple):
    """A request as it went over the wire, and the status that it got."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int


@dataclass
class Tap:
    """A proxy before the collector that remembers every request, byte for byte."""

    collector: str
    sent: list[Sent] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Return the address for clients."""
        return f"http://127.0.0.1:{self.port}"

    def pass_on(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send a request to the collector; return status, headers and body."""
        connection = http.client.HTTPConnection(self.collector, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                if name.lower() not in HOP:
                    connection.putheader(name, value)
            if body or method == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def replay(self) -> list[int]:
        """Send all that was answered with 2xx once more, byte for byte; return the statuses."""
        taken = [each for each in list(self.sent) if each.method != "OPTIONS" and each.status < 300]
        return [self.pass_on(each.method, each.path, each.headers, each.body)[0] for each in taken]


@contextmanager
def tap(installation: Installation) -> Iterator[Tap]:
    """Put a tap before a running collector."""
    wire = Tap(installation.collector)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = tuple(self.headers.items())
            status, told, content = wire.pass_on(self.command, self.path, headers, body)
            wire.sent.append(Sent(self.command, self.path, headers, body, status))
            self.send_response_only(status)
            for name, value in told:
                if name.lower() not in HOP:
                    self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_POST = do_HEAD = do_OPTIONS = do_PUT = answer

    with _served(Handler) as port:
        wire.port = port
        yield wire


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serve a folder of pages as a web site; ``/clients/`` is what npm installed."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def translate_path(self, path: str) -> str:
            if path.startswith("/clients/"):
                return str(CLIENTS / "node_modules" / path.removeprefix("/clients/").partition("?")[0])
            return super().translate_path(path)

    with _served(functools.partial(Handler, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _served(handler: Any) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def run_python(script: str, *arguments: str, seconds: float = 60) -> str:
    """Run ``tests/trackers/SCRIPT`` with the Python clients; return what it printed."""
    return _run([demand_python(), str(CLIENTS / script), *arguments], seconds)


def demand_python() -> str:
    """Return the interpreter that has the Python clients; skip where they are not installed."""
    python = CLIENTS / ".venv" / "bin" / "python"
    if not python.exists():
        missing('the Python clients are not installed: run "make trackers"')
    return str(python)


def run_node(script: str, *arguments: str, seconds: float = 60) -> str:
    """Run ``tests/trackers/SCRIPT`` with the Node clients; return what it printed."""
    demand_node()
    return _run(["node", str(CLIENTS / script), *arguments], seconds)


def demand_node() -> None:
    """Skip where node or the clients for it are not installed."""
    if shutil.which("node") is None:
        missing("node is not installed")
    if not (CLIENTS / "node_modules").is_dir():
        missing('the Node clients are not installed: run "make trackers"')


def _run(command: list[str], seconds: float) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr[-4_000:] or done.stdout[-4_000:]
    return done.stdout


@contextmanager
def chromium() -> Iterator[Any]:
    """Give a headless Chromium; skip where it, Playwright or node is missing."""
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=CHROMIUM)
        yield browser
        browser.close()


@contextmanager
def unavailable(installation: Installation) -> Iterator[None]:
    """Let the collector answer 503 for a while: its log is locked, as by a disk that hangs."""
    [path] = (installation.data / "log").glob("worker-*.sqlite")
    connection = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def rows(installation: Installation, where: str = "true") -> list[dict[str, Any]]:
    """Return stored events as dicts without their nulls, properties decoded, ordered by name."""
    installation.settle()
    names = column_names(EVENTS)
    found = installation.sql(
        f"select {', '.join(names)} from events where {where} order by event, event_id"
    )
    events = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in found]
    for event in events:
        for name in ("properties", "user_properties"):
            if name in event:
                event[name] = json.loads(event[name])
    return events


def count(installation: Installation, where: str = "true") -> int:
    """Return how many events are stored."""
    installation.settle()
    [[number]] = installation.sql(f"select count(*) from events where {where}")
    return int(number)


def wait_for(true: Any, seconds: float = 20.0) -> Any:
    """Wait until ``true()`` gives something, and return that; fail when it never does."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.1)
    return found
