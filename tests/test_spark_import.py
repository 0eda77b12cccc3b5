"""Access logs through Spark, and lakes tidied up: the rows, ids and sessions of the embedded import."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from spark_world import NOW, embedded, requests_of, same_rows

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt
from footfall.adapters.parquet_lake import ParquetLake
from footfall.apps.spark.compaction import compact
from footfall.apps.spark.imports import Import, RulesOf, import_files
from footfall.apps.spark.landing import Landed, Target
from footfall.core.record import AppId
from footfall.core.scrub import plan_for
from footfall.errors import BadSource
from footfall.services.imports.files import Imported, ImportRules
from footfall.services.imports.files import import_files as import_embedded

KEY = b"k" * 32
COMBINED = ("combined/apache-10k.log.gz", "combined/shop.log", "malformed/combined_with_errors.log")


def bring_in(spark: Any, lake: Path, format: str, *paths: Path) -> Landed:
    rules = RulesOf(app="default", key=KEY)
    names = tuple(str(path) for path in paths)
    wanted = Import(format=format, paths=names, rules=rules, target=Target(lake))
    return import_files(spark, wanted, NOW)


def bring_in_embedded(folder: Path, format: str, *paths: Path) -> Imported:
    def salt_of(day: date) -> bytes:
        return derived_salt(KEY, day)

    rules = ImportRules(AppId("default"), plan_for({}, KEY), salt_of, open_country_lookup(""))
    warehouse = DuckDBWarehouse(folder)
    try:
        names = [str(path) for path in paths]
        outcome = import_embedded(format, names, rules, warehouse=warehouse, clock=lambda: NOW)
        ParquetLake(folder / "lake", warehouse).flush(NOW, everything=True)
    finally:
        warehouse.close()
    return outcome


def test_real_logs_are_as_the_embedded_import_has_them(
    spark: Any, shared_data: Path, tmp_path: Path
) -> None:
    """In one go and in two, a second time, and beside events that a replay brought."""
    logs = [shared_data / "access-logs" / name for name in COMBINED]
    outcome = bring_in_embedded(tmp_path / "embedded", "combined", *logs)
    lake = tmp_path / "lake"
    first = bring_in(spark, lake, "combined", logs[0])
    assert (first.read, first.stood) == (10_000, 0)
    rest = bring_in(spark, lake, "combined", *logs)
    assert first.read + rest.read == outcome.lines
    assert first.rejected + rest.rejected == outcome.rejected > 0
    assert rest.stood > 0  # hours that both have a part in were written again
    assert same_rows(tmp_path / "embedded/lake", lake, without=()) == outcome.stored
    renamed = tmp_path / "the same bytes.log"
    shutil.copy(logs[1], renamed)
    again = bring_in(spark, lake, "combined", renamed)
    assert (again.read, again.hours) == (0, 0)


def test_a_lake_of_many_small_files_with_repeats_is_tidied_up(spark: Any, tmp_path: Path) -> None:
    """As a stream that delivers at least once leaves it: every row twice, and none with a session."""
    world = embedded(tmp_path / "world", requests_of(150, 3))
    lake = tmp_path / "lake"
    for path in sorted(world.lake.rglob("part-*.parquet")):
        target = lake / path.relative_to(world.lake)
        target.parent.mkdir(parents=True)
        rows = pq.ParquetFile(path).read()
        place = rows.schema.get_field_index("session_id")
        rows = rows.set_column(place, rows.schema.field(place), pa.nulls(len(rows), pa.string()))
        halves = [rows.take(pa.array(range(first, len(rows), 2), pa.int64())) for first in (0, 1)]
        for part, some in enumerate([rows, *halves]):
            pq.write_table(some, target.with_name(f"part-{part:05d}.parquet"))
    done = compact(spark, Target(lake))
    assert done.stood == 2 * done.duplicate == 2 * done.written == 2 * world.stored.stored
    assert same_rows(world.lake, lake, without=()) == done.written
    assert done.files == done.hours == len(list(lake.rglob("part-*.parquet")))
    assert compact(spark, Target(lake)).hours == 0


def test_files_of_an_older_version_are_refused(spark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "events/year=2026/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy (select '1' as event_id) to '{folder}/part-00000.parquet'")
    with pytest.raises(BadSource, match=r"columns are not today's.*footfall spark replay"):
        compact(spark, Target(tmp_path))
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["part-00000.parquet"]
