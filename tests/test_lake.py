"""The lake: whole files by hour, late rows and relabelled ones, and rebuilt to the same rows."""

import json
from datetime import timedelta

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from footfall.adapters import lake_file, parquet_lake
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse, reading, transaction
from footfall.adapters.parquet_lake import ParquetLake
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.schema import EVENTS, column_names
from footfall.errors import StoreFailed
from footfall.settings import LakeSettings
from footfall.testing.warehouse import NOON, make_batch, make_row

HOUR = timedelta(hours=1)
COLUMNS = ", ".join(column_names(EVENTS))


@pytest.fixture
def warehouse(tmp_path):
    opened = DuckDBWarehouse(tmp_path / "data")
    yield opened
    opened.close()


def lake_of(tmp_path, warehouse, **values) -> ParquetLake:
    return ParquetLake(tmp_path / "lake", warehouse, LakeSettings(**values))


def files(tmp_path) -> list[str]:
    folder = tmp_path / "lake"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def rows_of(tmp_path) -> list[tuple[object, ...]]:
    pattern = tmp_path / "lake" / "events" / "*" / "*" / "*" / "*" / "*.parquet"
    with duckdb.connect() as connection:
        sql = f"select {COLUMNS} from read_parquet('{pattern}', hive_partitioning = true) order by all"
        return connection.execute(sql).fetchall()


def check(tmp_path, warehouse) -> None:
    assert rows_of(tmp_path) == warehouse.query(f"select {COLUMNS} from events order by all").rows


def test_rows_lie_in_their_hour(tmp_path, warehouse):
    early = NOON.replace(month=1, day=2, hour=3)
    warehouse.store(make_batch(make_row(), make_row(created_at=early), make_row(created_at=NOON + HOUR)))
    assert lake_of(tmp_path, warehouse).flush(NOON, everything=True) == 3
    assert files(tmp_path) == [
        "events/year=2026/month=01/day=02/hour=03/part-00000.parquet",
        "events/year=2026/month=11/day=20/hour=12/part-00000.parquet",
        "events/year=2026/month=11/day=20/hour=13/part-00000.parquet",
    ]
    check(tmp_path, warehouse)


def test_a_file_is_as_spark_and_pandas_want_it(tmp_path, warehouse):
    rows = [
        make_row(created_at=NOON + timedelta(minutes=n % 60), properties='{"a":1}') for n in range(1_090)
    ]
    warehouse.store(make_batch(*rows))
    lake_of(tmp_path, warehouse).flush(NOON, everything=True)
    [path] = (tmp_path / "lake").rglob("*.parquet")
    schema = pq.read_schema(path)
    assert schema.names == list(column_names(EVENTS))
    assert schema.types == EVENTS_SCHEMA.types
    column = pq.read_metadata(path).row_group(0).column(schema.names.index("event"))
    assert (column.compression, column.has_dictionary_page) == ("ZSTD", True)
    moments = pq.ParquetFile(path).read(columns=["created_at"])["created_at"].to_pylist()
    assert moments == sorted(moments)
    frame = pd.read_parquet(tmp_path / "lake" / "events")
    assert len(frame) == 1_090
    assert set(frame["hour"].astype(int)) == {12}


def test_a_flush_is_due_after_its_time(tmp_path, warehouse):
    lake = lake_of(tmp_path, warehouse, flush_seconds=60)
    assert lake.flush(NOON) == 0
    warehouse.store(make_batch(make_row()))
    assert [lake.flush(NOON + timedelta(seconds=s)) for s in (0, 59, 60, 61)] == [0, 0, 1, 0]
    warehouse.store(make_batch(make_row()))
    assert lake.flush(NOON + timedelta(seconds=62)) == 0
    assert lake.flush(NOON + timedelta(seconds=63), everything=True) == 2
    check(tmp_path, warehouse)


