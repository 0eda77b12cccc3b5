"""Events as files: every row and value, whole or not at all, in flat memory, harmless in a spreadsheet."""

import csv
import json
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from installation import run_footfall, running

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.formulas import FORMULA_STARTS, harmless_column
from footfall.errors import BadTarget
from footfall.services import export_files as module
from footfall.services.export_files import FileOrder, export_files
from footfall.testing.warehouse import NOON, make_batch, make_row

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\r\n=1",
    'a"b,c\nd',
    "😀 Zoë",
    "",
    "'=1",
]


@pytest.fixture
def warehouse(tmp_path):
    found = DuckDBWarehouse(tmp_path / "data")
    rows = [
        make_row(
            app_id="shop" if number % 2 else "blog",
            created_at=NOON + timedelta(minutes=17 * number, microseconds=number),
            title=HOSTILE[number % len(HOSTILE)],
            status=200 if number % 3 else None,
            time_spent=number / 8 if number % 3 else None,
            is_bot=number % 7 == 0,
            properties='{"a":[1,"ü"]}',
        )
        for number in range(500)
    ]
    found.store(make_batch(*rows))
    yield found
    found.close()


def held(warehouse: DuckDBWarehouse, where: str = "true") -> pa.Table:
    """Return the warehouse's rows in the order of an export."""
    sql = f"select * from events where {where} order by created_at, event_id"
    return pa.Table.from_batches(warehouse.scan(sql)).cast(EVENTS_SCHEMA)


def order(path: Path, kind: str = "parquet", **fields: object) -> FileOrder:
    return FileOrder(kind=kind, path=str(path), **fields)


