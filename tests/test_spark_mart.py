"""A lake's tables in MariaDB, written by executors: what the embedded export writes of the same events."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from databases import MariaDB, mariadb
from installation import run_footfall
from spark_cluster import Cluster
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
    done = export_lake(spark, str(lake), url, Hours())
    assert done == Exported(days=wanted.days, rows=wanted.rows, verified=wanted.verified)
    expected = tables(maria, here)
    assert tables(maria, there) == expected
    assert all(expected.values())
    assert export_lake(spark, str(lake), url, Hours()) == done
    assert tables(maria, there) == expected
    with maria.connect(there) as connection, connection.cursor() as cursor:
        cursor.execute("update log_requests set event_id = 'gone' limit 1")
        cursor.execute("update events_daily set events = 0")
        connection.commit()
    export_lake(spark, str(lake), url, Hours())
    assert tables(maria, there) == expected


def test_by_a_driver_of_java_it_holds_the_same(
    spark: Any,
    spark_cluster: Cluster,
    maria: MariaDB,
    connector: Path,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    """Times, nulls, and what stands there already; what a run that was killed left beside goes."""
    world = embedded(tmp_path / "world", requests_of(60, 3))
    log = shared_data / "access-logs/malformed/combined_with_errors.log"
    bring_in_embedded(world.folder, "combined", log)
    (here, url), (there, jdbc_url) = new(maria), new(maria)
    wanted = export_lake(spark, str(world.lake), url, Hours())
    expected = tables(maria, here)
    assert all(expected.values())

    def export() -> subprocess.CompletedProcess[str]:
        words = ["mysql", "--lake", str(world.lake), "--url", jdbc_url, "--jdbc-driver", str(connector)]
        return spark_cluster.footfall(*words, "--format", "json")

    shown = export()
    assert shown.returncode == 0, shown.stderr
    assert Exported(**json.loads(shown.stdout)) == wanted
    assert tables(maria, there) == expected
    with maria.connect(there) as connection, connection.cursor() as cursor:
        cursor.execute("update log_requests set event_id = 'gone' limit 1")
        cursor.execute("update events_daily set events = 0")
        cursor.execute("create table footfall_staged_events_daily (x int)")
        connection.commit()
        cursor.execute("select get_lock('footfall_export', 0)")
        shown = export()
        assert shown.returncode == 1
        assert "another export writes there now" in shown.stderr
    assert export().returncode == 0
    assert tables(maria, there) == expected
    with maria.connect(there) as connection, connection.cursor() as cursor:
        assert cursor.execute("show tables like 'footfall_staged%'") == 0


def test_what_a_driver_cannot_be_used_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_text("no jar")
    for url, told in (
        ("mysql://a:b@127.0.0.1/c", "no jar of a JDBC driver"),
        ("sqlite:///x", "mysql://USER"),
    ):
        words = ["spark", "mysql", "--lake", str(tmp_path), "--url", url]
        shown = run_footfall(tmp_path, *words, "--jdbc-driver", str(tmp_path / "a.jar"))
        assert shown.returncode == 1
        assert told in shown.stderr


@pytest.fixture(scope="module")
def connector() -> Path:
    """Return the jar of a driver, as a user brings one; it is fetched when it is not there."""
    folder = Path(__file__).parent / "jdbc"
    if not (folder / "jars").is_dir():
        if shutil.which("mvn") is None:
            missing("there is no mvn to fetch a JDBC driver with")
        fetch = ["mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
    return next((folder / "jars").glob("mariadb-java-client-*.jar"))


def test_only_days_asked_for_are_written(spark: Any, maria: MariaDB, tmp_path: Path) -> None:
    world = embedded(tmp_path / "world", requests_of(30, 3))
    first = min(world.lake.glob("events/*/*/*"))
    day = "-".join(part.partition("=")[2] for part in first.parts[-3:])
    start = datetime.fromisoformat(day) + timedelta(days=1)
    database, url = new(maria)
    done = export_lake(spark, str(world.lake), url, Hours.between(start, start + timedelta(hours=24)))
    assert done.days == 1
    assert {str(row[1]) for row in tables(maria, database)["events_daily"]} == {str(start.date())}


def test_what_cannot_be_done_is_told(spark: Any, maria: MariaDB, tmp_path: Path) -> None:
    database, url = new(maria)
    with pytest.raises(NotFound, match="no day"):
        export_lake(spark, str(tmp_path), url, Hours())
    folder = tmp_path / "events/year=2026/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    (folder / "part-00000.parquet").write_text("no parquet")
    with pytest.raises(BadSource, match="part-00000"):
        export_lake(spark, str(tmp_path), url, Hours())
    assert not any(tables(maria, database).values())
    with pytest.raises(MartLost, match="refused"):
        export_lake(spark, str(tmp_path), "mysql://tester:secret@127.0.0.1:1/none", Hours())
