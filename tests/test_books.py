"""The books, one event's life, rejected events and the doctor, by the commands that people use."""

import json
import os
import time
from pathlib import Path
from typing import Any

from installation import run_footfall, running


def told(data: Path, *arguments: str) -> Any:
    shown = run_footfall(data, *arguments, "--format", "json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


EVENTS = [
    {"event": "signup", "event_id": "good", "user_id": "u1"},
    {"event": "signup", "event_id": "good", "user_id": "u1"},
    {"event_id": "nameless", "created_at": "not a time"},
]


def test_each_event_is_accounted_for_and_can_be_traced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as installation:
        answer = installation.post(EVENTS)
        assert [entry["index"] for entry in answer["rejected"]] == [2]
        assert len(answer["rejected"][0]["reasons"]) == 2
        installation.settle()
        books = told(data, "ledger")
        expected = {"received": 3, "stored": 1, "duplicate": 1, "rejected": 1, "pending": 0}
        assert {name: books[name] for name in expected} == expected
        assert books["apps"]["default"] == expected
        assert "stored" in [step["state"] for step in told(data, "trace", "good")["steps"]]
        assert "duplicate" in [step["state"] for step in told(data, "trace", "good")["steps"]]
        assert told(data, "trace", "nameless")["steps"][0]["state"] == "rejected"
        unknown = told(data, "trace", "never sent")
        assert (unknown["found"], unknown["steps"]) == (False, [])
    assert told(data, "ledger")["received"] == 3


def test_an_event_that_is_not_loaded_yet_is_found_in_the_log(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, environment={"FOOTFALL_LOADER_INTERVAL_SECONDS": "30"}) as installation:
        installation.post({"event": "first"})
        installation.settle(1)
        installation.post({"event": "late", "event_id": "waiting"})
        life = installation.get("/api/events/waiting")
        assert [step["state"] for step in life["steps"]] == ["pending"]
        began = time.monotonic()
        assert installation.get("/api/ledger")["pending"] >= 1
        told_at_once = time.monotonic() - began
        assert installation.get("/api/ledger?wait=0.7")["pending"] >= 1
        assert told_at_once < 0.7 <= time.monotonic() - began
        assert installation.ask("GET", "/api/ledger?wait=99", console=True)[0] == 400


def test_rejected_events_are_listed_shown_and_taken_in_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    strict = "[apps.shop]\nwrite_keys = ['k']\n"
    data.mkdir()
    (data / "footfall.toml").write_text(strict)
    with running(data) as installation:
        headers = {"X-Write-Key": "k"}
        wrong = json.dumps([{"event": "a", "event_id": "1", "app_id": "blog"}, {"no": "name"}]).encode()
        assert installation.ask("POST", "/v1/events", wrong, headers)[0] == 200
        installation.settle()
        listed = told(data, "rejected", "list")
        assert len(listed) == 2
        assert any("app_id" in reason for each in listed for reason in each["reasons"])
        one = told(data, "rejected", "show", listed[0]["rejected_id"])
        assert one == listed[0]
        # Under today's rules they fail again, and stay.
        assert told(data, "rejected", "retry")["still_rejected"] == 2
        assert told(data, "ledger")["rejected"] == 2
        missing = run_footfall(data, "rejected", "show", "nothing-1-0")
        assert missing.returncode == 1
        assert "rejected list" in missing.stderr


def test_a_retry_after_the_rule_is_mended_stores_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as installation:
        installation.post([{"event": "a", "event_id": "1", "time_spent": -1}])
        installation.settle()
    # The rule is mended here by mending the stored bytes, as a migration would.
    import duckdb

    with duckdb.connect(str(data / "warehouse.duckdb")) as connection:
        connection.execute("update store.rejected set body = replace(body, '-1', '1')")
    assert told(data, "rejected", "retry")["stored"] == 1
    books = told(data, "ledger")
    assert (books["received"], books["stored"], books["rejected"]) == (1, 1, 0)
    assert told(data, "rejected", "list") == []
    assert told(data, "rejected", "retry")["retried"] == 0


def test_the_doctor_finds_what_is_wrong_and_says_how_to_mend_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    absent = run_footfall(data, "doctor")
    assert absent.returncode == 1
    assert "footfall up" in absent.stdout
    with running(data) as installation:
        installation.post({"event": "a"})
        installation.settle()
        findings = told(data, "doctor")
        assert {each["state"] for each in findings} == {"ok"}
        assert any(each["part"] == "platform" and "answers" in each["detail"] for each in findings)
    os.chmod(data / "keys" / "installation.key", 0o644)  # noqa: PTH101
    loose = told(data, "doctor")
    assert [each["mend"] for each in loose if each["state"] == "warning"] == [f"chmod 600 {data}/keys/*"]