def test_only_what_changed_is_written(tmp_path, warehouse):
    lake = lake_of(tmp_path, warehouse)
    warehouse.store(make_batch(make_row(), make_row(created_at=NOON - HOUR * 5, visitor_id="bob")))
    lake.flush(NOON, everything=True)
    warehouse.store(make_batch(make_row()))
    assert lake.flush(NOON, everything=True) == 2
    assert lake.flush(NOON, everything=True) == 0
    check(tmp_path, warehouse)


def test_a_flush_that_runs_out_of_time_is_taken_up_by_the_next(tmp_path, warehouse, monkeypatch):
    monkeypatch.setattr("footfall.adapters.parquet_lake.ROWS_PER_SCAN", 1)
    lake = lake_of(tmp_path, warehouse, flush_seconds=3_600)
    warehouse.store(make_batch(*(make_row(created_at=NOON + HOUR * n) for n in range(3))))
    assert lake.flush(NOON, everything=True, within_seconds=0) == 0
    assert lake.flush(NOON, everything=True, within_seconds=60) == 3
    check(tmp_path, warehouse)


def test_full_parts_are_closed_and_stay(tmp_path, warehouse, monkeypatch):
    monkeypatch.setattr(transaction, "SLICE_ROWS", 10)
    monkeypatch.setattr("footfall.adapters.parquet_lake.BYTES_PER_ROW", 1)
    lake = lake_of(tmp_path, warehouse, flush_bytes=20, flush_seconds=3_600)
    for _ in range(7):
        warehouse.store(make_batch(*(make_row() for _ in range(10))))
    assert lake.flush(NOON) == 70
    parts = sorted((tmp_path / "lake").rglob("*.parquet"))
    assert [pq.read_metadata(path).num_rows for path in parts] == [20, 20, 20, 10]
    stamps = [json.loads(pq.read_metadata(path).metadata[b"footfall"])["closed"] for path in parts]
    assert stamps == [True, True, True, False]
    before = [path.stat().st_mtime_ns for path in parts]
    warehouse.store(make_batch(make_row()))
    lake_again = lake_of(tmp_path, warehouse, flush_bytes=20)
    assert lake_again.flush(NOON, everything=True) == 11
    assert [path.stat().st_mtime_ns for path in parts][:3] == before[:3]
    check(tmp_path, warehouse)


def test_a_relabelled_session_reaches_a_closed_part(tmp_path, warehouse, monkeypatch):
    """Ada's session gets an earlier start: her stored row, in a closed part, changes its label."""
    monkeypatch.setattr(transaction, "SLICE_ROWS", 2)
    monkeypatch.setattr("footfall.adapters.parquet_lake.BYTES_PER_ROW", 1)
    lake = lake_of(tmp_path, warehouse, flush_bytes=2)
    warehouse.store(make_batch(make_row(created_at=NOON + timedelta(minutes=10)), make_row(visitor_id="b")))
    warehouse.store(make_batch(make_row(visitor_id="c"), make_row(visitor_id="d")))
    warehouse.store(make_batch(make_row(visitor_id="e")))
    lake.flush(NOON, everything=True)
    check(tmp_path, warehouse)
    warehouse.store(make_batch(make_row(created_at=NOON - timedelta(minutes=5))))
    assert lake.flush(NOON, everything=True) == 3
    check(tmp_path, warehouse)


def test_a_deleted_lake_is_rebuilt_to_the_same_rows(tmp_path, warehouse):
    lake = lake_of(tmp_path, warehouse)
    for number in range(4):
        rows = [make_row(visitor_id=f"{n}", created_at=NOON + HOUR * (n % 5) * number) for n in range(40)]
        warehouse.store(make_batch(*rows))
        lake.flush(NOON, everything=True)
    before = rows_of(tmp_path)
    assert lake.rebuild() == 160
    assert rows_of(tmp_path) == before
    check(tmp_path, warehouse)
    for path in (tmp_path / "lake").rglob("*.parquet"):
        path.unlink()
    assert lake_of(tmp_path, warehouse).flush(NOON, everything=True) == 160
    check(tmp_path, warehouse)


