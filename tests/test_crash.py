"""Kill anything at any time: what was acknowledged is in the warehouse, once."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from installation import Installation, processes_of, running

pytestmark = pytest.mark.crash

BATCH = 20


class Load:
    """Senders that note which ids were acknowledged; an unanswered request is sent again."""

    def __init__(self, installation: Installation, threads: int = 3) -> None:
        self.acknowledged: set[str] = set()
        self._installation = installation
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _send(self, sender: int) -> None:
        number = 0
        while not self._stop.is_set():
            ids = [f"{os.getpid()}-{id(self)}-{sender}-{number}-{i}" for i in range(BATCH)]
            body = json.dumps([{"event": "tick", "event_id": i, "user_id": f"u{sender}"} for i in ids])
            for _ in range(200):
                try:
                    status, _ = self._installation.ask("POST", "/v1/events", body.encode())
                except OSError:
                    status = 0
                except Exception:
                    status = 0
                if status == 200:
                    self.acknowledged.update(ids)
                    break
                if self._stop.wait(0.05):
                    return
            number += 1

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def load_on(installation: Installation) -> Iterator[Load]:
    load = Load(installation)
    try:
        yield load
    finally:
        load.stop()


def wait_for(load: Load, events: int) -> None:
    deadline = time.monotonic() + 30
    goal = len(load.acknowledged) + events
    while len(load.acknowledged) < goal:
        assert time.monotonic() < deadline, "no progress"
        time.sleep(0.02)


def kill(data: Path, part: str) -> None:
    """Kill -9 of the processes whose command names the part; "" is all of them."""
    for pid in processes_of(data):
        try:
            if part.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        except OSError:
            continue


def check(installation: Installation, acknowledged: set[str]) -> None:
    books = installation.settle()
    assert books["received"] == books["stored"] + books["duplicate"] + books["rejected"]
    rows = installation.sql("select count(*), count(distinct event_id) from events")
    assert rows[0][0] == rows[0][1] == books["stored"]
    found: set[str] = set()
    for (event_id,) in installation.sql("select event_id from events"):
        found.add(event_id)
    assert acknowledged <= found


def test_a_killed_part_comes_back_and_nothing_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, "--workers", "2") as installation:
        with load_on(installation) as load:
            for part in ("footfall.apps.platform", "footfall.apps.collector", "footfall.apps.platform"):
                wait_for(load, 300)
                kill(data, part)
            wait_for(load, 300)
        deadline = time.monotonic() + 30
        while True:
            try:
                installation.get("/api/ledger")
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        check(installation, load.acknowledged)


def test_everything_is_killed_under_load_and_started_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    acknowledged: set[str] = set()
    chance = random.Random(5)  # noqa: S311 - a schedule, not a secret
    for _ in range(3):
        with running(data, "--workers", "2") as installation:
            with load_on(installation) as load:
                wait_for(load, 200)
                time.sleep(chance.random() * 0.7)
                kill(data, "")
            acknowledged |= load.acknowledged
    with running(data, "--workers", "2") as installation:
        check(installation, acknowledged)
