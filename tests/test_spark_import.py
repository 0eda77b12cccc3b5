"""Access logs through Spark, and lakes tidied up: the rows, ids and sessions of the embedded import."""

import json
import shutil
from datetime import date, datetime, timedelta
from operator import itemgetter
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
from footfall.apps.spark.landing import Hours, Landed, Target
from footfall.core.record import AppId
from footfall.core.scrub import plan_for
from footfall.errors import BadSource
from footfall.services.imports.files import Imported, ImportRules
from footfall.services.imports.files import import_files as import_embedded

KEY = b"k" * 32
TENTH = datetime(2026, 3, 10)  # noqa: DTZ001 - our times are UTC without a zone
COMBINED = ("combined/apache-10k.log.gz", "combined/shop.log", "malformed/combined_with_errors.log")


def bring_in(spark: Any, lake: Path, format: str, *paths: Path) -> Landed:
    rules = RulesOf(app="default", key=KEY)
    names = tuple(str(path) for path in paths)
    wanted = Import(format=format, paths=names, rules=rules, target=Target(str(lake)))
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
    done = compact(spark, Target(str(lake)))
    assert done.stood == 2 * done.duplicate == 2 * done.written == 2 * world.stored.stored
    assert same_rows(world.lake, lake, without=()) == done.written
    assert done.files == done.hours == len(list(lake.rglob("part-*.parquet")))
    assert compact(spark, Target(str(lake))).hours == 0


def test_hours_that_tell_nothing_are_not_read(spark: Any, shared_data: Path, tmp_path: Path) -> None:
    """A file that cannot be read stops only who must read it."""
    logs = [shared_data / "access-logs" / name for name in COMBINED]
    bring_in(spark, tmp_path, "combined", logs[1])
    folder = tmp_path / "events/year=2035/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    (folder / "part-00000.parquet").write_text("no parquet")
    assert bring_in(spark, tmp_path, "combined", logs[2]).written > 0
    until_2033 = Hours(0, 560_000)
    assert compact(spark, Target(str(tmp_path), until_2033)).hours == 0
    with pytest.raises(BadSource, match="part-00000"):
        compact(spark, Target(str(tmp_path)))


def test_a_session_that_goes_on_for_weeks_is_found_whole(spark: Any, tmp_path: Path) -> None:
    """A monitor's; a person's of the day is within what is read.

    ::
        day      1 ... 9 | 10 | 11 ... 20     the hours of day 10 lost their session ids
        monitor  --------------------------   an event every 25 minutes
        person             --
    """
    start = 1_772_323_200_000_000
    lines = [
        (
            start + number * 1_500_000_000,
            {"event": "ping", "anonymous_id": "monitor", "event_id": f"m{number}"},
        )
        for number in range(20 * 24 * 60 // 25)
    ]
    day = start + 9 * 86_400_000_000
    lines += [
        (
            day + minutes * 60_000_000,
            {"event": "click", "anonymous_id": "person", "event_id": f"p{minutes}"},
        )
        for minutes in (650, 670)
    ]
    requests = (
        (at, json.dumps(event | {"created_at": at}).encode())
        for at, event in sorted(lines, key=itemgetter(0))
    )
    world = embedded(tmp_path / "world", requests)
    lake = tmp_path / "lake"
    shutil.copytree(world.lake, lake)
    for path in lake.glob("events/year=2026/month=03/day=10/*/*.parquet"):
        rows = pq.ParquetFile(path).read()
        place = rows.schema.get_field_index("session_id")
        nothing = pa.nulls(len(rows), pa.string())
        pq.write_table(rows.set_column(place, rows.schema.field(place), nothing), path)
    tenth = Hours.between(TENTH, TENTH + timedelta(days=1))
    assert compact(spark, Target(str(lake), tenth)).hours == 24
    assert same_rows(world.lake, lake, without=()) == len(lines)


def test_files_of_an_older_version_are_refused(spark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "events/year=2026/month=03/day=01/hour=00"
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy (select '1' as event_id) to '{folder}/part-00000.parquet'")
    with pytest.raises(BadSource, match=r"columns are not today's.*footfall spark replay"):
        compact(spark, Target(str(tmp_path)))
    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["part-00000.parquet"]