def nothing_else(folder: Path, *names: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_parquet_file_holds_every_row_and_value(warehouse, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    done = export_files(warehouse, order(out / "events.parquet"))
    assert (done.rows, done.files) == (500, 1)
    assert done.bytes == (out / "events.parquet").stat().st_size
    assert pq.read_table(out / "events.parquet").equals(held(warehouse))
    nothing_else(out, "events.parquet")


def test_days_and_app_choose_the_rows(warehouse, tmp_path) -> None:
    chosen = {"first": date(2026, 11, 21), "last": date(2026, 11, 22), "app": "shop"}
    done = export_files(warehouse, order(tmp_path / "some.parquet", **chosen))
    where = "created_at >= '2026-11-21' and created_at < '2026-11-23' and app_id = 'shop'"
    expected = held(warehouse, where)
    assert 0 < len(expected) < 500
    assert done.rows == len(expected)
    assert pq.read_table(tmp_path / "some.parquet").equals(expected)


@pytest.mark.parametrize("most", [1, 7, 100])
def test_stretches_of_hours_lose_and_double_nothing(warehouse, tmp_path, monkeypatch, most) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", most)
    monkeypatch.setattr(module, "ROW_GROUP_ROWS", 50)
    told = []
    export_files(warehouse, order(tmp_path / "events.parquet"), told.append)
    assert pq.read_table(tmp_path / "events.parquet").equals(held(warehouse))
    assert {line["rows_total"] for line in told} == {500}
    done = [line["rows_done"] for line in told]
    assert done == sorted(done)
    assert len(done) > 3


def test_a_partitioned_folder_is_what_engines_read(warehouse, tmp_path) -> None:
    done = export_files(warehouse, order(tmp_path / "events", partitioned=True))
    files = sorted((tmp_path / "events").rglob("*.parquet"))
    assert done.files == len(files) == 142
    assert files[0].relative_to(tmp_path).as_posix() == (
        "events/year=2026/month=11/day=20/hour=12/part-00000.parquet"
    )
    read = duckdb.sql(
        f"select count(*), count(*) filter (where make_timestamp(year, month, day, hour::bigint, 0, 0)"
        f" = date_trunc('hour', created_at)) from read_parquet('{tmp_path}/events/**/*.parquet',"
        " hive_partitioning = true)"
    ).fetchall()
    assert read == [(500, 500)]
    assert pa.concat_tables(pq.ParquetFile(file).read() for file in files).equals(held(warehouse))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_csv_file_says_the_same_and_runs_nowhere(warehouse, tmp_path) -> None:
    export_files(warehouse, order(tmp_path / "events.csv", "csv"))
    rows = read_csv(tmp_path / "events.csv")
    expected = held(warehouse).to_pylist()
    assert list(rows[0]) == list(EVENTS_SCHEMA.names)
    for row, event in zip(rows, expected, strict=True):
        assert row["event_id"] == event["event_id"]
        assert row["created_at"] == event["created_at"].isoformat(timespec="microseconds") + "Z"
        assert row["status"] == ("" if event["status"] is None else str(event["status"]))
        assert row["time_spent"] == "" or float(row["time_spent"]) == event["time_spent"]
        assert row["is_bot"] == str(event["is_bot"]).lower()
        assert json.loads(row["properties"]) == {"a": [1, "ü"]}
        assert not row["title"].startswith(FORMULA_STARTS)
        assert row["title"] in (event["title"], f"'{event['title']}")


def test_exact_csv_has_every_text_as_it_is(warehouse, tmp_path) -> None:
    export_files(warehouse, order(tmp_path / "events.csv", "csv", exact=True))
    titles = [row["title"] for row in read_csv(tmp_path / "events.csv")]
    assert titles == held(warehouse)["title"].to_pylist()


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_csv_is_packed_by_its_name(warehouse, tmp_path, ending) -> None:
    path = tmp_path / f"events.csv.{ending}"
    export_files(warehouse, order(path, "csv"))
    with pa.input_stream(path) as stream:
        assert stream.read().decode().count("\n") > 500


@given(st.lists(st.none() | st.text(max_size=4), min_size=1))
def test_only_what_begins_like_a_formula_changes(texts: list[str | None]) -> None:
    marked = harmless_column(pa.chunked_array([texts], pa.string())).to_pylist()
    for text, shown in zip(texts, marked, strict=True):
        dangerous = text is not None and text.startswith(FORMULA_STARTS)
        assert shown == (f"'{text}" if dangerous else text)


def test_what_is_there_is_replaced_only_when_the_new_one_is_whole(warehouse, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for partitioned, name in ((False, "events.csv"), (True, "events")):
        wanted = order(out / name, "csv", partitioned=partitioned)
        export_files(warehouse, wanted)

        def leave(_: object) -> None:
            raise KeyboardInterrupt

        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        with pytest.raises(KeyboardInterrupt):
            export_files(warehouse, wanted, leave)
        assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
        smaller = order(out / name, "csv", partitioned=partitioned, app="shop")
        done = export_files(warehouse, smaller)
        assert done.rows == 250
        found = [out / name] if not partitioned else sorted((out / name).rglob("*.csv"))
        assert sum(len(read_csv(path)) for path in found) == 250
    nothing_else(out, "events", "events.csv")


def test_places_that_hold_something_else_are_refused(warehouse, tmp_path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(b"cat")
    cases = [
        (order(photos, partitioned=True), "something else"),
        (order(photos / "cat.jpg", partitioned=True), "something else"),
        (order(photos), "--partitioned"),
        (order(tmp_path / "none" / "events.parquet"), "no folder"),
        (order(photos / "x", first=date(2026, 2, 2), last=date(2026, 2, 1)), "--from"),
    ]
    for wanted, why in cases:
        with pytest.raises(BadTarget, match=why):
            export_files(warehouse, wanted)
    nothing_else(photos, "cat.jpg")


def test_a_full_disk_is_told_and_leaves_nothing(warehouse, tmp_path, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(BadTarget, match="No space left"):
        export_files(warehouse, order(tmp_path / "events.parquet"))
    nothing_else(tmp_path, "data")


def test_no_events_are_an_empty_file_with_its_columns(tmp_path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "data")
    for wanted in (order(tmp_path / "e.parquet"), order(tmp_path / "e", partitioned=True)):
        assert export_files(warehouse, wanted).rows == 0
    assert pq.read_table(tmp_path / "e.parquet").schema.equals(EVENTS_SCHEMA)
    warehouse.close()


def events(folder: Path, count: int = 40) -> Path:
    path = folder / "in.ndjson"
    lines = [
        json.dumps(
            {"event": "view", "event_id": f"e{n}", "created_at": f"2026-03-0{n % 4 + 1}T0{n % 9}:00:00Z"}
        )
        for n in range(count)
    ]
    path.write_text("\n".join(lines))
    return path


def test_the_command_works_running_or_not_and_its_csv_can_be_imported(tmp_path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    assert run_footfall(data, "import", "ndjson", str(events(tmp_path))).returncode == 0
    cold = run_footfall(data, "export", "parquet", str(tmp_path / "cold.parquet"), "--format", "json")
    assert json.loads(cold.stdout)["rows"] == 40, cold.stderr
    with running(data) as installation:
        out = str(tmp_path / "warm.parquet")
        warm = installation.footfall("export", "parquet", out, "--format", "json")
        assert json.loads(warm.stdout)["rows"] == 40, warm.stderr
        day = installation.footfall(
            *("export", "csv", str(tmp_path / "day.csv"), "--from", "2026-03-02", "--to", "2026-03-02"),
            *("--format", "json"),
        )
        assert json.loads(day.stdout)["rows"] == 10, day.stderr
        refused = installation.footfall("export", "csv", str(tmp_path))
        assert refused.returncode == 1
        assert "--partitioned" in refused.stderr
    assert pq.read_table(tmp_path / "cold.parquet").equals(pq.read_table(tmp_path / "warm.parquet"))
    again = run_footfall(other, "import", "csv", str(tmp_path / "day.csv"), "--format", "json")
    assert json.loads(again.stdout)["stored"] == 10, again.stdout + again.stderr


@pytest.mark.crash
def test_a_killed_export_leaves_what_was_there(tmp_path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    out.mkdir()
    run_footfall(data, "import", "ndjson", str(events(tmp_path)))
    run_footfall(data, "export", "parquet", str(out / "events.parquet"))
    before = (out / "events.parquet").read_bytes()
    slow = (
        "import sys, time, os, signal\n"
        "from footfall.services import export_files as m\n"
        "m._put_in_place = lambda draft, target: (print('written', flush=True), time.sleep(60))\n"
        "from footfall.apps.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", slow, "export", "parquet", str(out / "events.parquet")]
    process = subprocess.Popen([*command, "--data", str(data)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (out / "events.parquet").read_bytes() == before
    done = run_footfall(data, "export", "parquet", str(out / "events.parquet"), "--format", "json")
    assert json.loads(done.stdout)["rows"] == 40


def test_memory_is_flat(tmp_path) -> None:
    """Eight times the rows take hardly more memory: a measure of the process, not of one buffer."""
    script = (
        "import sys, resource\n"
        "from pathlib import Path\n"
        "from footfall.adapters.duckdb_warehouse import DuckDBWarehouse\n"
        "from footfall.services import export_files as m\n"
        "import pyarrow as pa, pyarrow.compute as pc\n"
        "from datetime import timedelta\n"
        "m.ROWS_AT_ONCE = m.ROW_GROUP_ROWS = 5_000\n"
        "class Made:\n"
        "    def scan(self, sql, values):\n"
        "        hours = int(sys.argv[2])\n"
        "        first = NOON.replace(minute=0, second=0, microsecond=0)\n"
        "        if 'group by' in sql:\n"
        "            made = [{'hour': first + timedelta(hours=h), 'rows': 5_000} for h in range(hours)]\n"
        "            yield from pa.Table.from_pylist(made).to_batches()\n"
        "        else:\n"
        "            row = make_row(created_at=values['first'], title='t' * 400)\n"
        "            yield from pa.Table.from_pylist([row] * 5_000, EVENTS_SCHEMA).to_batches()\n"
        "from footfall.core.arrow import EVENTS_SCHEMA\n"
        "from footfall.testing.warehouse import NOON, make_row\n"
        "m.export_files(Made(), m.FileOrder(kind=sys.argv[3], path=sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak(hours: int, kind: str) -> int:
        command = [sys.executable, "-c", script, str(tmp_path / f"out.{kind}"), str(hours), kind]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    for kind in ("csv", "parquet"):
        assert peak(24, kind) < 1.25 * peak(3, kind)
