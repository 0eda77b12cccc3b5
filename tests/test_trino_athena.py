"""What Athena is asked, on Trino, of which it is made: metrics answer as DuckDB over the same lake.

The lake is footfall's own, of simulated people, their access logs and hostile events; beside it lie rows
that Hypothesis drew, full of ties, nulls and odd characters.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from aws_servers import moto
from hypothesis import HealthCheck, given, settings
from importing import bring_in
from spark_world import HOSTILE
from trino_server import DATABASE, Trino, glue_table, trino

from footfall.adapters.aws.clients import client
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.parquet_lake import ParquetLake
from footfall.core.lake_count import Partitions, lake_count
from footfall.core.schema import EVENTS
from footfall.metrics import catalogue, metric, render
from footfall.simulate import access_log, ndjson, simulate
from infra.tables import GLUE_TYPES, WHOLE, layout
from tests.metric_tables import ROWS, events_table

EXAMPLES = settings(
    max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
HOURS = re.compile(rb"(?:T|/2026:)(?:00|12):")  # few files, and midnights
FIRST, DAYS = date(2026, 2, 25), 3  # before the day on which the tests import
WAYS: tuple[Partitions, ...] = ("hour", "datehour")
KINDS = {
    "date": ("date",),
    "time": ("timestamp",),
    "text": ("varchar",),
    "integer": ("bigint", "integer"),
    "number": ("double",),
}
# To the nearest millisecond, half a one upwards: how Trino, and so Athena, reads a timestamp.
ROUNDED = "make_timestamp((epoch_us({0}) + 500) // 1000 * 1000) as {0}"


def some_hours(lines: Iterator[bytes]) -> bytes:
    return b"".join(
        line for block in lines for line in block.splitlines(keepends=True) if HOURS.search(line)
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the lake; return its folder, which holds ``events/``."""
    folder = tmp_path_factory.mktemp("trino-lake")
    world = simulate(400, DAYS, 11, FIRST)
    hostile = b"".join(line + b"\n" for line in HOSTILE)
    (folder / "events.ndjson").write_bytes(some_hours(ndjson(world)) + hostile)
    warehouse = DuckDBWarehouse(folder)
    bring_in(warehouse, "ndjson", folder / "events.ndjson", app="store")
    for kind in ("combined", "s3"):
        (folder / f"{kind}.log").write_bytes(some_hours(access_log(world, kind)))
        bring_in(warehouse, kind, folder / f"{kind}.log", app="files")
    ParquetLake(folder / "lake", warehouse).flush(datetime(2026, 12, 1), everything=True)  # noqa: DTZ001
    warehouse.close()
    rows: list[dict[str, Any]] = []
    drawn: list[int] = []

    @EXAMPLES
    @given(ROWS)
    def draw(some: list[dict[str, Any]]) -> None:
        drawn.append(len(some))
        apart = str(len(drawn)) if len(drawn) % 2 else ""
        rows.extend(row | {"app_id": row["app_id"] + apart} for row in some)

    draw()
    beside = folder / "lake/events/year=2026/month=01/day=29/hour=23"
    beside.mkdir(parents=True)
    pq.write_table(events_table(rows), beside / "part-00000.parquet")
    return folder / "lake"


@pytest.fixture(scope="module")
def engine(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trino]:
    """Give Trino with the lake as Athena has it: without partitions, and by either layout."""
    with moto() as url, trino(tmp_path_factory.mktemp("trino"), url) as server:
        place = {"Bucket": "lake", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}
        client("s3", url).create_bucket(**place)
        for file in sorted(lake.rglob("*.parquet")):
            key, body = str(file.relative_to(lake)), file.read_bytes()
            client("s3", url).put_object(Bucket="lake", Key=f"hour/{key}", Body=body)
            plain = re.sub(r"(?:year|month|day|hour)=", "", key)
            client("s3", url).put_object(Bucket="lake", Key=f"datehour/{plain}", Body=body)
        glue = client("glue", url)
        glue.create_database(DatabaseInput={"Name": DATABASE})
        columns = [{"Name": column.name, "Type": GLUE_TYPES[column.kind]} for column in EVENTS]
        tables = [glue_table(WHOLE, "s3://lake/hour/events/", columns)]
        for way in WAYS:
            told, root = layout(way), f"s3://lake/{way}/"
            projection = {
                "projection.enabled": "true",
                **told.projection,
                "storage.location.template": root + told.template,
            }
            tables.append(
                glue_table(f"by_{way}", f"{root}events/", columns, keys=told.keys, parameters=projection)
            )
        for table in tables:
            glue.create_table(DatabaseName=DATABASE, TableInput=table)
        yield server


