"""Rejected events read again: by the parser that refused them, with their sender, counted once."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from importing import NOW, bring_in, rules_of
from installation import run_footfall

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.event import Rejected
from footfall.core.record import AppId, Record, Sender
from footfall.errors import BadCorrection
from footfall.ports import RejectedEvent
from footfall.services.ledger import read_ledger
from footfall.services.load import Loader
from footfall.services.rejected import Retried, retry_rejected
from footfall.testing.event_log import START, MemoryLog

NAIVE = NOW.replace(tzinfo=None)
GOOD = '192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /a.pdf HTTP/1.1" 200 23 "-" "Agent/1"'
BROKEN = '192.0.2.7 - - [10/Oct/2026:13:55:37 +0000] "GET /b.pdf HTTP/1.1" two 23 "-" "Agent/1"'
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def warehouse(tmp_path):
    opened = DuckDBWarehouse(tmp_path / "data")
    yield opened
    opened.close()


def retry(warehouse, body: str | None = None) -> Retried:
    outcome = retry_rejected(warehouse.rejected(), warehouse, rules_of, NAIVE, body)
    assert all(books.balanced for books in read_ledger([], warehouse).apps.values())
    return outcome


def imported(warehouse, tmp_path: Path, format: str, text: str) -> RejectedEvent:
    """Import lines of which one is refused, and return that one."""
    path = tmp_path / f"lines.{format}"
    path.write_text(text)
    assert bring_in(warehouse, format, path, app="files").rejected == 1
    [event] = warehouse.rejected()
    return event


def test_a_log_line_is_read_by_its_format_again(warehouse, tmp_path):
    event = imported(warehouse, tmp_path, "combined", f"{GOOD}\n{BROKEN}\n")
    again = retry(warehouse)
    assert (again.stored, again.still_rejected) == (0, 1)
    assert [each.rejected_id for each in again.refused] == [event.rejected_id]
    # The same words as at the import, but for the place in the file.
    place = "line 2 of lines.combined: "
    assert again.refused[0].reasons == [reason.removeprefix(place) for reason in event.reasons]
    mended = retry(warehouse, BROKEN.replace("two", "206"))
    assert (mended.stored, mended.still_rejected, mended.refused) == (1, 0, [])
    columns = "event_id, app_id, event, object, status, ip, origin, received_at"
    [row] = warehouse.query(f"select {columns} from events where object = '/b.pdf'").rows
    assert row == (
        *(event.rejected_id, "files", "file_open", "/b.pdf", 206, "192.0.2.0", "combined"),
        event.received_at,
    )
    assert warehouse.rejected() == []
    # The visitor is the one of the line beside it: nothing tells apart how a line came in.
    assert warehouse.query("select count(distinct visitor_id) from events").rows == [(1,)]


def test_a_table_s_line_is_read_under_its_header_again(warehouse, tmp_path):
    header = "element_clicked;time_spent;source_menu;created_at"
    rows = (
        f"{header}\nentree_1;67;name;2022-09-11 23:00:00\nentree_2;68;name;2022-09-11 23:00:01;more;cells\n"
    )
    event = imported(warehouse, tmp_path, "csv", rows)
    assert retry(warehouse).refused[0].reasons == ["it has 6 cells where the header has 4"]
    assert retry(warehouse, "entree_2;68;name;2022-09-11 23:00:01").stored == 1
    columns = "element, time_spent, properties, created_at::varchar"
    first, second = warehouse.query(f"select {columns} from events order by element").rows
    assert second == ("entree_2", 68.0, first[2], "2022-09-11 23:00:01")
    assert [step.state for step in warehouse.find(event.rejected_id)] == ["stored"]


def test_a_line_of_an_older_version_says_what_is_missing(warehouse, tmp_path):
    event = imported(warehouse, tmp_path, "csv", "event,url\na,/\nb,/,x,y\n")
    older = replace(event, header=None)
    outcome = retry_rejected([older], warehouse, rules_of, NAIVE)
    assert "header" in outcome.refused[0].reasons[0]
    outcome = retry_rejected([older], warehouse, rules_of, NAIVE, '{"event": "b", "url": "/"}')
    assert outcome.stored == 1


def test_json_lines_keep_their_other_names(warehouse, tmp_path):
    imported(warehouse, tmp_path, "ndjson", '{"event": "a"}\n{"event": "b", oops}\n')
    assert "not JSON" in retry(warehouse).refused[0].reasons[0]
    assert retry(warehouse, '{"action": "b", "location_id": 516}').stored == 1
    assert warehouse.query("select event, country from events where country is not null").rows == [
        ("b", "NA")
    ]


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("combined", f"{GOOD}\n{GOOD}"),
        ("combined", ""),
        ("combined", '[{"event": "a"}, {"event": "b"}]'),
        ("ndjson", '[{"event": "a"}, {"event": "b"}]'),
        ("ndjson", "[]"),
        ("ndjson", '{"event": "a", "app_id": "other"}'),
        ("csv", "a,/\nb,/"),
    ],
)
def test_a_correction_stands_for_one_event_of_its_app(warehouse, tmp_path, format, body):
    texts = {
        "combined": f"{GOOD}\n{BROKEN}\n",
        "ndjson": '{"event": "a"}\nno\n',
        "csv": "event,url\na,/\nb,/,x,y\n",
    }
    imported(warehouse, tmp_path, format, texts[format])
    outcome = retry(warehouse, body)
    assert (outcome.stored, outcome.still_rejected) == (0, 1)
    assert outcome.refused[0].reasons
    assert len(warehouse.rejected()) == 1


def test_a_line_that_was_cut_is_not_taken_for_the_whole(warehouse, tmp_path):
    imported(warehouse, tmp_path, "csv", f"event,title\na,x\nb,{'y' * (1 << 20)}\n")
    assert "only its beginning" in retry(warehouse).refused[0].reasons[0]
    assert retry(warehouse, "b,y").stored == 1


def test_a_correction_is_for_one_and_not_too_long(warehouse, tmp_path):
    event = imported(warehouse, tmp_path, "combined", f"{GOOD}\n{BROKEN}\n")
    for events, body in (([], GOOD), ([event, event], GOOD), ([event], "x" * (1 << 21))):
        with pytest.raises(BadCorrection):
            retry_rejected(events, warehouse, rules_of, NAIVE, body)


def test_a_retried_event_has_its_sender(warehouse):
    """What was refused and mended equals what was sent right at once, but for its id."""
    sender = Sender("192.0.2.0", "NA", PHONE, "de", "4f" * 12)
    right, wrong = {"event": "a", "time_spent": 1}, {"event": "a", "time_spent": -1}

    def record(kind, items):
        return Record(
            kind=kind,
            app_id=AppId("shop"),
            origin="native",
            received_at=START,
            count=1,
            sender=sender,
            body=msgspec.json.encode(items),
        )

    log = MemoryLog("w1")
    refused = Rejected(reasons=["time_spent is -1"], body=json.dumps(wrong))
    log.append([record("events", [right]), record("rejected", [refused])])
    Loader(lambda: [log], warehouse, lambda: NAIVE).drain()
    [event] = warehouse.rejected()
    assert event.sender == sender
    assert retry_rejected([event], warehouse, rules_of, NAIVE).still_rejected == 1
    assert retry_rejected([event], warehouse, rules_of, NAIVE, json.dumps(right)).stored == 1
    first, second = warehouse.query("select * exclude (event_id) from events").rows
    assert first == second
    columns = "visitor_id, country, device, os, language, ip"
    assert warehouse.query(f"select distinct {columns} from events").rows == [
        ("4f" * 12, "NA", "mobile", "iOS", "de", "192.0.2.0")
    ]
    assert read_ledger([log], warehouse).balanced


def test_a_warehouse_of_an_older_version_gets_the_columns(tmp_path):
    import duckdb

    DuckDBWarehouse(tmp_path).close()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        for name in ("ip", "country", "user_agent", "language", "visitor_hash", "header"):
            connection.execute(f"alter table store.rejected drop column {name}")
        connection.execute(
            "insert into store.rejected values "
            "('w1-1-0', 'default', null, '2026-01-01', 'native', ['r'], '{\"event\": \"a\"}')"
        )
        connection.execute("insert into store.books values ('default', 0, 0, 1)")
    warehouse = DuckDBWarehouse(tmp_path)
    [event] = warehouse.rejected()
    assert (event.sender, event.header) == (Sender(), None)
    assert retry_rejected([event], warehouse, rules_of, NAIVE).stored == 1
    warehouse.close()


def test_the_command_tells_why_and_takes_a_corrected_body(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "access.log"
    log.write_text(f"{GOOD}\n{BROKEN}\n")
    assert run_footfall(data, "import", "combined", str(log)).returncode == 0
    [event] = json.loads(run_footfall(data, "rejected", "list", "--format", "json").stdout)
    name = event["rejected_id"]
    again = run_footfall(data, "rejected", "retry", name)
    assert again.returncode == 0
    assert f"{name} is refused again" in again.stdout
    wrong = run_footfall(data, "rejected", "retry", name, "--body", BROKEN)
    assert wrong.returncode == 1
    assert "it has no status of three digits" in wrong.stdout
    unnamed = run_footfall(data, "rejected", "retry", "--body", GOOD)
    assert (unnamed.returncode, "rejected list" in unnamed.stderr) == (1, True)
    mended = tmp_path / "mended.txt"
    mended.write_text(BROKEN.replace("two", "200") + "\n")
    both = run_footfall(data, "rejected", "retry", name, "--body", GOOD, "--file", str(mended))
    assert (both.returncode, "--file" in both.stderr) == (1, True)
    done = run_footfall(data, "rejected", "retry", name, "--file", str(mended), "--format", "json")
    assert json.loads(done.stdout) == {
        "retried": 1,
        "stored": 1,
        "duplicate": 0,
        "still_rejected": 0,
        "refused": [],
    }
    books = json.loads(run_footfall(data, "ledger", "--format", "json").stdout)
    assert (books["received"], books["stored"], books["rejected"]) == (2, 2, 0)
