"""The platform's end when the last of its work can't be done: told in a line, with an exit code."""

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from installation import run_footfall

from footfall.adapters.sqlite_log import SqliteLog
from footfall.apps.supervisor import free_address, split_address
from footfall.testing.event_log import make_event, make_record


def stopped(data: Path, **settings: str) -> tuple[int, str]:
    """Run the platform's process until it is ready, then stop it; return its exit code and its output."""
    address = free_address("127.0.0.1:0")
    names = {"FOOTFALL_DATA": str(data), "FOOTFALL_CONSOLE_ADDRESS": address, **settings}
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall.apps.platform"],
        env={**os.environ, **names},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    try:
        while not _answers(address):
            assert time.monotonic() < deadline, "the platform was not ready in time"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, told


def _answers(address: str) -> bool:
    connection = HTTPConnection(*split_address(address), timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()


def test_a_clean_stop_is_0(tmp_path: Path) -> None:
    code, told = stopped(tmp_path / "data")
    assert (code, "stopped before" in told) == (0, False)


def test_a_last_load_that_fails_is_told_and_made_good(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "data" / "log" / "worker-0.sqlite"
    writer = SqliteLog(log, max_bytes=1 << 20)
    writer.append([make_record(make_event("waiting"))])
    writer.close()
    good = log.read_bytes()
    log.write_bytes(b"this is no log" * 1_000)
    code, told = stopped(data)
    assert code == 1
    assert "stopped before loading what was taken in last was done" in told
    assert "worker-0.sqlite is not a usable event log" in told
    assert "Traceback" not in told
    log.write_bytes(good)
    assert "waiting" in run_footfall(data, "sql", "select event from events").stdout


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_a_lake_that_cannot_be_written_is_told(tmp_path: Path, enabled: str) -> None:
    data, events = tmp_path / "data", tmp_path / "events.ndjson"
    events.write_text('{"event": "a"}\n')
    without = {**os.environ, "FOOTFALL_LAKE_ENABLED": "false"}
    command = [sys.executable, "-m", "footfall", "import", "ndjson", str(events), "--data", str(data)]
    assert subprocess.run(command, env=without, capture_output=True, check=False).returncode == 0
    (data / "lake").write_text("a file where the folder should be")
    code, told = stopped(data, FOOTFALL_LAKE_ENABLED=enabled)
    assert "Traceback" not in told
    if enabled == "false":
        assert code == 0
        return
    assert (code, "stopped before writing the lake was done" in told) == (1, True), told
    (data / "lake").unlink()
    assert stopped(data)[0] == 0
    assert list((data / "lake").rglob("*.parquet"))