@pytest.fixture(scope="module")
def duck(lake: Path) -> Iterator[dict[str, duckdb.DuckDBPyConnection]]:
    """Give DuckDB over the same files, by how precisely times are read."""
    times = ", ".join(ROUNDED.format(c.name) for c in EVENTS if c.kind == "time")
    files = f"from read_parquet('{lake}/events/*/*/*/*/*', hive_partitioning=false)"
    with duckdb.connect() as exact, duckdb.connect() as rounded:
        exact.execute(f"create view events as {files}")
        rounded.execute(f"create view events as select * replace ({times}) {files}")
        yield {"MICROSECONDS": exact, "MILLISECONDS": rounded}


def asked(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield how times are read, and values: as few as a metric takes, all it has, one app's few days."""
    known = {parameter.name: parameter for parameter in metric(name).parameters}

    def of(told: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in told.items() if key in known}

    last = {each.name: each.choices[-1] for each in known.values() if each.choices}
    drawn = {"steps": "page_view,cart,pay", "missing": "2"}
    yield "MILLISECONDS", of(drawn)
    many = {"from": "2026-01-30", "to": "2026-02-28", "search": "P", "window": "7d"}
    yield "MICROSECONDS", of(drawn | last | many | dict.fromkeys(("bots", "stitch"), "true"))
    app = "store" if "events" in metric(name).sql else "files"
    days = {"from": "2026-02-25", "to": "2026-02-26"}
    yield "MILLISECONDS", of({"steps": "page_view,click", "missing": "3", "app": app} | days)


def agree(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    """Hold two answers together row by row, in their order; numbers with fractions to 1e-9 of them."""
    assert len(found) == len(expected)
    for theirs, ours in zip(found, expected, strict=True):
        near = [pytest.approx(cell, rel=1e-9, abs=0) if isinstance(cell, float) else cell for cell in ours]
        assert list(theirs) == near, (ours, theirs)


@pytest.mark.parametrize("name", catalogue())
def test_trino_answers_as_duckdb(
    engine: Trino, duck: dict[str, duckdb.DuckDBPyConnection], name: str
) -> None:
    rows = 0
    for times, values in asked(name):
        columns, found = engine.ask(render(metric(name), values, dialect="trino", table=WHOLE), times)
        expected = duck[times].execute(render(metric(name), values))
        assert [column for column, _ in columns] == [column[0] for column in expected.description]
        declared = [column.kind for column in metric(name).columns]
        for (_, kind), one in zip(columns[-len(declared) :], declared, strict=True):
            assert kind.partition("(")[0] in KINDS[one], columns
        agree(found, expected.fetchall())
        rows += len(found)
    assert rows


@pytest.mark.parametrize("way", WAYS)
def test_the_integrity_check_counts_a_day(engine: Trino, lake: Path, way: Partitions) -> None:
    with duckdb.connect() as folders:
        folders.execute(
            f"create view events as from read_parquet('{lake}/events/*/*/*/*/*', hive_types_autocast=false)"
        )
        for day in (date(2026, 1, 29), date(2026, 3, 1), date(2026, 3, 2)):
            _, found = engine.ask(lake_count(day, way).replace("from events", f"from by_{way}"))
            assert sorted(found) == sorted(folders.execute(lake_count(day, "hour")).fetchall())
            assert bool(found) == (day != date(2026, 3, 2))


@pytest.mark.parametrize(
    ("way", "condition"),
    [
        ("hour", "year = '2026' and month = '02' and day between '25' and '26' and hour = '12'"),
        ("datehour", "datehour in ('2026/02/25/12', '2026/02/26/12')"),
    ],
)
def test_computed_partitions_are_where_the_rows_lie(
    engine: Trino, duck: dict[str, duckdb.DuckDBPyConnection], way: Partitions, condition: str
) -> None:
    _, found = engine.ask(f"select app_id, event_id from by_{way} where {condition}")
    expected = duck["MICROSECONDS"].execute(
        "select app_id, event_id from events where date_trunc('hour', created_at)"
        " in (timestamp '2026-02-25 12:00', timestamp '2026-02-26 12:00') and not app_id like 'shop%'"
        " and not app_id like 'blog%'"
    )
    assert found
    assert sorted(found) == sorted(expected.fetchall())
