"""A log file that is deleted, or put back from an older copy: what comes afterwards is never skipped."""

import shutil
import time
from http.client import HTTPException
from pathlib import Path

from installation import Installation, run_footfall, running


def send(installation: Installation, name: str, count: int) -> None:
    installation.post([{"event": name} for _ in range(count)])  # without ids: they are made from places


def counts(installation: Installation) -> dict[str, int]:
    assert installation.settle()["pending"] == 0
    return dict(installation.sql("select event, count(*) from events group by event order by event"))


def test_events_after_a_deleted_log_file_are_loaded(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log = data / "log" / "worker-0.sqlite"
    with running(data) as installation:
        for _ in range(5):
            send(installation, "before", 3)
        assert counts(installation) == {"before": 15}
    log.unlink()
    gone = run_footfall(data, "doctor")
    assert "worker-0's file is gone; 15 events" in gone.stdout
    with running(data) as installation:
        send(installation, "after", 2)
        assert counts(installation) == {"after": 2, "before": 15}
        books = installation.settle()
        assert (books["received"], books["stored"], books["duplicate"]) == (17, 17, 0)
        told = installation.footfall("doctor")
        assert told.returncode == 0, told.stdout
        assert "worker-0's file was replaced; 15 events" in told.stdout


def test_events_after_an_older_copy_was_put_back_are_loaded(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log, copy = data / "log" / "worker-0.sqlite", tmp_path / "copy.sqlite"
    with running(data) as installation:
        send(installation, "before", 2)
        assert counts(installation) == {"before": 2}
    shutil.copy(log, copy)
    with running(data) as installation:
        for _ in range(5):
            send(installation, "between", 2)
        assert counts(installation) == {"before": 2, "between": 10}
    shutil.copy(copy, log)
    with running(data) as installation:
        send(installation, "after", 2)
        assert counts(installation) == {"after": 2, "before": 2, "between": 10}
        books = installation.settle()
        assert (books["received"], books["stored"], books["duplicate"]) == (14, 14, 0)
        assert "worker-0's file was replaced; 10 events" in installation.footfall("doctor").stdout


def test_a_file_deleted_under_a_running_platform_stops_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log = data / "log" / "worker-0.sqlite"
    with running(data) as installation:
        send(installation, "before", 3)
        assert counts(installation) == {"before": 3}
        log.unlink()
        time.sleep(0.5)  # the writer looks at its file four times a second
        taken = 0
        deadline = time.monotonic() + 20
        while taken < 3:
            assert time.monotonic() < deadline, "the collector did not begin a new file"
            try:
                status, _ = installation.ask("POST", "/v1/events", b'{"event": "after"}')
            except (OSError, HTTPException):
                continue
            assert status in {200, 503}
            taken += status == 200
        deadline = time.monotonic() + 20
        while counts(installation) != {"after": 3, "before": 3}:
            assert time.monotonic() < deadline, counts(installation)
        assert log.exists()
    # The next start reads what the new file's write-ahead log held.
    with running(data) as installation:
        assert counts(installation) == {"after": 3, "before": 3}
