"""The HTTP sender against real servers on loopback that are busy, broken or refuse."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from footfall.errors import SendFailed
from footfall.services.send import BATCH_BYTES, send


class Server(ThreadingHTTPServer):
    """A collector that keeps what it took; ``script`` holds its next moods, then it is well."""

    daemon_threads = True

    def __init__(self, *script: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = list(script)
        self.bodies: list[list[Any]] = []
        self.sizes: list[int] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.connections = 0
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def events(self) -> list[Any]:
        return [event for body in self.bodies for event in body]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        with self.server.guard:
            self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.guard:
            mood = self.server.script.pop(0) if self.server.script else "200"
        if mood == "reset":
            self.close_connection = True
            self.connection.close()
            return
        status, _, retry_after = mood.partition(" ")
        events = json.loads(body)
        reply: dict[str, Any] = {"reason": "not now"}
        if mood == "200":
            bad = [n for n, event in enumerate(events) if event.get("event") == ""]
            reply = {
                "accepted": len(events) - len(bad),
                "duplicates": 1,
                "rejected": [{"index": n, "reasons": ["event is empty"]} for n in bad],
            }
            with self.server.guard:
                self.server.bodies.append(events)
                self.server.sizes.append(len(body))
                self.server.headers.append(dict(self.headers))
                self.server.paths.append(self.path)
        answer = b"<html>hello</html>" if mood == "204" else json.dumps(reply).encode()
        self.send_response(200 if mood == "204" else int(status))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(*script: str) -> Iterator[Server]:
    server = Server(*script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def blocks(count: int, size: int = 100) -> list[bytes]:
    lines = [b'{"event":"page_view","event_id":"%d"}\n' % n for n in range(count)]
    return [b"".join(lines[at : at + size]) for at in range(0, count, size)]


def test_every_event_arrives_once_on_kept_alive_connections() -> None:
    seen: list[int] = []
    with serving() as server:
        sent = send(blocks(2_345, 700), server.url, batch=200, write_key="k1", on_progress=seen.append)
        assert sorted(int(event["event_id"]) for event in server.events) == list(range(2_345))
        assert max(len(body) for body in server.bodies) == 200
        assert server.connections == 2
        assert {header["X-Write-Key"] for header in server.headers} == {"k1"}
        assert set(server.paths) == {"/v1/events"}
    assert (sent.accepted, sent.rejected, sent.retries) == (2_345, 0, 0)
    assert sent.duplicates == len(server.bodies)
    assert seen == sorted(seen)
    assert seen[-1] == 2_345


def test_one_connection_keeps_the_order() -> None:
    with serving("503", "reset") as server:
        send(blocks(500), server.url, batch=50, connections=1)
        assert [int(event["event_id"]) for event in server.events] == list(range(500))


def test_busy_and_broken_servers_get_the_same_bytes_again() -> None:
    with serving("503", "reset", "429", "500", "reset") as server:
        sent = send(blocks(300), server.url, batch=100)
        assert sorted(int(event["event_id"]) for event in server.events) == list(range(300))
    assert (sent.accepted, sent.retries) == (300, 5)


def test_retry_after_is_honoured() -> None:
    with serving("503 1") as server:
        started = time.monotonic()
        sent = send(blocks(10), server.url, connections=1)
    assert time.monotonic() - started >= 1.0
    assert sent.retries == 1


def test_rejected_events_are_counted_not_raised() -> None:
    with serving() as server:
        sent = send([b'{"event":""}\n{"event":"click"}\n'], server.url)
    assert (sent.accepted, sent.rejected) == (1, 1)


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "413"])
def test_a_refusal_is_not_tried_again(status: str) -> None:
    with serving(*[status] * 9) as server, pytest.raises(SendFailed, match=f"the answer was {status}"):
        send(blocks(10), server.url, connections=1)
    assert len(server.script) == 8


def test_patience_ends_and_says_how_far_it_came() -> None:
    with serving("200", *["503"] * 99) as server, pytest.raises(SendFailed) as raised:
        send(blocks(200), server.url, batch=100, connections=1, patience=0.3)
    assert raised.value.retryable
    assert "after 100 events" in str(raised.value)
    assert "503" in str(raised.value)


def test_nobody_listening_is_a_clear_error() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(SendFailed, match="refused"):
        send(blocks(10), url, patience=0.2)


def test_something_else_listening_is_a_clear_error() -> None:
    with serving("204") as server, pytest.raises(SendFailed, match="not a collector's"):
        send(blocks(10), server.url, connections=1)


def test_a_failing_source_stops_the_sending_with_its_own_error() -> None:
    def source() -> Iterator[bytes]:
        yield from blocks(100)
        raise LookupError("the source broke")

    with serving() as server, pytest.raises(LookupError, match="the source broke"):
        send(source(), server.url)


def test_rate_paces() -> None:
    with serving() as server:
        sent = send(blocks(300), server.url, rate=600)
    assert 0.4 <= sent.seconds < 1.5


def test_big_events_make_small_batches() -> None:
    line = b'{"event":"page_view","title":"' + b"x" * 50_000 + b'"}\n'
    with serving() as server:
        send([line * 50], server.url)
        assert len(server.events) == 50
        assert max(server.sizes) <= BATCH_BYTES + 2


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1/", "http://"])
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="not the address of a collector"):
        send([], url)
