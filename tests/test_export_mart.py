"""The relational mart on real servers: right after each export, whatever happened in between."""

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from databases import mariadb, postgres
from installation import running

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.sql_mart import DRIVERS, SqlMart
from footfall.core.mart import MART
from footfall.errors import MartLost, MartRefused
from footfall.metrics import metric, render
from footfall.services.export_mart import TRIES, export_mart
from footfall.testing.warehouse import NOON, make_batch, make_row

DAY = timedelta(days=1)
HOSTILE = [
    "'; drop table events_daily; --",
    'a"b\\c',
    "%s %(x)s",
    "😀 \u202e",
    "a\x00b",
    "Ünï",
    "ünï",
    "x" * 3_000,
]


@pytest.fixture(scope="module")
def maria():
    with mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def pg():
    with postgres() as url:
        yield url


@pytest.fixture(params=["mysql", "postgresql", "sqlite"])
def url(request, tmp_path):
    """Give the address of an empty database of each kind."""
    if request.param == "mysql":
        return request.getfixturevalue("maria").url(f"m{uuid.uuid4().hex}")
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mart.sqlite'}"
    whole = request.getfixturevalue("pg")
    name = f"m{uuid.uuid4().hex}"
    engine = sa.create_engine(
        whole.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    engine.dispose()
    return whole.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def warehouse(tmp_path):
    found = DuckDBWarehouse(tmp_path / "data")
    yield found
    found.close()


def request_row(path, **columns):
    """Return a row as an access log gives it."""
    return make_row(
        "request",
        object=path,
        method="GET",
        status=columns.pop("status", 200),
        bytes=100,
        origin="combined",
        **columns,
    )


def filled(warehouse):
    """Store three days of pages, requests and a bot."""
    rows = []
    for day in range(3):
        at = NOON + DAY * day
        rows += [make_row(created_at=at, visitor_id=f"v{n}", country="DE", value=2.5) for n in range(4)]
        rows += [request_row("/a.pdf", created_at=at, visitor_id="v1")]
        rows += [
            request_row("/b.pdf", created_at=at + timedelta(minutes=n), visitor_id="v2", status=206)
            for n in range(5)
        ]
        rows += [request_row("/a.pdf", created_at=at, visitor_id="bot", is_bot=True)]
    warehouse.store(make_batch(*rows))
    return len(rows)


def export(warehouse, url, **options):
    mart = SqlMart(url)
    try:
        return export_mart(warehouse, mart, "here", **options)
    finally:
        mart.close()


def ask(url, query):
    scheme, _, rest = url.partition("://")
    engine = sa.create_engine(f"{DRIVERS[scheme][0]}://{rest}")
    with engine.begin() as connection:
        result = connection.execute(sa.text(query))
        found = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return found


def check(warehouse, url):
    """Compare every table of the mart with what its question gives today."""
    first, end = NOON - DAY * 400, NOON + DAY * 400
    for table in MART:
        names = ", ".join(
            column.name for column in table.columns if column.kind in ("name", "hash", "count")
        )
        sql = table.sql.replace("{changed}", "select hour, slice from store.lake_hours")
        expected = warehouse.query(f"select {names} from ({sql})", {"first": first, "end": end}).rows
        assert sorted(map(str, ask(url, f"select {names} from {table.name}"))) == sorted(map(str, expected))


def test_the_first_export_holds_everything(warehouse, url):
    filled(warehouse)
    done = export(warehouse, url)
    assert done.days == 3
    assert done.rows == done.verified > 0
    check(warehouse, url)
    assert ask(url, "select sum(events) from events_daily") == [(33,)]


def test_opens_are_counted_as_the_metric_does(warehouse, url):
    filled(warehouse)
    export(warehouse, url)
    values = {"from": "2026-11-20", "to": "2026-11-20", "app": "shop"}
    expected = warehouse.query(render(metric("top_objects"), values)).rows
    query = (
        "select object, opens, requests, bytes, visitors from object_opens_daily where day = '2026-11-20'"
    )
    assert sorted(map(tuple, ask(url, query))) == sorted(expected)


def test_only_days_with_news_are_written(warehouse, url):
    filled(warehouse)
    export(warehouse, url)
    assert export(warehouse, url).days == 0
    warehouse.store(make_batch(request_row("/late.pdf", created_at=NOON, visitor_id="v9")))
    done = export(warehouse, url)
    assert done.days == 1
    check(warehouse, url)
    assert export(warehouse, url, whole=True).days == 3
    check(warehouse, url)


def test_what_somebody_deleted_comes_back_with_whole(warehouse, url):
    filled(warehouse)
    export(warehouse, url)
    ask(url, "delete from log_requests")
    export(warehouse, url, whole=True)
    check(warehouse, url)


def test_rows_that_somebody_added_go_when_their_day_is_written(warehouse, url):
    filled(warehouse)
    export(warehouse, url)
    ask(
        url,
        "insert into log_requests (app_id, event_id, requested_at) "
        "values ('shop', 'x', '2026-11-20 01:00:00')",
    )
    warehouse.store(make_batch(request_row("/late.pdf", created_at=NOON)))
    export(warehouse, url)
    check(warehouse, url)


def test_hostile_texts_and_ids_that_differ_in_case_are_kept(warehouse, url):
    rows = [request_row(f"/{text}", event_id=f"e{n}", referrer=text) for n, text in enumerate(HOSTILE)]
    rows += [request_row("/case", event_id=name) for name in ("Ab", "aB")]
    warehouse.store(make_batch(*rows))
    export(warehouse, url)
    kept = {row[0] for row in ask(url, "select object from log_requests")}
    expected = {f"/{text}" for text in HOSTILE} | {"/case"}
    if url.startswith("postgresql"):
        expected = {text.replace("\x00", "\ufffd") for text in expected}
    assert kept == expected
    assert ask(url, "select count(*) from log_requests") == [(len(rows),)]


def test_a_table_of_an_older_version_gets_its_new_columns(warehouse, url):
    filled(warehouse)
    export(warehouse, url)
    ask(url, "alter table events_daily drop column time_spent")
    export(warehouse, url, whole=True)
    check(warehouse, url)
    assert ask(url, "select count(*) from events_daily where time_spent is null") != [(0,)]


def test_a_younger_warehouse_is_written_anew(tmp_path, warehouse, url):
    for _ in range(3):
        warehouse.store(make_batch(make_row()))
    export(warehouse, url)
    other = DuckDBWarehouse(tmp_path / "other")
    filled(other)
    assert export(other, url).days == 3
    other.close()


def test_a_server_that_goes_away_is_waited_for(warehouse, maria):
    url = maria.url(f"m{uuid.uuid4().hex}")
    filled(warehouse)
    pauses = []

    def away(progress):
        if progress["days_done"] == 1:
            maria.stop()

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            maria.start()

    done = export(warehouse, url, on_progress=away, pause=pause)
    assert pauses == [0.5, 1.0]
    assert done.days == 3
    check(warehouse, url)


def test_a_server_that_stays_away_is_an_error_and_the_next_export_goes_on(warehouse, maria):
    url = maria.url(f"m{uuid.uuid4().hex}")
    filled(warehouse)

    def away(progress):
        if progress["days_done"] == 1:
            maria.stop()

    pauses = []
    with pytest.raises(MartLost) as lost:
        export(warehouse, url, on_progress=away, pause=pauses.append)
    assert len(pauses) == TRIES - 1
    assert "secret" not in str(lost.value)
    maria.start()
    export(warehouse, url)
    check(warehouse, url)


@pytest.mark.parametrize("address", ["nonsense", "oracle://a/b", "sqlite:////no/such/folder/x.sqlite"])
def test_an_address_that_cannot_be_is_an_error(warehouse, address):
    with pytest.raises(MartRefused):
        export(warehouse, address)


def test_the_command_works_beside_a_running_platform_and_without(tmp_path, maria):
    url = maria.url(f"m{uuid.uuid4().hex}")
    with running(tmp_path / "data") as installation:
        for number in range(3):
            installation.ask(
                "POST",
                "/v1/events",
                json.dumps(
                    {"event": "page_view", "event_id": f"e{number}", "url": "https://a.example/x"}
                ).encode(),
            )
        installation.settle()
        told = installation.footfall("export", "mysql", "--url", url, "--format", "json")
        assert told.returncode == 0, told.stderr
        assert json.loads(told.stdout)["days"] == 1
    assert ask(url, "select sum(views) from pages_daily") == [(3,)]
    again = installation.footfall("export", "sqlite", str(tmp_path / "x.sqlite"), "--format", "json")
    assert again.returncode == 0, again.stderr
    assert ask(f"sqlite:///{tmp_path / 'x.sqlite'}", "select sum(views) from pages_daily") == [(3,)]
    wrong = installation.footfall("export", "mysql", "--url", "mysql://no:no@127.0.0.1:1/x")
    assert wrong.returncode == 75
    assert "127.0.0.1:1" in wrong.stderr
