"""A million events through Spark: each row as the embedded path has it, a worker lost on the way."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from spark_cluster import Cluster
from spark_world import KEY, NOW, embedded, requests_of, same_rows

from footfall.apps.spark.replay import Replay, replay


@pytest.mark.slow
def test_a_million_events(spark: Any, spark_cluster: Cluster, tmp_path: Path) -> None:
    """Retries, late, broken and hostile events among them."""
    world = embedded(tmp_path / "world", requests_of(44_500, 20), batch_events=50_000)
    assert world.received > 1_000_000
    lost = threading.Timer(20, lambda: spark_cluster.kill_worker(1))
    lost.start()
    try:
        began = time.monotonic()
        landed = replay(spark, Replay(raw=str(world.raw), lake=tmp_path / "lake", key=KEY), NOW)
        assert time.monotonic() - began > 20  # so the worker went while it ran
    finally:
        lost.cancel()
        lost.join()
        spark_cluster.replace_worker(1)
    stored = world.stored
    assert landed.read == world.received
    assert (landed.written, landed.duplicate, landed.rejected) == (
        stored.stored,
        stored.duplicate,
        stored.rejected,
    )
    assert min(landed.duplicate, landed.rejected) > 1_000
    assert same_rows(world.lake, tmp_path / "lake", without=()) == landed.written
