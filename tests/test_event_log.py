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
    [first] = writer.append([make_record()])
    reader = opened(path, writable=False)
    assert reader.name == "worker-3"
    [second] = writer.append([make_record()])
    assert [logged.offset for logged in reader.read(Offset(0), 10)] == [first, second]
    assert reader.trim(first) == 1
    [third] = writer.append([make_record()])
    assert [logged.offset for logged in writer.read(Offset(0), 10)] == [second, third]
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

    [first] = writer.append([make_record()])
    follower = threading.Thread(target=follow)
    follower.start()
    for _ in range(300):
        writer.append([make_record(), make_record()])
    done.set()
    follower.join(30)
    assert seen == list(range(first, first + 601))
    assert writer.received(writer.end()) == {"default": 601}


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
    path = tmp_path_factory.mktemp("log") / "worker-0.sqlite"
    disk = SqliteLog(path, max_bytes=1 << 30, clock=lambda: 0)  # so that both count from one
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
    assert Counter(log.received(log.end())) == Counter("abc")


def test_a_folder_that_refuses_the_file_fails_and_mends(tmp_path: Path, opened: Opener) -> None:
    folder = tmp_path / "log"
    folder.write_text("in the way")
    log = opened(folder / "worker-0.sqlite")
    with pytest.raises(LogFailed):
        log.append([make_record()])
    folder.unlink()
    assert list(log.append([make_record()])) == [log.end()]


def test_a_lost_file_s_offsets_are_never_used_again(tmp_path: Path, opened: Opener) -> None:
    """Deleted, or an older copy put back: what comes now lies behind everything that ever was.

    ::
        file     1..2 | copy taken | 3..4 | lost
        anew                                5 (deleted) or 5 behind 1..2 (copy)
    """
    path = tmp_path / "worker-0.sqlite"
    now = [1_000_000]
    log = opened(path, clock=lambda: now[0])
    log.append([make_record(), make_record()])
    log.close()
    copy = path.read_bytes()
    now[0] += 1_000_000
    log.append([make_record(app_id="later"), make_record(app_id="later")])
    reached = log.end()
    for put_back, known in ((None, {}), (copy, {"default": 2})):
        log.close()
        path.unlink()
        if put_back:
            path.write_bytes(put_back)
        now[0] += 1_000_000
        [offset] = log.append([make_record(app_id="new")])
        assert offset > reached
        assert [logged.record.app_id for logged in log.read(reached, 10)] == ["new"]
        assert log.received(reached) == known
        assert log.received(offset) == known | {"new": 1}
        reached = offset


def test_a_reader_moves_over_to_the_file_that_took_the_place(tmp_path: Path, opened: Opener) -> None:
    """Closing the old file must not delete the new one's write-ahead log, which has the same path.

    SQLite looks whether its file was moved before it does that; this holds it to it.
    """
    path = tmp_path / "worker-0.sqlite"
    writer = opened(path)
    reader = opened(path, writable=False)
    [old] = writer.append([make_record(app_id="old")])
    assert reader.end() == old
    writer.close()  # so that the reader's is the last connection of the old file
    path.unlink()
    [new] = writer.append([make_record(app_id="new")])
    assert [logged.record.app_id for logged in reader.read(old, 10)] == ["new"]
    reader.close()
    writer.append([make_record(app_id="more")])
    assert path.with_name("worker-0.sqlite-wal").exists()
    other = opened(path, writable=False)
    assert [logged.record.app_id for logged in other.read(old, 10)] == ["new", "more"]
    assert new > old


def test_a_new_file_takes_nothing_from_a_lost_one_s_write_ahead_log(tmp_path: Path, opened: Opener) -> None:
    path, wal = tmp_path / "worker-0.sqlite", tmp_path / "worker-0.sqlite-wal"
    log = opened(path)
    log.append([make_record(app_id="old")])
    left = wal.read_bytes()  # as after kill -9
    assert left
    log.close()
    path.unlink()
    wal.write_bytes(left)
    again = opened(path)
    again.append([make_record(app_id="new")])
    assert [logged.record.app_id for logged in again.read(Offset(0), 10)] == ["new"]
