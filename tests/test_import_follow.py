"""Going on with what comes: ``import --follow``, the setting ``watch``, and many importers at one time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_emulator import aws_emulator, make_bucket
from installation import Installation, running

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.errors import BadSettings, BadSource
from footfall.services.watch import Follower, Stopped, Watcher
from footfall.settings import Watch, load_settings
from tests.importing import select

LINE = '192.0.2.{0} - - [17/May/2015:10:{1:02}:03 +0000] "GET /f{2}.pdf HTTP/1.1" 200 {2} "-" "Agent"\n'
WAIT_SECONDS = 40.0
OBJECTS = "select count(*), count(distinct object) from events where object is not null"


def log(number: int, first: int = 0) -> bytes:
    return b"".join(LINE.format(n % 250, n % 60, n).encode() for n in range(first, first + number))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def footfall(data: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "footfall", *words, "--data", str(data), "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
    )


def test_follow_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    """A line counts once it is ended; the log is rotated meanwhile."""
    path, data = tmp_path / "access.log", tmp_path / "data"
    path.write_bytes(log(20) + log(1, 20)[:-30])
    process = footfall(
        data, "import", "combined", str(tmp_path / "access.log*"), "--follow", "--every", "0.2"
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as out, process.stderr as err:
        assert json.loads(out.readline())["lines"] == 20
        append(path, log(1, 20)[-30:])
        assert json.loads(out.readline())["lines"] == 1
        path.rename(tmp_path / "access.log.1")
        path.write_bytes(log(5, 21))
        lines = 0
        while lines < 5:
            lines += json.loads(out.readline())["lines"]
        process.send_signal(signal.SIGINT)
        assert out.read() == err.read() == ""
    assert process.wait() == 130
    store = DuckDBWarehouse(data)
    assert select(store, "count(*), count(distinct object)", "1") == [(26, 26)]
    assert store.rejected() == []
    store.close()


@pytest.fixture
def bucket() -> Iterator[Any]:
    with aws_emulator():
        yield make_bucket("logs")


def test_up_watches_while_commands_import_the_same(tmp_path: Path, bucket: Any) -> None:
    """A watched file and prefix, and commands at the same time on both: each line is there once."""
    data, path = tmp_path / "data", tmp_path / "access.log"
    data.mkdir()
    path.write_bytes(log(100))
    for number in range(40):
        bucket.put_object(Bucket="logs", Key=f"a/{number:02}", Body=log(10, 1_000 + number * 10))
    (data / "footfall.toml").write_text(
        f'[[watch]]\nformat = "combined"\npath = "{path}"\nevery_seconds = 0.5\n'
        '[[watch]]\nformat = "combined"\npath = "s3://logs/a/"\nevery_seconds = 0.5\n'
        '[[watch]]\nformat = "combined"\npath = "/no/such/file"\n'
    )
    with running(data) as installation:
        several = [footfall(data, "import", "combined", "s3://logs/a/", str(path)) for _ in range(2)]
        append(path, log(50, 100))
        bucket.put_object(Bucket="logs", Key="a/99", Body=log(10, 2_000))
        for process in several:
            _, err = process.communicate(timeout=WAIT_SECONDS)
            assert process.returncode == 0, err
        until(lambda: installation.sql(OBJECTS) == [[560, 560]])
        listed = installation.get("/api/imports?limit=1000")
        assert len(listed) == 42
        assert {each["state"] for each in listed} == {"done"}
        assert_books(installation, 560)
        assert installation.stop() == 0


def assert_books(installation: Installation, lines: int) -> None:
    books = installation.get("/api/ledger")
    assert (books["received"], books["stored"], books["duplicate"]) == (lines, lines, 0)


def test_an_error_is_told_once_until_it_changes() -> None:
    told: list[str] = []
    news: list[int] = []
    steps: list[Mapping[str, Any] | str] = [
        *("gone", "gone"),
        {"lines": 3, "errors": ("bad gz",)},
        {"lines": 0, "errors": ("bad gz",)},
        {"lines": 0, "errors": ()},
        *("gone",),
    ]
    left = iter(steps)

    def once() -> Mapping[str, Any]:
        step = next(left)
        if isinstance(step, str):
            raise BadSource(path=step, format="combined", cause="it is", hint="Look")
        return step

    follower = Follower(once, lambda outcome: news.append(outcome["lines"]), told.append)
    for _ in steps:
        follower.step()
    assert [message.partition(" cannot")[0] for message in told] == ["gone", "bad gz", "gone"]
    assert news == [3]


def test_each_source_is_looked_at_in_its_time_and_left_when_the_process_ends() -> None:
    now, looked, stopping = [0.0], list[str](), [False]

    def import_once(_: str, paths: Any, __: str, on_progress: Any, *, growing: bool) -> Mapping[str, Any]:
        assert growing
        looked.extend(paths)
        on_progress({})
        return {"lines": 0, "errors": ()}

    watches = [
        Watch(format="s3", path="often", every_seconds=2),
        Watch(format="s3", path="rarely", every_seconds=5),
    ]
    watcher = Watcher(watches, import_once, lambda: stopping[0], lambda: now[0])
    for moment in range(6):
        now[0] = float(moment)
        watcher.step()
    assert looked == ["often", "rarely", "often", "often", "rarely"]
    stopping[0], now[0] = True, 9.0
    with pytest.raises(Stopped):
        watcher.step()


def test_bad_watches_are_told_with_the_other_settings(tmp_path: Path) -> None:
    (tmp_path / "footfall.toml").write_text('[[watch]]\npath = ""\n[loader]\nbatch_events = -1\n')
    with pytest.raises(BadSettings, match=r"loader\.batch_events.*\[\[watch\]\]"):
        load_settings({}, working_folder=tmp_path)
