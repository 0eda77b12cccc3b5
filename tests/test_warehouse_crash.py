"""The warehouse killed in the middle of its work, and on a full disk: with real processes."""

import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.errors import StoreFailed
from footfall.testing.warehouse import make_batch, make_row

WRITER = """
import sys
from datetime import timedelta
from pathlib import Path
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.testing.warehouse import NOON, make_batch, make_row

warehouse = DuckDBWarehouse(Path(sys.argv[1]))
number = warehouse.positions().get("log", 0)
while True:
    number += 1
    at = NOON + timedelta(minutes=number * 7 % 500)
    rows = [make_row(event_id=f"{number}-{n}", visitor_id=f"{n}", created_at=at) for n in range(40)]
    warehouse.store(make_batch(*rows, positions={"log": number}))
    print(number, flush=True)
"""

AGREE = {
    "rows and the read position": "select count(*) = 40 * max(position) from events, store.positions",
    "rows and the books": "select count(*) = (select stored from store.books) from events",
    "rows and what was seen": "select count(*) = (select count(*) from store.seen) from events",
    "rows and sessions": "select count(*) = (select sum(events) from sessions) from events",
    "rows and visitor days": "select count(*) = (select sum(events) from visitor_days) from events",
    "rows and event hours": "select count(*) = (select sum(events) from event_hours) from events",
    "rows and the lake's books": "select count(*) = (select sum(rows) from store.lake_hours) from events",
    "labels, sessions": "select count(distinct session_id) = (select count(*) from sessions) from events",
}


@pytest.mark.crash
def test_killed_in_the_middle_it_opens_with_whole_batches(tmp_path):
    acknowledged = 0
    for seconds in (0.15, 0.4, 0.8):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        lines = writer.communicate(timeout=10)[0].split()
        acknowledged = max([acknowledged, *map(int, lines)])
        warehouse = DuckDBWarehouse(tmp_path)
        try:
            assert warehouse.positions()["log"] >= acknowledged
            for what, sql in AGREE.items():
                assert warehouse.query(sql).rows == [(True,)], what
            acknowledged = warehouse.positions()["log"]
        finally:
            warehouse.close()
    assert acknowledged > 3


def test_a_full_disk_commits_nothing_and_heals(tmp_path):
    """The file-size limit stands in for the disk's end: writes fail with an error all the same."""
    warehouse = DuckDBWarehouse(tmp_path)
    warehouse.store(make_batch(make_row(), positions={"log": 1}))
    largest = max(path.stat().st_size for path in Path(tmp_path).iterdir() if path.is_file())
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    many = make_batch(
        *(make_row(event_id=f"{n}" * 40, title=f"{n * 7919}" * 60) for n in range(2_000)),
        positions={"log": 2},
    )
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, usual[1]))
        with pytest.raises(StoreFailed) as caught:
            warehouse.store(many)
        assert caught.value.retryable
        assert str(tmp_path) not in str(caught.value)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, ignored)
    assert warehouse.positions() == {"log": 1}
    assert warehouse.query("select count(*) from events").rows == [(1,)]
    assert warehouse.store(many).stored == 2_000
    warehouse.close()
    again = DuckDBWarehouse(tmp_path)
    assert again.query("select count(*) from events").rows == [(2_001,)]
    assert again.positions() == {"log": 2}
    again.close()
