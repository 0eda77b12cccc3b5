"""A lake's tables in MariaDB, written by executors: what the embedded export writes of the same events."""

import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import MariaDB, mariadb
from spark_world import embedded, requests_of
from test_spark_import import bring_in_embedded

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.sql_mart import SqlMart
from footfall.apps.spark.landing import Hours
from footfall.apps.spark.mart import Exported, export_lake
from footfall.core.mart import MART
from footfall.errors import BadSource, MartLost, NotFound
from footfall.services.export_mart import export_mart

Tables = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def maria() -> Iterator[MariaDB]:
    with mariadb() as server:
        yield server


def tables(server: MariaDB, database: str) -> Tables:
    with server.connect(database) as connection, connection.cursor() as cursor:
        found: Tables = {}
        for table in MART:
            cursor.execute(f"select * from {table.name} order by {', '.join(table.keys)}")
            found[table.name] = list(cursor.fetchall())
    return found


def new(server: MariaDB) -> tuple[str, str]:
    database = f"m{uuid.uuid4().hex}"
    return database, server.url(database)


def test_it_holds_what_the_embedded_export_writes(
    spark: Any, maria: MariaDB, shared_data: Path, tmp_path: Path
) -> None:
    """Events and log requests; once more, nothing is there twice; a row that is no more goes."""
    logs = [
        shared_data / "access-logs" / name
        for name in ("combined/shop.log", "malformed/combined_with_errors.log")
    ]
    world = embedded(tmp_path / "world", requests_of(60, 3))
    bring_in_embedded(world.folder, "combined", *logs)
    here, url = new(maria)
    warehouse, mart = DuckDBWarehouse(world.folder), SqlMart(url)
    wanted = export_mart(warehouse, mart, "here")
    warehouse.close()
    mart.close()
    lake = tmp_path / "lake"
    shutil.copytree(world.lake, lake)
    there, url = new(maria)
    done = export_lake(spark, lake, url, Hours())
    assert done == Exported(days=wanted.days, rows=wanted.rows, verified=wanted.verified)
    expected = tables(maria, here)
    assert tables(maria, there) == expected
    assert all(expected.values())
    assert export_lake(spark, lake, url, Hours()) == done
    assert tables(maria, there) == expected
    with maria.connect(there) as connection, connection.cursor() as cursor:
        cursor.execute("update log_requests set event_id = 'gone' limit 1")
        cursor.execute("update events_daily set events = 0")
        connection.commit()
    export_lake(spark, lake, url, Hours())
    assert tables(maria, there) == expected


def test_only_days_asked_for_are_written(spark: Any, maria: MariaDB, tmp_path: Path) -> None:
    world = embedded(tmp_path / "world", requests_of(30, 3))
    first = min(world.lake.glob("events/*/*/*"))
    day = "-".join(part.partition("=")[2] for part in first.parts[-3:])
    start = datetime.fromisoformat(day) + timedelta(days=1)
    database, url = new(maria)
    done = export_lake(spark, world.lake, url, Hours.between(start, start + timedelta(hours=24)))
    assert done.days == 1
    assert {str(row[1]) for row in tables(maria, database)["events_daily"]} == {str(start.date())}


def test_what_cannot_be_done_is_told(spark: Any, maria: MariaDB, tmp_path: Path) -> None:
    database, url = new(maria)
    with pytest.raises(NotFound, match="no day"):
        export_lake(spark, tmp_path, url, Hours())
    folder = tmp_path / "events/year=2026/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    (folder / "part-00000.parquet").write_text("no parquet")
    with pytest.raises(BadSource, match="part-00000"):
        export_lake(spark, tmp_path, url, Hours())
    assert not any(tables(maria, database).values())
    with pytest.raises(MartLost, match="refused"):
        export_lake(spark, tmp_path, "mysql://tester:secret@127.0.0.1:1/none", Hours())
