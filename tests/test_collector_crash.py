"""What an answer of 200 is worth: real processes are killed, filled up and starved of disk."""

import json
import os
import resource
import signal
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from running_collector import Collector, alive, answers, running, start_collector, wait_until

from footfall.adapters.log_slot import log_files
from footfall.adapters.sqlite_log import SqliteLog
from footfall.core.record import Offset

pytestmark = pytest.mark.crash


def logged_ids(data: Path) -> Counter[str]:
    """Return every event id in every log, with how often it is there."""
    ids = Counter[str]()
    for path in log_files(data / "log"):
        log = SqliteLog(path, max_bytes=1 << 40, writable=False)
        ids.update(
            event["event_id"]
            for logged in log.read(Offset(0), 1 << 40)
            for event in json.loads(logged.record.body)
        )
        log.close()
    return ids


class Load:
    """Senders that post single events, each id once, and note which were acknowledged."""

    def __init__(self, port: int, senders: int = 6) -> None:
        self.sent: list[str] = []
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(senders)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, number: int) -> None:
        count = 0
        connection: HTTPConnection | None = None
        while not self._stop.is_set():
            count += 1
            event_id = f"{number}-{count}"
            body = json.dumps({"event": "page_view", "event_id": event_id}).encode()
            try:
                connection = connection or HTTPConnection("127.0.0.1", self._port, timeout=5)
                self.sent.append(event_id)
                connection.request("POST", "/v1/events", body)
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(0.01)
                continue
            self.statuses[answer.status] += 1
            if answer.status == 200:
                self.acknowledged.append(event_id)
        if connection is not None:
            connection.close()


def assert_kept(load: Load, data: Path) -> None:
    """Every acknowledged event is there, and none is there twice."""
    ids = logged_ids(data)
    assert [one for one in load.acknowledged if ids[one] != 1] == []
    assert {one: count for one, count in ids.items() if count > 1} == {}
    assert set(ids) <= set(load.sent)


def grows(load: Load, by: int = 100) -> None:
    """Wait until more events were acknowledged."""
    wanted = len(load.acknowledged) + by
    wait_until(lambda: len(load.acknowledged) >= wanted, 20)


def test_killing_a_worker_under_load_loses_nothing_and_it_comes_back(tmp_path: Path) -> None:
    with running(tmp_path, collector_workers=2) as collector:
        load = Load(collector.port)
        for _ in range(3):
            grows(load)
            before = collector.workers()
            os.kill(before[0], signal.SIGKILL)
            grows(load)
            wait_until(lambda gone=before[0]: gone not in collector.workers())
            wait_until(lambda: len(collector.workers()) == 2)
            assert before[1] in collector.workers(), "the other worker went on"
        load.stop()
        assert_kept(load, tmp_path)
        assert [path.stem for path in log_files(tmp_path / "log")] == ["worker-0", "worker-1"]


def test_killing_everything_under_load_loses_nothing(tmp_path: Path) -> None:
    collector = start_collector(tmp_path, collector_workers=2)
    load = Load(collector.port)
    grows(load)
    everyone = [*collector.workers(), collector.process.pid]
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    collector.process.wait()
    wait_until(lambda: not any(map(alive, everyone)))
    with running(tmp_path, port=collector.port, collector_workers=2):
        grows(load)
        load.stop()
        assert_kept(load, tmp_path)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    collector = start_collector(tmp_path, collector_workers=2)
    workers = collector.workers()
    assert len(workers) == 2
    collector.process.kill()
    collector.process.wait()
    wait_until(lambda: not any(map(alive, workers)), 2.0)


def test_sigterm_under_load_commits_and_ends_with_zero(tmp_path: Path) -> None:
    with running(tmp_path, collector_workers=2) as collector:
        load = Load(collector.port)
        grows(load)
        workers = collector.workers()
        start = time.monotonic()
        assert collector.stop() == 0
        assert time.monotonic() - start < 3
        assert not any(map(alive, workers))
        load.stop()
    assert_kept(load, tmp_path)


def post_until(collector: Collector, status: int, event: dict[str, object]) -> dict[str, str]:
    """Post until an answer has this status; return its headers."""
    for _ in range(2_000):
        got, headers, _ = collector.request("POST", "/v1/events", json.dumps(event).encode())
        if got == status:
            return headers
        assert got == 200
    raise AssertionError(f"never got {status}")


def test_a_full_log_refuses_with_503_and_takes_again_after_a_trim(tmp_path: Path) -> None:
    with running(tmp_path, log_max_bytes=400_000) as collector:
        event = {"event": "page_view", "properties": {"pad": "x" * 20_000}}
        headers = post_until(collector, 503, event)
        assert int(headers["retry-after"]) > 0
        status, headers, body = collector.request("GET", "/readyz")
        assert (status, b"full" in body) == (503, True)
        assert collector.request("GET", "/healthz")[0] == 200
        workers = collector.workers()
        log = SqliteLog(tmp_path / "log" / "worker-0.sqlite", max_bytes=1 << 40, writable=False)
        kept = log.received(log.end())["default"]
        assert log.trim(log.end()) == kept
        assert collector.post(event)[0] == 200
        assert collector.request("GET", "/readyz")[0] == 200
        assert collector.workers() == workers, "no restart"
        assert log.received(log.end()) == {"default": kept + 1}
        log.close()


def limit_files() -> None:
    """Let no file grow beyond 600 kB: the write fails as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))


def test_a_disk_that_refuses_is_503_and_mends_without_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, preexec=limit_files) as collector:
        event = {"event": "page_view", "properties": {"pad": "x" * 20_000}}
        taken: list[str] = []
        # SQLite can help itself at first (it empties its WAL); at 600 kB both files are at the end.
        for number in range(500):
            body = json.dumps(event | {"event_id": f"e-{number}"}).encode()
            status, headers, _ = collector.request("POST", "/v1/events", body)
            if status == 200:
                taken.append(f"e-{number}")
                continue
            assert status == 503
            assert int(headers["retry-after"]) > 0
            if collector.request("GET", "/readyz")[0] == 503:
                break
        else:
            pytest.fail("the limit was never felt")
        workers = collector.workers()
        for pid in workers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert collector.post(event | {"event_id": "after"})[0] == 200
        assert collector.request("GET", "/readyz")[0] == 200
        assert collector.workers() == workers, "no restart"
    assert logged_ids(tmp_path) == Counter([*taken, "after"])


def test_a_damaged_log_is_left_alone_and_the_next_one_taken(tmp_path: Path) -> None:
    damaged = tmp_path / "log" / "worker-0.sqlite"
    damaged.parent.mkdir()
    damaged.write_bytes(b"not a database" * 1_000)
    with running(tmp_path) as collector:
        assert collector.post({"event": "page_view"})[0] == 200
    assert damaged.read_bytes() == b"not a database" * 1_000
    assert [path.stem for path in log_files(tmp_path / "log")] == ["worker-0", "worker-1"]


def test_a_log_that_cannot_be_made_is_503_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    obstacle = tmp_path / "log" / "worker-0.new"
    obstacle.mkdir()  # where the draft of the log would be written
    with running(tmp_path) as collector:
        assert collector.post({"event": "page_view"})[0] == 503
        assert collector.request("GET", "/readyz")[0] == 503
        obstacle.rmdir()
        assert collector.post({"event": "page_view"})[0] == 200
        assert answers(collector)
