"""What every test may use: the real logs beside the project, and servers that may be missing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes says something of the machine, not of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def missing(reason: str) -> None:
    """Skip for a server or data that isn't here; with FOOTFALL_TEST_ALL=1 that is a failure."""
    if os.environ.get("FOOTFALL_TEST_ALL") == "1":
        pytest.fail(f"FOOTFALL_TEST_ALL=1, but {reason}")
    pytest.skip(reason)


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of real logs and foreign test cases; skip where it is absent."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a Spark cluster of two workers, started once; skip where pyspark or Java is absent."""
    from spark_cluster import cluster_in, needs_spark

    needs_spark()
    with cluster_in(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def spark(spark_cluster: Any) -> Iterator[Any]:
    """Give a session of this process on the cluster."""
    with spark_cluster.session() as session:
        yield session
