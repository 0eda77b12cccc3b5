"""The DuckDB warehouse: the contract, what reading may not do, and what it keeps beside the rows."""

import threading
import time
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse, transaction
from footfall.adapters.duckdb_warehouse.faults import FAULTS, query_fault
from footfall.errors import BadQuery, FootfallError, StoreFailed
from footfall.settings import WarehouseSettings
from footfall.testing.warehouse import NOON, WarehouseContract, make_batch, make_row


@pytest.fixture
def open_warehouse(tmp_path: Path):
    opened = []

    def open_it(**values: object) -> DuckDBWarehouse:
        opened.append(DuckDBWarehouse(tmp_path, WarehouseSettings(**values)))
        return opened[-1]

    yield open_it
    for warehouse in opened:
        warehouse.close()


class TestDuckDBWarehouse(WarehouseContract):
    pass


HOSTILE = [
    "delete from store.rows",
    "insert into store.positions values ('log', 9)",
    "update store.state set version = 0",
    "with gone as (delete from store.rows returning event_id) select * from gone",
    "with new as (insert into store.positions values ('log', 9) returning position) from new",
    "explain analyze delete from store.rows",
    "select 1; delete from store.rows",
    "create table t as select 1",
    "create temp table t as select 1",
    "drop view events",
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from '/etc/passwd'",
    "from glob('/etc/*')",
    "copy (select 1) to '/tmp/stolen.csv'",
    "attach '/tmp/other.duckdb'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set threads = 1",
    "pragma database_list",
    "call pragma_version()",
    "prepare p as select 1",
    "checkpoint",
    "begin",
    "",
    "-- nothing",
    "this is not SQL",
]


def test_a_query_can_only_read_tables(open_warehouse, tmp_path):
    warehouse = open_warehouse()
    count = "select count(*), (select max(position) from store.positions) from events"
    for position, sql in enumerate(HOSTILE, 1):
        warehouse.store(make_batch(make_row(), positions={"log": position}))
        with pytest.raises(BadQuery) as caught:
            warehouse.query(sql)
        assert str(tmp_path) not in str(caught.value)
        assert warehouse.query(count).rows == [(position, position)], sql


def test_reading_in_any_form_is_taken(open_warehouse):
    warehouse = open_warehouse()
    warehouse.store(make_batch(make_row()))
    for sql in (
        "from events",
        "with a as (select 1 as x) select x from a",
        "values (1)",
        "show tables",
        "describe events",
        "explain select 1",
        "summarize events",
        "select 1;",
    ):
        assert warehouse.query(sql).rows, sql


def test_the_public_tables_are_the_contracts(open_warehouse):
    names = [name for (name,) in open_warehouse().query("show tables").rows]
    assert names == [
        *("duplicate_events", "event_hours", "events", "identity_edges", "log_lines"),
        *("other_sites", "rejected_events", "requests", "sessions", "visitor_days"),
    ]


def test_a_long_query_is_stopped_and_the_next_one_answered(open_warehouse):
    warehouse = open_warehouse(query_seconds=0.3)
    started = time.monotonic()
    with pytest.raises(BadQuery, match="query_seconds"):
        warehouse.query("select sum(sqrt(a.range * b.range)) from range(1000000) a, range(1000000) b")
    assert time.monotonic() - started < 5
    assert warehouse.query("select 1").rows == [(1,)]


def test_an_answer_has_at_most_so_many_rows(open_warehouse):
    warehouse = open_warehouse(query_rows=10)
    assert len(warehouse.query("from range(1000000)").rows) == 10
    assert len(warehouse.query("from range(1000000)", limit=1_000).rows) == 10


def test_rows_read_are_those_scanned_not_those_given(open_warehouse):
    warehouse = open_warehouse()
    warehouse.store(make_batch(*(make_row(visitor_id=f"{n}") for n in range(100))))
    answer = warehouse.query("select count(*) from events where visitor_id = '7'")
    assert (answer.rows, answer.rows_read) == ([(1,)], 100)


def test_wrong_parameters_are_the_readers_fault(open_warehouse):
    warehouse = open_warehouse()
    for parameters in ({}, {"b": 1}, {"a": object()}, {"a": 2**300}):
        with pytest.raises(BadQuery):
            warehouse.query("select $a + 1", parameters)


