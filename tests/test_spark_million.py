"""A million events through Spark: each row as the embedded path has it, a worker lost on the way."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from spark_cluster import Cluster
from spark_world import KEY, NOW, loaded, requests_of, same_rows, taken_in

from footfall.apps.spark.replay import Replay, replay


@pytest.mark.slow
def test_a_million_events(spark: Any, spark_cluster: Cluster, tmp_path: Path) -> None:
    """Retries, late, broken and hostile events among them; both paths are at work at the same time."""
    world, lake = tmp_path / "world", tmp_path / "lake"
    received = taken_in(world, requests_of(44_500, 20))
    assert received > 1_000_000
    ended, lost = threading.Event(), threading.Event()

    def kill() -> None:
        if not ended.wait(20):
            spark_cluster.kill_worker(1)
            lost.set()

    with ThreadPoolExecutor(2) as beside:
        loading = beside.submit(loaded, world, 50_000)
        killing = beside.submit(kill)
        try:
            landed = replay(spark, Replay(raw=f"{world}/raw", lake=str(lake), key=KEY), NOW)
        finally:
            ended.set()
            killing.result()
            if lost.is_set():
                spark_cluster.replace_worker(1)
        stored = loading.result()
    assert lost.is_set()  # so the worker went while it ran
    assert landed.read == received
    assert (landed.written, landed.duplicate, landed.rejected) == (
        stored.stored,
        stored.duplicate,
        stored.rejected,
    )
    assert min(landed.duplicate, landed.rejected) > 1_000
    assert same_rows(world / "lake", lake, without=()) == landed.written
