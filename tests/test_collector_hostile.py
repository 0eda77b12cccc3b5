"""Senders who mean harm, or only fail: never a 500, never a dead worker, never half an event."""

import socket
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_collector import Collector, numbers, of_app, running


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with running(tmp_path_factory.mktemp("open")) as collector:
        yield collector


def raw(collector: Collector, data: bytes, *, finish: bool = False) -> bytes:
    """Send bytes as they are; return what comes back until the other side closes or is silent."""
    with socket.create_connection(("127.0.0.1", collector.port), timeout=5) as sender:
        answer = b""
        try:
            sender.sendall(data)
            if finish:
                sender.shutdown(socket.SHUT_WR)
            while part := sender.recv(65_536):
                answer += part
                if b"\r\n\r\n" in answer:
                    break
        except OSError:
            pass
        return answer


POST = b"POST /v1/events HTTP/1.1\r\nHost: x\r\n"

HOSTILE = {
    "not http": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50,
    "bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n0\r\n\r\n",
    "huge chunk size": POST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nabc",
    "negative length": POST + b"Content-Length: -5\r\n\r\nabc",
    "huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and chunks": POST
    + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "huge header": POST + b"X-Big: " + b"a" * 500_000 + b"\r\n\r\n",
    "many headers": POST + b"".join(b"X-%d: a\r\n" % number for number in range(5_000)) + b"\r\n",
    "null in header": POST + b"X-Null: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "latin-1 headers": POST
    + b"User-Agent: caf\xe9\r\nOrigin: h\xfcst\r\nContent-Length: 15\r\n\r\n"
    + b'{"event":"a"}  ',
    "deep": POST + b"Content-Length: 100000\r\n\r\n" + b"[" * 100_000,
    "deep in properties": POST
    + b"Content-Length: 100031\r\n\r\n"
    + b'{"event":"a","properties":{"a":'
    + b"[" * 100_000,
    "bad utf-8": POST + b"Content-Length: 14\r\n\r\n" + b'{"event":"\xff\xfe"}',
    "path": b"GET /%00%ff%2e%2e/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "pixel with a megabyte": b"GET /pixel.gif?event=" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "pixel with hostile bytes": b"GET /pixel.gif?event=%ff%00&%ed%a0%80=%0d%0aX-A:1&time_spent=%0d%0a"
    b" HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_are_never_a_500_and_never_a_dead_worker(door: Collector, name: str) -> None:
    workers = door.workers()
    answer = raw(door, HOSTILE[name], finish=name in ("huge chunk size",))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert not answer.startswith(b"HTTP/1.1 5"), answer[:200]
    assert door.post({"event": "after", "app_id": "hostile"})[0] == 200
    assert door.workers() == workers


def test_a_body_that_breaks_off_is_no_event(door: Collector) -> None:
    half = b'{"event":"half","app_id":"half"}'
    assert b" 500 " not in raw(door, POST + b"Content-Length: 500\r\n\r\n" + half, finish=True)
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(half) + half + b"\r\n"
    assert b" 500 " not in raw(door, chunked, finish=True)
    with socket.create_connection(("127.0.0.1", door.port)) as sender:
        sender.sendall(POST + b"Content-Length: 500\r\n\r\n" + half)
    time.sleep(0.2)
    assert of_app(door, "half") == []
    assert numbers(door).get('footfall_requests_total{path="/v1/events",status="500"}', 0) == 0


def test_slow_senders_hold_nobody_up(door: Collector) -> None:
    slow = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(200)]
    try:
        for one in slow:
            one.sendall(POST + b"Content-Length: 500\r\n\r\n{")
        assert door.post({"event": "quick", "app_id": "slow"})[0] == 200
    finally:
        for one in slow:
            one.close()


def test_json_as_the_rfc_has_it(door: Collector, shared_data: Path) -> None:
    """JSONTestSuite: what must be refused is refused; nothing is a 500."""
    with tarfile.open(shared_data / "json" / "JSONTestSuite.tar.gz") as suite:
        cases = {
            Path(member.name).name: suite.extractfile(member)
            for member in suite.getmembers()
            if "test_parsing" in member.name and member.name.endswith(".json")
        }
        assert len(cases) > 300
        for name, file in cases.items():
            assert file is not None
            body = b'{"event":"json","app_id":"suite","properties":{"value":%b}}' % file.read()
            status, answer = door.post(body)
            if name.startswith("y_"):
                assert status == 200, name
            elif name.startswith("n_"):
                assert status == 400 or answer["accepted"] == 0, name
            assert status in (200, 400, 413), name