def test_every_error_of_duckdb_is_mapped():
    """Walk the vendor's classes: each becomes one of the family, with a reason."""
    vendors = {
        item
        for item in vars(duckdb).values()
        if isinstance(item, type) and issubclass(item, duckdb.Error | duckdb.Warning)
    }
    assert len(vendors) > 25
    for kind in vendors:
        assert any(base in FAULTS for base in kind.__mro__), kind
        fault = query_fault(kind("Some Error: in /data/warehouse.duckdb"), Path("/data"))
        assert isinstance(fault, BadQuery | StoreFailed)
        assert "/data" not in str(fault)


def test_queries_run_while_batches_are_stored(open_warehouse):
    warehouse = open_warehouse()
    stop = threading.Event()
    failures: list[Exception] = []
    counts: list[int] = []

    def read() -> None:
        try:
            while not stop.is_set():
                sql = "select (select count(*) from events), (select sum(events) from visitor_days)"
                [(rows, rolled)] = warehouse.query(sql).rows
                assert rows == (rolled or 0)
                assert rows % 7 == 0
                counts.append(rows)
        except Exception as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(30):
        warehouse.store(make_batch(*(make_row() for _ in range(7)), positions={"log": number + 1}))
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures
    assert counts


def test_the_effects_of_a_store_come_in_order(open_warehouse):
    """The order is the guarantee: positions are moved after rows, and all before one commit."""
    warehouse = open_warehouse()
    effects: list[str] = []

    class Watched:
        def __init__(self, connection):
            self._connection = connection

        def execute(self, sql, *parameters):
            effects.append(" ".join(sql.split()))
            return self._connection.execute(sql, *parameters)

        def __getattr__(self, name):
            return getattr(self._connection, name)

    real = warehouse._writer
    warehouse._writer = Watched(real)
    warehouse.store(make_batch(make_row(), positions={"log": 1}))
    warehouse._writer = real
    marks = {
        "begin": "begin",
        "insert into store.sessions": "sessions",
        "insert into store.rows": "rows",
        "insert into store.seen": "seen",
        "insert into store.visitor_days": "visitor days",
        "insert into store.event_hours": "event hours",
        "insert into store.books": "books",
        "insert into store.positions": "position",
        "update store.state": "state",
        "commit": "commit",
    }
    seen = [
        mark
        for effect in effects
        for start, mark in marks.items()
        if effect == start or (" " in start and start in effect)
    ]
    assert seen == list(marks.values())


VISITORS = st.sampled_from(["ada", "bob"])
ROWS = st.builds(
    lambda visitor, hours, event, app, bot: make_row(
        event, visitor_id=visitor, app_id=app, is_bot=bot, created_at=NOON + timedelta(hours=hours)
    ),
    VISITORS,
    st.integers(-80, 80),
    st.sampled_from(["page_view", "click"]),
    st.sampled_from(["shop", "blog"]),
    st.booleans(),
)
ROLLUPS = {
    "visitor_days": "select app_id, created_at::date as day, visitor_id, is_bot, count(*) as events, "
    "min(created_at) as first_at, max(created_at) as last_at from events group by all",
    "event_hours": "select app_id, date_trunc('hour', created_at) as hour, event, is_bot, origin, "
    "count(*) as events from events group by all",
}


@settings(max_examples=8, deadline=None)
@given(batches=st.lists(st.lists(ROWS, max_size=12), max_size=5), fold_rows=st.integers(0, 6))
def test_rollups_equal_a_count_of_all_rows(tmp_path_factory, batches, fold_rows):
    warehouse = DuckDBWarehouse(tmp_path_factory.mktemp("w"))
    usual = transaction.FOLD_ROWS
    transaction.FOLD_ROWS = fold_rows
    try:
        for rows in batches:
            warehouse.store(make_batch(*rows))
        kept = {name: sorted(warehouse.query(f"from {name}").rows) for name in ROLLUPS}
        assert kept == {name: sorted(warehouse.query(sql).rows) for name, sql in ROLLUPS.items()}
        warehouse.rebuild_rollups()
        assert kept == {name: sorted(warehouse.query(f"from {name}").rows) for name in ROLLUPS}
    finally:
        transaction.FOLD_ROWS = usual
        warehouse.close()


def test_a_file_of_another_layout_is_refused(tmp_path):
    DuckDBWarehouse(tmp_path).close()
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("update store.state set layout = 99")
    with pytest.raises(FootfallError, match="99"):
        DuckDBWarehouse(tmp_path)
