"""Where jobs and runs are kept: the contract over both stores, and what only a file can get wrong."""

import sqlite3
import stat
import subprocess
import sys

import pytest

from footfall.adapters.sqlite_schedule import SqliteSchedule
from footfall.errors import StoreFailed
from footfall.testing.schedule import MemorySchedule, OpenStore, ScheduleStoreContract, make_job, make_run

ENTER = """
import sys
from pathlib import Path
from footfall.adapters.sqlite_schedule import SqliteSchedule
from footfall.testing.schedule import make_run
store = SqliteSchedule(Path(sys.argv[1]))
print(sum(store.enter(make_run()) is not None for _ in range(50)))
"""


class TestMemory(ScheduleStoreContract):
    @pytest.fixture
    def open_store(self) -> OpenStore:
        store = MemorySchedule()
        return lambda: store


class TestSqlite(ScheduleStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path, request) -> OpenStore:
        def opened() -> SqliteSchedule:
            store = SqliteSchedule(tmp_path / "schedule.sqlite")
            request.addfinalizer(store.close)
            return store

        return opened

    def test_processes_share_one_open_run(self, open_store, tmp_path) -> None:
        open_store().put(make_job())
        command = [sys.executable, "-c", ENTER, str(tmp_path / "schedule.sqlite")]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        assert sum(int(process.communicate(timeout=60)[0]) for process in running) == 1

    def test_only_the_owner_may_read_it(self, open_store, tmp_path) -> None:
        open_store()
        for path in tmp_path.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path

    def test_what_is_no_database_is_told_and_left_alone(self, tmp_path) -> None:
        path = tmp_path / "schedule.sqlite"
        path.write_bytes(b"not a database" * 100)
        with pytest.raises(StoreFailed, match=r"schedule\.sqlite"):
            SqliteSchedule(path)
        assert path.read_bytes().startswith(b"not a database")

    def test_a_folder_that_is_gone_is_told(self, tmp_path) -> None:
        with pytest.raises(StoreFailed):
            SqliteSchedule(tmp_path / "none" / "schedule.sqlite")

    def test_a_killed_process_leaves_all_or_nothing(self, open_store, tmp_path) -> None:
        store = open_store()
        store.put(make_job())
        path = tmp_path / "schedule.sqlite"
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        other.execute("update jobs set next_at = '2099-01-01T00:00:00'")
        other.close()
        assert store.job("weekly") == make_job()
        assert store.enter(make_run()) is not None
