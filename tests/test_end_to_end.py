"""The whole way, with real processes: HTTP in, answers out, equal to the simulator's truth."""

import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from installation import Installation, processes_of, run_footfall, running

from footfall.services.send import send
from footfall.simulate.encode import ndjson
from footfall.simulate.truth import truth
from footfall.simulate.world import simulate

MONTH = simulate(400, 30, 11, date(2024, 9, 1))
TRUTH = truth(MONTH)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A simulated month, sent over HTTP to a running installation."""
    with running(tmp_path_factory.mktemp("month") / "data") as installation:
        sent = send(ndjson(MONTH), f"http://{installation.collector}")
        books = installation.settle()
        yield installation, sent, books


def plain(rows: list[list[Any]]) -> list[list[Any]]:
    """Times as the truth writes them."""
    return [[value.removesuffix("Z") if isinstance(value, str) else value for value in row] for row in rows]


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_metric_equals_the_truth(month: tuple[Installation, Any, Any], name: str) -> None:
    installation, _, _ = month
    expected = TRUTH[name]
    query = "&".join(f"{key}={value}" for key, value in expected["parameters"].items())
    answer = installation.get(f"/api/metrics/{expected.get('metric', name)}?{query}")
    assert answer["columns"] == expected["columns"]
    assert plain(answer["rows"]) == plain(expected["rows"])


def test_the_books_balance(month: tuple[Installation, Any, Any]) -> None:
    _, sent, books = month
    lines = sum(block.count(b"\n") for block in ndjson(MONTH))
    assert sent.accepted + sent.duplicates + sent.rejected == lines
    assert books["received"] == lines
    assert books["received"] == books["stored"] + books["duplicate"] + books["rejected"]
    assert books["duplicate"] > 0


def test_the_command_line_asks_the_running_platform(month: tuple[Installation, Any, Any]) -> None:
    installation, _, _ = month
    shown = installation.footfall("metric", "daily_active_users", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    assert plain(json.loads(shown.stdout)["rows"]) == plain(TRUTH["daily_active_users"]["rows"])
    refused = installation.footfall("sql", "drop table events")
    assert refused.returncode == 1
    assert "Only single SELECT" in refused.stderr


def test_commands_work_without_a_running_platform(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as installation:
        installation.post([{"event": "page_view", "anonymous_id": "a"}, {"event": "click", "nope": {}}])
    shown = run_footfall(data, "ledger", "--format", "json")
    assert shown.returncode == 0, shown.stderr
    books = json.loads(shown.stdout)
    assert (books["received"], books["stored"], books["pending"]) == (2, 2, 0)
    missing = run_footfall(tmp_path / "nothing", "ledger")
    assert missing.returncode == 1
    assert "footfall up" in missing.stderr
    assert not (tmp_path / "nothing").exists()


def test_an_event_can_be_queried_within_two_seconds(tmp_path: Path) -> None:
    with running(tmp_path / "data") as installation:
        began = time.monotonic()
        installation.post({"event": "signup", "event_id": "e-1", "user_id": "u"})
        while not installation.sql("select 1 from events where event_id = 'e-1'"):
            assert time.monotonic() - began < 2
            time.sleep(0.02)


def test_nothing_is_left_behind_after_a_stop_or_a_kill(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, "--workers", "2") as installation:
        assert len(processes_of(data)) >= 4
        assert installation.stop() == 0
    assert processes_of(data) == []
    with running(data, "--workers", "2") as installation:
        installation.process.kill()
        deadline = time.monotonic() + 10
        while processes_of(data):
            assert time.monotonic() < deadline, processes_of(data)
            time.sleep(0.1)
