"""Every metric in Spark SQL: DuckDB's answer over the same lake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from footfall.apps.spark.metrics import answer, lake_events
from footfall.errors import NotFound, SparkFailed
from footfall.metrics import STITCH, catalogue, metric, render
from tests.metric_tables import ROWS, events_table

EXAMPLES = settings(
    max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
NEEDED = {"steps": "page_view,cart,pay", "missing": "2"}
MORE = {"from": "2026-01-30", "to": "2026-02-28", "search": "P", "window": "7d"} | dict.fromkeys(
    ("bots", "stitch"), "true"
)
KINDS = {
    "date": ("date",),
    "time": ("timestamp_ntz",),
    "text": ("string",),
    "integer": ("bigint", "int"),
    "number": ("double",),
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hundreds of rows full of ties, nulls and odd values, as two hours' files; half are of other apps."""
    rows: list[dict[str, Any]] = []
    drawn: list[int] = []

    @EXAMPLES
    @given(ROWS)
    def draw(some: list[dict[str, Any]]) -> None:
        drawn.append(len(some))
        apart = str(len(drawn)) if len(drawn) % 2 else ""
        rows.extend(row | {"app_id": row["app_id"] + apart} for row in some)

    draw()
    assert len(rows) > 200
    table = events_table(rows)
    lake = tmp_path_factory.mktemp("metrics-lake")
    for hour, part in enumerate((table[::2], table[1::2])):
        folder = lake / f"events/year=2026/month=01/day=29/hour={hour:02d}"
        folder.mkdir(parents=True)
        pq.write_table(part, folder / "part-00000.parquet")
    return lake


@pytest.fixture(scope="module")
def duck(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            f"create view events as from read_parquet('{lake}/events/*/*/*/*/*', hive_partitioning=false)"
        )
        yield connection


@pytest.fixture(scope="module")
def quick(spark: Any) -> Any:
    """Give a session that does not prepare for much data, of which there is none here."""
    session = spark.newSession()
    for name, value in {
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
    }.items():
        session.conf.set(name, value)
    return session


def asked(name: str) -> Iterator[dict[str, str]]:
    """Yield values for a metric: as few as it takes, and as many as it has."""
    known = {parameter.name: parameter for parameter in metric(name).parameters}
    few = {key: value for key, value in NEEDED.items() if key in known}
    yield few
    last = {each.name: each.choices[-1] for each in known.values() if each.choices}
    yield few | last | {key: value for key, value in MORE.items() if key in known}


@pytest.mark.parametrize("name", catalogue())
def test_spark_answers_as_duckdb(
    quick: Any, lake: Path, duck: duckdb.DuckDBPyConnection, name: str
) -> None:
    rows = 0
    for values in asked(name):
        found = answer(quick, str(lake), name, values)
        expected = duck.execute(render(metric(name), values))
        assert [column[0] for column in expected.description] == list(found.columns)
        assert found.rows == expected.fetchall()
        rows += len(found.rows)
    assert rows


def test_funnels_of_many_steps(quick: Any, lake: Path, duck: duckdb.DuckDBPyConnection) -> None:
    for steps in ("click", "page_view,page_view,cart", "page_view,click,cart,never,pay"):
        values = {"steps": steps, "window": "30m"}
        expected = duck.execute(render(metric("funnel"), values)).fetchall()
        assert answer(quick, str(lake), "funnel", values).rows == expected


def test_columns_are_of_the_kind_they_declare(quick: Any, lake: Path) -> None:
    """Times above all: Spark's own timestamp would come out in the zone of who asks."""
    lake_events(quick, str(lake)).createOrReplaceTempView("events")
    for name in catalogue():
        values = {"steps": "a,b"} if name == "funnel" else {}
        got = quick.sql(render(metric(name), values, dialect="spark")).dtypes
        for column, (found, kind) in zip(metric(name).columns, got, strict=True):
            assert (found, kind in KINDS[column.kind]) == (column.name, True), (name, kind)


def test_what_it_rests_on_is_told(quick: Any, lake: Path, duck: duckdb.DuckDBPyConnection) -> None:
    found = answer(quick, str(lake), "top_events", {})
    [stands_on] = duck.execute("select count(*), max(received_at) from events").fetchall()
    assert (found.rows_read, found.fresh_to) == stands_on
    assert found.sql.startswith(f"-- {metric('top_events').question}")
    assert STITCH in metric("top_events").parameters


def test_a_lake_that_is_not_there(quick: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no lake named"):
        answer(quick, str(tmp_path), "top_events", {})


def test_files_of_an_older_version(quick: Any, lake: Path, tmp_path: Path) -> None:
    """A column that came later is empty in them; one that was of another type is an error."""
    folder = tmp_path / "events/year=2026/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    rows = pq.read_table(next((lake / "events").rglob("*.parquet")), partitioning=None)
    pq.write_table(rows.drop_columns(["channel"]), folder / "part-00000.parquet")
    assert [row[0] for row in answer(quick, str(tmp_path), "channels", {"bots": "true"}).rows] == [None]
    changed = rows.set_column(rows.schema.get_field_index("channel"), "channel", rows["is_bot"])
    pq.write_table(changed, folder / "part-00000.parquet")
    with pytest.raises(SparkFailed, match="channel"):
        answer(quick, str(tmp_path), "channels", {})
