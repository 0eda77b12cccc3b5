"""The event log: its contract over every adapter, and what only files can do wrong."""

import collections
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.sqlite_log import TOTALS, SqliteLog
from footfall.core.record import Offset
from footfall.errors import LogDamaged, LogFailed, LogFull
from footfall.testing.event_log import EventLogContract, MemoryLog, OpenLog, make_event, make_record

Opener = Callable[..., SqliteLog]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Open logs that are closed after the test."""
    logs: list[SqliteLog] = []

    def open_(path: Path, *, max_bytes: int = 1 << 30, **more: Any) -> SqliteLog:
        logs.append(SqliteLog(path, max_bytes=max_bytes, **more))
        return logs[-1]

    yield open_
    for log in logs:
        log.close()


class TestMemoryLog(EventLogContract):
    @pytest.fixture
    def open_log(self) -> OpenLog:
        log = MemoryLog(max_bytes=2_000_000)
        return lambda: log


class TestSqliteLog(EventLogContract):
    @pytest.fixture
    def open_log(self, tmp_path: Path, opened: Opener) -> OpenLog:
        return lambda: opened(tmp_path / "log" / "worker-0.sqlite", max_bytes=2_000_000)


def test_two_processes_sides_share_one_file(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-3.sqlite"
    writer = opened(path)
    writer.append([make_record()])
    reader = opened(path, writable=False)
    assert reader.name == "worker-3"
    writer.append([make_record()])
    assert [logged.offset for logged in reader.read(Offset(0), 10)] == [1, 2]
    assert reader.trim(Offset(1)) == 1
    writer.append([make_record()])
    assert [logged.offset for logged in writer.read(Offset(0), 10)] == [2, 3]
    with pytest.raises(LogFailed, match="opened for reading"):
        reader.append([make_record()])


def test_trim_and_append_at_the_same_time_lose_nothing(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-0.sqlite"
    writer = opened(path)
    keeper = opened(path, writable=False)
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        after = 0
        while not (done.is_set() and after == writer.end()):
            for logged in keeper.read(Offset(after), 50):
                seen.append(logged.offset)
                after = logged.offset
            keeper.trim(Offset(after))

    writer.append([make_record()])
    follower = threading.Thread(target=follow)
    follower.start()
    for _ in range(300):
        writer.append([make_record(), make_record()])
    done.set()
    follower.join(30)
    assert seen == list(range(1, 602))
    assert writer.received(Offset(601)) == {"default": 601}


@settings(deadline=None, max_examples=25)
@given(
    groups=st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=4), max_size=8
    ),
    trims=st.lists(st.integers(0, 40), max_size=4),
    most=st.integers(1, 9),
)
def test_a_file_answers_like_the_memory_log(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[list[tuple[str, int]]],
    trims: list[int],
    most: int,
) -> None:
    memory = MemoryLog(name="worker-0")
    disk = SqliteLog(tmp_path_factory.mktemp("log") / "worker-0.sqlite", max_bytes=1 << 30)
    for group in groups:
        records = [make_record(*[make_event()] * count, app_id=app) for app, count in group]
        assert list(disk.append(records)) == list(memory.append(records))
    for trim in [*trims, 0]:
        assert disk.trim(Offset(trim)) == memory.trim(Offset(trim))
        for after in range(memory.end() + 2):
            assert disk.read(Offset(after), most) == memory.read(Offset(after), most)
            assert disk.received(Offset(after)) == memory.received(Offset(after))
    disk.close()


def test_freed_pages_are_used_again(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-0.sqlite"
    log = opened(path, max_bytes=4_000_000)
    large = make_record(make_event(properties={"pad": "y" * 100_000}))
    for _ in range(10):
        with pytest.raises(LogFull):
            collections.deque((log.append([large]) for _ in range(1_000)), maxlen=0)
        log.trim(log.end())
    log.close()
    assert path.stat().st_size < 5_000_000
    assert log.size() < 100_000


def test_a_full_disk_is_told_apart_from_a_full_log(tmp_path: Path, opened: Opener) -> None:
    log = opened(tmp_path / "worker-0.sqlite", min_free_bytes=1 << 60)
    with pytest.raises(LogFailed, match="min_free_bytes"):
        log.append([make_record()])
    assert log.end() == 0


def test_a_foreign_file_is_refused_and_left_alone(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-0.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE diary (entry)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(LogDamaged, match="something else"):
        opened(path).append([make_record()])
    path.write_bytes(b"certainly not a database, but long enough to be looked at" * 100)
    with pytest.raises(LogDamaged, match="not a database"):
        opened(path).end()
    path.write_bytes(before)
    with pytest.raises(LogDamaged):
        opened(path, writable=False).read(Offset(0), 1)


def test_a_file_of_a_later_version_is_refused(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-0.sqlite"
    log = opened(path)
    log.append([make_record()])
    log.close()
    with sqlite3.connect(path) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    with pytest.raises(LogDamaged, match="version 99"):
        log.end()


def test_a_reader_makes_no_file(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "worker-0.sqlite"
    with pytest.raises(LogFailed):
        opened(path, writable=False).end()
    assert not path.exists()


def test_a_file_taken_away_while_open_is_noticed(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("footfall.adapters.sqlite_log.LOOK_SECONDS", 0.0)
    path = tmp_path / "worker-0.sqlite"
    log = opened(path)
    log.append([make_record()])
    path.unlink()
    with pytest.raises(LogFailed):
        log.append([make_record()])


def test_counting_stays_cheap_over_many_blocks(tmp_path: Path, opened: Opener) -> None:
    """The plan is asked, not the clock: no scan of blocks, a search per app in totals."""
    path = tmp_path / "worker-0.sqlite"
    log = opened(path)
    log.append([make_record(app_id=app) for app in "abc"])
    with sqlite3.connect(path) as asked:
        plan = [row[3] for row in asked.execute("EXPLAIN QUERY PLAN " + TOTALS, {"upto": 1})]
    asked.close()
    assert not [step for step in plan if step.startswith("SCAN") and "apps" not in step], plan
    assert Counter(log.received(Offset(3))) == Counter("abc")


def test_a_folder_that_refuses_the_file_fails_and_mends(tmp_path: Path, opened: Opener) -> None:
    folder = tmp_path / "log"
    folder.write_text("in the way")
    log = opened(folder / "worker-0.sqlite")
    with pytest.raises(LogFailed):
        log.append([make_record()])
    folder.unlink()
    assert list(log.append([make_record()])) == [1]
