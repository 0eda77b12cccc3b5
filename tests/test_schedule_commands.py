"""``footfall schedule`` as people use it: real commands, a real platform, kill -9, and a webhook."""

import io
import json
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, processes_of, run_footfall, running

from footfall.apps.cli import app, run

# A plugin of apprise's imports it; Python 3.13 has it no more, and apprise does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "s3cr3t-w0rd"
FILES, EVENTS_EACH = 12, 10_000


def call(data: Path, *words: str) -> tuple[int, str]:
    """Run a command in this process, which saves a second; return exit code and output."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, redirect_stdout(out):
        run(lambda: app([*words, "--data", str(data)]))
    return int(ended.value.code or 0), out.getvalue()


def schedule(data: Path, *words: str, code: int = 0) -> Any:
    """Run a schedule command and return its JSON."""
    ended, out = call(data, "schedule", *words, "--format", "json")
    assert ended == code, out
    return json.loads(out)


def add(data: Path, name: str, *command: str) -> None:
    assert call(data, "schedule", "add", name, "--every", "monthly", *command)[0] == 0


def eventually(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Return the first true answer; ask for so long."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def write_events(path: Path, count: int) -> Path:
    lines = (
        f'{{"event":"view","event_id":"{path.stem}-{n}","created_at":"2026-03-01T00:00:00Z","url":"https://a.b/{n}"}}\n'
        for n in range(count)
    )
    path.write_text("".join(lines))
    return path


def make_due(data: Path, name: str, moment: str) -> None:
    """Set when a job comes next: what the clock does, without the wait."""
    database = sqlite3.connect(data / "schedule.sqlite", timeout=10)
    with database:
        database.execute("update jobs set next_at = ? where name = ?", [moment, name])
    database.close()


@contextmanager
def silence() -> Iterator[str]:
    """Give the address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Give an apprise address, and what was sent to it."""
    bodies: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/{SECRET}", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["nope", "--every", "daily"], 'Unknown command "nope"'),
        (["up", "--every", "daily"], "no command that ends"),
        (["schedule", "list", "--every", "daily"], "no command that ends"),
        (["import", "--every", "daily"], "requires an argument"),
        (["export", "sqlite", "x", "--bogus", "--every", "daily"], "--bogus"),
        (["ledger"], "either --cron or --every"),
        (["ledger", "--cron", "61 * * * *"], "Bad minute"),
        (["ledger", "--every", "daily", "--timezone", "Mars/X"], "no time zone"),
        (["--every", "daily"], "no command is given"),
        (["ledger", "--every", "daily", "--time-limit", "0"], "time limit"),
    ],
)
def test_what_could_not_run_is_refused_when_it_is_added(
    words: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "schedule", "add", "job", *words)[0] != 0
    assert why in capsys.readouterr().err


def test_jobs_without_a_platform(tmp_path: Path) -> None:
    data = tmp_path / "data"
    events = write_events(tmp_path / "in.ndjson", 50)
    added = run_footfall(
        *(data, "schedule", "add", "weekly", "import", "ndjson", str(events), "--app", "shop"),
        *("--cron", "0 6 * * 1", "--timezone", "Europe/Berlin"),
    )
    assert "weekly: At 06:00 on Monday (Europe/Berlin), next " in added.stderr
    assert call(data, "schedule", "add", "weekly", "ledger", "--every", "daily")[0] == 1
    [job] = schedule(data, "list")
    assert (job["command"], job["last"]) == (f"import ndjson {events} --app shop", None)
    run = schedule(data, "run", "weekly")
    assert (run["state"], run["cause"]) == ("ok", "by_hand")
    assert json.loads(run["said"])["stored"] == 50
    assert json.loads(schedule(data, "run", "weekly")["said"])["stored"] == 0
    assert [each["state"] for each in schedule(data, "history", "weekly")] == ["ok", "ok"]
    assert schedule(data, "pause", "weekly")["next_at"] is None
    assert [each["paused"] for each in schedule(data, "list")] == [True]
    assert schedule(data, "resume", "weekly")["next_at"] == job["next_at"]
    events.unlink()
    failed = run_footfall(data, "schedule", "run", "weekly")
    assert failed.returncode == 1
    assert "weekly: failed" in failed.stdout
    assert "in.ndjson" in schedule(data, "show", "weekly")["last"]["said"]
    assert schedule(data, "remove", "weekly") == {"removed": "weekly"}
    assert schedule(data, "list") == []
    assert call(data, "schedule", "show", "weekly")[0] == 1


def test_up_runs_what_is_due_and_a_hanging_job_hurts_nobody(tmp_path: Path) -> None:
    data = tmp_path / "data"
    add(data, "load", "import", "ndjson", str(write_events(tmp_path / "in.ndjson", 50)))
    make_due(data, "load", "2026-01-01T00:00:00")
    with silence() as nowhere, running(data) as up:
        history = eventually(
            lambda: [run for run in up.get("/api/schedule/load/runs") if run["finished_at"]]
        )
        assert [(run["cause"], run["state"]) for run in history] == [("catch_up", "ok")]
        assert up.sql("select count(*) from events") == [[50]]
        hanging = ("simulate", "--users", "1", "--days", "1", "--url", nowhere)
        add(data, "hang", *hanging, "--time-limit", "2")
        status, body = up.ask(
            "POST", "/api/schedule/hang/run", b"{}", {"Content-Type": "application/json"}, console=True
        )
        assert (status, json.loads(body)["state"]) == (202, "queued")
        assert eventually(lambda: up.get("/api/schedule/hang")["last"]["state"] == "running")
        assert call(data, "schedule", "run", "hang")[0] == 1
        assert schedule(data, "run", "load")["state"] == "ok"  # meanwhile another runs
        assert up.sql("select count(*) from events") == [[50]]
        assert eventually(lambda: up.get("/api/schedule/hang")["last"]["state"] == "timed_out")
        status, _ = up.ask("GET", "/api/schedule/none/runs", console=True)
        assert status == 404
        add(data, "late", *hanging)
        up.ask("POST", "/api/schedule/late/run", b"{}", {"Content-Type": "application/json"}, console=True)
        assert eventually(lambda: up.get("/api/schedule/late")["last"]["state"] == "running")
        began = time.monotonic()
        assert up.stop() == 0
        assert time.monotonic() - began < 20
    assert processes_of(data) == []
    states = [(run["cause"], run["state"]) for run in schedule(data, "history", "late")]
    assert states == [("again", "queued"), ("by_hand", "interrupted")]


@pytest.mark.crash
def test_a_killed_platform_does_its_job_again_and_doubles_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for number in range(FILES):
        write_events(tmp_path / f"in-{number}.ndjson", EVENTS_EACH)
    add(data, "load", "import", "ndjson", str(tmp_path / "in-*.ndjson"))
    whole = FILES * EVENTS_EACH
    with running(data) as up:
        up.ask("POST", "/api/schedule/load/run", b"{}", {"Content-Type": "application/json"}, console=True)
        assert eventually(lambda: 0 < up.sql("select count(*) from events")[0][0] < whole)
        os.kill(json.loads((data / "platform.json").read_bytes())["pid"], signal.SIGKILL)
        history = eventually(lambda: finished_twice(up))
        assert [(run["cause"], run["state"]) for run in history] == [
            ("again", "ok"),
            ("by_hand", "interrupted"),
        ]
        assert up.sql("select count(*), count(distinct event_id) from events") == [[whole, whole]]
    assert processes_of(data) == []


def finished_twice(up: Installation) -> list[dict[str, Any]]:
    """Return the runs once two are over; the platform may be away for a while."""
    try:
        runs: list[dict[str, Any]] = up.get("/api/schedule/load/runs")
    except OSError:
        return []
    return runs if sum(run["finished_at"] is not None for run in runs) == 2 else []


def test_a_failure_and_its_end_are_told_and_no_secret_shows(tmp_path: Path) -> None:
    data = tmp_path / "data"
    missing = tmp_path / "later.ndjson"
    url = f"mysql://bob:{SECRET}@127.0.0.1:9/x"
    add(data, "load", "import", "ndjson", str(missing))
    add(data, "mart", "export", "mysql", "--url", url)
    with webhook() as (address, bodies), running(data, environment={"FOOTFALL_ALERTS_URLS": address}) as up:
        for _ in range(2):
            schedule(data, "run", "load", code=1)
        write_events(missing, 3)
        schedule(data, "run", "load")
        assert eventually(lambda: len(bodies) == 2)
        assert [body["type"] for body in bodies] == ["failure", "success"]
        assert "later.ndjson" in bodies[0]["message"]
        assert "failed 2 times in a row" in bodies[1]["message"]
        up.ask("POST", "/api/schedule/mart/run", b"{}", {"Content-Type": "application/json"}, console=True)
        shown = [eventually(lambda: arguments_of("footfall.apps.job"))]
        assert eventually(lambda: up.get("/api/schedule/mart")["last"]["state"] == "failed")
        shown += [
            up.ask("GET", path, console=True)[1].decode()
            for path in ("/api/schedule", "/api/schedule/mart/runs")
        ]
        shown += [
            run_footfall(data, "schedule", *words).stdout for words in (["list"], ["history", "mart"])
        ]
        shown.append(run_footfall(data, "schedule", "show", "mart", "--format", "json").stdout)
        assert eventually(lambda: len(bodies) == 3)
        shown.append(json.dumps(bodies[2]))
        for text in shown:
            assert "job" in text or "mart" in text or "bob" in text
            assert SECRET not in text
        assert "bob:***@127.0.0.1" in shown[1]


def arguments_of(module: str) -> str:
    """Return the arguments of processes that run a module, as any user of the machine reads them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        found += [told] if module in told else []
    return " ".join(found)


def test_an_alert_can_be_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, "alerts", "test")[0] == 1
    assert "alerts.urls is empty" in capsys.readouterr().err
    with webhook() as (address, bodies):
        monkeypatch.setenv("FOOTFALL_ALERTS_URLS", address)
        code, out = call(tmp_path, "alerts", "test", "--format", "json")
    assert (code, json.loads(out)) == (0, {"sent": 1})
    assert [body["title"] for body in bodies] == ["footfall: test"]
    assert call(tmp_path, "alerts", "test")[0] == 75
    assert SECRET not in capsys.readouterr().err