def test_a_file_that_the_disk_refuses_is_written_by_the_next_flush(tmp_path, warehouse, monkeypatch):
    """Its neighbours, which are written at the same time, stand."""
    lake = lake_of(tmp_path, warehouse)
    warehouse.store(make_batch(*(make_row(created_at=NOON + HOUR * n) for n in range(3))))
    write = ParquetLake._write_part

    def refuse(self, part, batches):
        if part.hour == NOON + HOUR:
            raise OSError(28, "No space left on device")
        return write(self, part, batches)

    monkeypatch.setattr(ParquetLake, "_write_part", refuse)
    with pytest.raises(StoreFailed, match="No space left"):
        lake.flush(NOON, everything=True)
    assert len(rows_of(tmp_path)) == 2
    monkeypatch.undo()
    (tmp_path / "lake" / "events" / "year=2026" / "month=11" / "day=20" / "hour=13").mkdir(exist_ok=True)
    assert lake_of(tmp_path, warehouse).flush(NOON, everything=True) == 1
    check(tmp_path, warehouse)
    lake.flush(NOON, everything=True)
    check(tmp_path, warehouse)


def test_a_broken_file_is_written_again(tmp_path, warehouse):
    warehouse.store(make_batch(make_row()))
    lake_of(tmp_path, warehouse).flush(NOON, everything=True)
    [path] = (tmp_path / "lake").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    assert lake_of(tmp_path, warehouse).flush(NOON, everything=True) == 1
    check(tmp_path, warehouse)


def test_a_month_of_hours_is_a_few_scans(tmp_path, warehouse):
    rows = [make_row(visitor_id=f"{n}", created_at=NOON + HOUR * (n % 240)) for n in range(480)]
    warehouse.store(make_batch(*rows))
    scans = []
    scan = warehouse.scan
    warehouse.scan = lambda sql, parameters=None: scans.append(sql) or scan(sql, parameters)
    told = []
    lake = lake_of(tmp_path, warehouse)
    assert lake.flush(NOON, everything=True, on_progress=lambda *seen: told.append(seen)) == 480
    assert told == [(done, 240) for done in range(1, 241)]
    assert len(scans) == 2
    assert len(files(tmp_path)) == 240
    check(tmp_path, warehouse)


@pytest.mark.parametrize("most", [1_000, 100_000], ids=["streamed", "sorted"])
def test_an_hour_of_many_row_groups_is_one_whole_file(tmp_path, warehouse, monkeypatch, most):
    """A scan comes in many batches; what is left over of one goes into the next row group."""
    monkeypatch.setattr(lake_file, "ROW_GROUP_ROWS", 3_000)
    monkeypatch.setattr(reading, "SCAN_ROWS", 2_048)
    monkeypatch.setattr(parquet_lake, "ROWS_PER_SCAN", most)
    rows = [make_row(event_id=str(n), created_at=NOON + timedelta(milliseconds=n)) for n in range(10_000)]
    warehouse.store(make_batch(*rows))
    assert lake_of(tmp_path, warehouse).flush(NOON, everything=True) == 10_000
    (path,) = (tmp_path / "lake").rglob("*.parquet")
    assert pq.read_metadata(path).num_row_groups == 4
    check(tmp_path, warehouse)


def test_the_file_of_an_event_is_found_when_it_holds_it(tmp_path, warehouse):
    lake = lake_of(tmp_path, warehouse)
    file = "lake/events/year=2026/month=11/day=20/hour=12/part-00000.parquet"
    warehouse.store(make_batch(make_row(event_id="first")))
    assert lake.find("first") == []
    lake.flush(NOON, everything=True)
    assert [(kept.app_id, kept.file) for kept in lake.find("first")] == [("shop", file)]
    warehouse.store(make_batch(make_row(event_id="second")))  # of the same hour and slice
    assert [kept.file for kept in lake.find("first")] == [file]
    assert lake.find("second") == []
    lake.flush(NOON, everything=True)
    assert [kept.file for kept in lake.find("second")] == [file]
    assert lake.find("third") == []
