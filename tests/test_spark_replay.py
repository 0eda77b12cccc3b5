"""Replay on a real Spark cluster: the same rows as the embedded path, whatever happens on the way."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import missing
from spark_cluster import Cluster
from spark_world import KEY, NOW, Embedded, embedded, lake_rows, requests_of, same_rows

from footfall.apps.spark.landing import Landed
from footfall.apps.spark.replay import Replay, replay
from footfall.errors import BadSource, NotFound, StoreFailed

FIRST = datetime(2026, 3, 1)  # noqa: DTZ001 - our times are UTC without a zone
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """Six days of a small world, by the embedded path."""
    return embedded(tmp_path_factory.mktemp("small"), requests_of(400, 6))


def run(spark: Any, world: Embedded, lake: Path, **values: Any) -> Landed:
    """Replay, and hold the ledger to what it promises."""
    landed = replay(spark, Replay(raw=str(world.raw), lake=str(lake), key=KEY, **values), NOW)
    told = landed.written + landed.duplicate + landed.rejected + landed.outside
    assert landed.read + landed.stood == told
    assert not list(lake.glob(".staging-*"))
    return landed


def content(lake: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(f"from {lake_rows(lake, without=())} order by all").fetchall()


def test_every_row_is_as_the_embedded_path_has_it(spark: Any, small: Embedded, tmp_path: Path) -> None:
    landed = run(spark, small, tmp_path)
    stored = small.stored
    assert (landed.read, landed.outside, landed.stood) == (small.received, 0, 0)
    assert (landed.written, landed.duplicate, landed.rejected) == (
        stored.stored,
        stored.duplicate,
        stored.rejected,
    )
    assert landed.duplicate > 0
    assert same_rows(small.lake, tmp_path, without=()) == landed.written
    with duckdb.connect() as connection:
        pattern = f"'{tmp_path}/rejected/*/*/*/*/*.parquet'"
        [(count, reasons)] = connection.execute(
            f"select count(*), min(len(reasons)) from read_parquet({pattern})"
        ).fetchall()
    assert count == landed.rejected > 0
    assert reasons > 0


def test_hours_are_replaced_and_others_left_alone(spark: Any, small: Embedded, tmp_path: Path) -> None:
    """A wrong hour inside the range is mended, and nothing else is changed.

    ::
        day   1   2   | 3   4 |   5   6
        lake  copied  | again |  copied
    """
    shutil.copytree(small.lake, tmp_path, dirs_exist_ok=True)
    inside = tmp_path / "events/year=2026/month=03/day=03"
    third = sorted(inside.glob("hour=*"))
    shutil.rmtree(third[0])
    shutil.copytree(third[1], third[0])  # and another's rows in its place
    before = content(small.lake)
    landed = run(spark, small, tmp_path, start=FIRST + 2 * DAY, end=FIRST + 4 * DAY)
    assert content(tmp_path) == before
    assert 0 < landed.written < small.stored.stored
    assert landed.outside > 0


def test_a_worker_lost_in_mid_job_costs_no_row(
    spark: Any, spark_cluster: Cluster, small: Embedded, tmp_path: Path
) -> None:
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        tracker = spark.sparkContext.statusTracker()
        seen: set[int] = set()
        while not ended.is_set() and len(seen) < 4:
            seen.update(tracker.getActiveStageIds())
            time.sleep(0.05)
        killed.extend(spark_cluster.kill_worker(0))

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        landed = run(spark, small, tmp_path)
    finally:
        ended.set()
        thread.join()
        spark_cluster.replace_worker(0)
    assert len(killed) > 1  # its executor went with it
    assert landed.written == small.stored.stored
    assert same_rows(small.lake, tmp_path, without=()) == landed.written


def test_one_visitor_and_one_hour_with_half_of_the_rows(spark: Any, tmp_path: Path) -> None:
    """The hour becomes several files, each the work of one task; the rows are the embedded path's."""
    noon = int((FIRST + DAY / 2).timestamp()) * 1_000_000

    def crowd() -> Iterator[tuple[int, bytes]]:
        for n in range(60):
            at = noon + n * 60_000_000
            events = [
                {"event": "click", "anonymous_id": "busy", "event_id": f"{n}-{m}", "created_at": at + m}
                for m in range(100)
            ]
            yield at + 1_000, json.dumps(events).encode()

    def requests() -> Iterator[tuple[int, bytes]]:
        yield from islice(requests_of(300, 4), 100)
        yield from crowd()

    world = embedded(tmp_path / "world", requests())
    threshold = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes"
    spark.conf.set(threshold, "32k")
    try:
        run(spark, world, tmp_path / "lake", file_bytes=60_000)
    finally:
        spark.conf.unset(threshold)
    assert same_rows(world.lake, tmp_path / "lake", without=()) == world.stored.stored
    hour = tmp_path / "lake/events/year=2026/month=03/day=01/hour=12"
    with duckdb.connect() as connection:
        sizes = connection.execute(
            f"select count(*) from read_parquet('{hour}/*.parquet', filename=true) group by filename"
        ).fetchall()
    assert len(sizes) >= 6
    assert max(size for (size,) in sizes) < 1_500


def broken(world: Embedded, folder: Path) -> Embedded:
    """Copy a world's archive and change one byte of its last block."""
    shutil.copytree(world.raw, folder / "raw")
    path = max((folder / "raw").glob("*/*/*/*.zst"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return Embedded(folder, world.stored, world.received)


def test_a_broken_block_stops_the_job_and_nothing_is_seen(
    spark: Any, small: Embedded, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(small.lake, lake)
    with pytest.raises(BadSource, match="do not match its checksum"):
        run(spark, broken(small, tmp_path), lake)
    assert content(lake) == content(small.lake)
    assert not list(lake.glob(".staging-*"))


def test_a_missing_day_stops_the_job(spark: Any, small: Embedded, tmp_path: Path) -> None:
    shutil.copytree(small.raw, tmp_path / "raw")
    day = date(2026, 3, 3)
    shutil.rmtree(tmp_path / f"raw/year=2026/month=03/day={day:%d}")
    world = Embedded(tmp_path, small.stored, small.received)
    with pytest.raises(NotFound, match="2026-03-03"):
        run(spark, world, tmp_path / "lake", start=FIRST, end=FIRST + 5 * DAY)
    assert not (tmp_path / "lake").exists()


def test_a_full_disk_is_told_and_nothing_is_seen(spark: Any, small: Embedded, tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        missing("no small disk can be mounted here; that takes root")
    try:
        with pytest.raises(StoreFailed, match="No space left"):
            run(spark, small, tmp_path / "lake")
        assert not list((tmp_path / "lake").glob("**/*"))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
