"""``footfall spark`` as a user meets it: on a cluster, and where something it needs is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from installation import run_footfall
from spark_cluster import Cluster, needs_spark
from spark_world import embedded, requests_of, same_rows

from footfall.adapters.key_file import installation_key

BLOCKED = """
import sys
sys.modules["pyspark"] = None
from footfall.apps.cli import main
main()
"""


def test_a_replay_prints_a_ledger_that_balances(spark_cluster: Cluster, tmp_path: Path) -> None:
    world = embedded(tmp_path / "world", requests_of(60, 2))
    lake = tmp_path / "lake"
    shown = spark_cluster.footfall(
        "replay", "--raw", str(world.raw), "--lake", str(lake), "--format", "json"
    )
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["read"] == told["written"] + told["duplicate"] + told["rejected"] == world.received
    assert same_rows(world.lake, lake) == told["written"]


def test_raw_files_become_tables(spark_cluster: Cluster, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.json").write_text('{"event":"page_view","event_id":"e1","location_id":516}\n')
    place = ["--data", str(tmp_path / "data"), "--format", "json"]
    shown = spark_cluster.footfall("etl", str(raw), "--out", str(tmp_path / "tables"), *place)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["written"] == 1
    assert ',"NA","AF",' in (tmp_path / "tables/results/a.csv").read_text()


def test_a_metric_is_answered_over_a_lake(spark_cluster: Cluster, tmp_path: Path) -> None:
    world = embedded(tmp_path / "world", requests_of(20, 1))
    words = ["metric", "top_events", "--lake", str(world.lake), "--set", "limit=1", "--format", "json"]
    shown = spark_cluster.footfall(*words)
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["columns"] == ["event", "events", "visitors"]
    assert told["rows_read"] == world.stored.stored
    assert len(told["rows"]) == 1


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", BLOCKED, "spark", "compact", "--lake", str(tmp_path / "lake")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 1
    assert 'pip install "footfall[spark]"' in shown.stderr


def test_without_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_spark()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    shown = run_footfall(tmp_path, "spark", "compact", "--lake", str(tmp_path / "a-lake"))
    assert shown.returncode == 1
    assert "needs Java 17" in shown.stderr
    assert str(tmp_path / "gone") in shown.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["compact", "--lake", "LAKE", "--from", "yesterday"], "--from yesterday is no hour"),
        (["compact", "--lake", "LAKE", "--from", "2026-03-01T10:30"], "is no hour"),
        (["compact", "--lake", "LAKE", "--conf", "spark.cores"], "--conf spark.cores is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_told(tmp_path: Path, words: list[str], told: str) -> None:
    words = [str(tmp_path / "a-lake") if word == "LAKE" else word for word in words]
    shown = run_footfall(tmp_path, "spark", *words)
    assert shown.returncode == 1
    assert told in shown.stderr


def test_the_lake_of_a_platform_is_left_to_it(tmp_path: Path) -> None:
    world = embedded(tmp_path / "data", requests_of(20, 1))
    installation_key(world.folder / "keys")
    shown = run_footfall(world.folder, "spark", "compact", "--lake", str(world.lake))
    assert shown.returncode == 1
    assert "is kept by the platform" in shown.stderr
