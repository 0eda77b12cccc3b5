"""Replay on a real Spark cluster: the same rows as the embedded path, whatever happens on the way."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from spark_cluster import Cluster
from spark_world import NOW, Embedded, embedded, lake_rows, requests_of, same_rows

from footfall.apps.spark.replay import Replay, replay
from footfall.errors import BadSource, NotFound, StoreFailed

DAY = timedelta(days=1)
THIRD = datetime(2026, 3, 3)  # noqa: DTZ001 - our times are UTC without a zone


@pytest.fixture(scope="module")
def spark(spark_cluster: Cluster) -> Iterator[Any]:
    with spark_cluster.session() as session:
        yield session


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """Ten days of a small world, by the embedded path."""
    return embedded(tmp_path_factory.mktemp("small"), requests_of(700, 10))


def test_every_row_is_as_the_embedded_path_has_it(spark: Any, small: Embedded, tmp_path: Path) -> None:
    landed = replay(spark, Replay(raw=str(small.raw), lake=tmp_path), NOW)
    assert (landed.read, landed.outside) == (small.received, 0)
    assert (landed.written, landed.duplicate, landed.rejected) == (
        small.stored.stored,
        small.stored.duplicate,
        small.stored.rejected,
    )
    assert landed.duplicate > 0
    assert landed.rejected > 0
    assert same_rows(small.lake, tmp_path, without=()) == landed.written
