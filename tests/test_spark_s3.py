"""Lakes and CSV in S3, on a real cluster: the rows that a folder gets, each hour whole, whatever breaks.

S3 is spoken over HTTP to an emulator, by the driver and by every executor.
"""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aws_emulator import aws_emulator, make_bucket
from databases import mariadb
from spark_cluster import Cluster
from spark_world import KEY, NOW, Embedded, embedded, requests_of, same_rows
from test_spark_import import bring_in_embedded
from test_spark_mart import tables

from footfall.apps.spark.compaction import compact
from footfall.apps.spark.etl import Etl, Refined, refine
from footfall.apps.spark.imports import Import, RulesOf, import_files
from footfall.apps.spark.lakes import open_lake
from footfall.apps.spark.landing import Hours, Landed, Target
from footfall.apps.spark.mart import export_lake
from footfall.apps.spark.metrics import answer
from footfall.apps.spark.replay import Replay, replay
from footfall.errors import LakeChanged, NotFound, ObjectsRefused

VARIABLES = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")


@pytest.fixture(scope="module")
def aws(spark: Any) -> Iterator[str]:
    """Run the emulator, and tell the executors' Python of it."""
    with aws_emulator() as url, pytest.MonkeyPatch.context() as patch:
        for name, value in executor_variables().items():
            patch.setitem(spark.sparkContext.environment, name, value)
        yield url


def executor_variables() -> dict[str, str]:
    """Return what executors must know to find the emulator."""
    return {name: os.environ[name] for name in VARIABLES}


class Bucket:
    """A bucket of the test's own; ``url`` is where a lake, or anything else, lies in it."""

    def __init__(self) -> None:
        self.name = f"lake-{uuid4().hex}"
        self.client = make_bucket(self.name)

    def url(self, inside: str) -> str:
        return f"s3://{self.name}/{inside}"

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def get(self, key: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def put_folder(self, folder: Path, prefix: str) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())

    def fetched(self, prefix: str, folder: Path) -> Path:
        """Copy what a program that only lists sees of a prefix."""
        for key in self.keys(f"{prefix}/"):
            path = folder / key.removeprefix(f"{prefix}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.get(key))
        return folder


@pytest.fixture
def bucket(aws: str) -> Bucket:
    assert aws
    return Bucket()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    return embedded(tmp_path_factory.mktemp("small"), requests_of(120, 2))


def run(spark: Any, small: Embedded, lake: str, raw: str = "") -> Landed:
    landed = replay(spark, Replay(raw=raw or str(small.raw), lake=lake, key=KEY), NOW)
    assert landed.read + landed.stood == (
        landed.written + landed.duplicate + landed.rejected + landed.outside
    )
    return landed


def test_a_replay_and_again(spark: Any, small: Embedded, bucket: Bucket, tmp_path: Path) -> None:
    """From a raw archive in S3 to a lake in S3; a second run writes over the same keys."""
    bucket.put_folder(small.raw, "raw")
    first = run(spark, small, bucket.url("lake"), bucket.url("raw"))
    assert (first.read, first.written) == (small.received, small.stored.stored)
    assert same_rows(small.lake, bucket.fetched("lake", tmp_path / "first"), without=()) == first.written
    keys = bucket.keys("lake/events/")
    assert len(keys) == first.hours == first.files
    again = run(spark, small, bucket.url("lake"), bucket.url("raw"))
    assert (again.read, again.written) == (first.read, first.written)
    assert bucket.keys("lake/events/") == keys
    assert same_rows(small.lake, bucket.fetched("lake", tmp_path / "again"), without=()) == first.written
    assert bucket.keys("lake/_staging/") == []


def test_a_worker_lost_in_mid_job_costs_no_row(
    spark: Any, spark_cluster: Cluster, small: Embedded, bucket: Bucket, tmp_path: Path
) -> None:
    """It is killed when the first files are staged: what it left behind goes, what it did is done again."""
    ended = threading.Event()

    def kill() -> None:
        while not ended.wait(0.02):
            if bucket.keys("lake/_staging/"):
                spark_cluster.kill_worker(0)
                return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        landed = run(spark, small, bucket.url("lake"))
    finally:
        lost = not thread.is_alive()
        ended.set()
        thread.join()
        if lost:
            spark_cluster.replace_worker(0)
    assert lost
    assert same_rows(small.lake, bucket.fetched("lake", tmp_path), without=()) == landed.written
    assert bucket.keys("lake/_staging/") == []


def test_logs_from_s3_and_a_lake_of_pieces(
    spark: Any, bucket: Bucket, shared_data: Path, tmp_path: Path
) -> None:
    """Access logs in a bucket, in two goes; then an hour's many files, under any names, become one."""
    lines = (shared_data / "access-logs/combined/shop.log").read_bytes().splitlines(keepends=True)
    logs = [tmp_path / "logs/a.log", tmp_path / "logs/b.log"]
    logs[0].parent.mkdir()
    for first, log in enumerate(logs):
        log.write_bytes(b"".join(lines[first::2]))
        bucket.put(f"logs/{log.name}", log.read_bytes())
    bring_in_embedded(tmp_path / "embedded", "combined", logs[0].parent)
    bucket.put("logs-of-others/x.log", b"not of this prefix")
    lake = bucket.url("lake")

    def bring_in(path: str) -> Landed:
        rules = RulesOf(app="default", key=b"k" * 32)
        wanted = Import(format="combined", paths=(path,), rules=rules, target=Target(lake))
        return import_files(spark, wanted, NOW)

    first = bring_in(bucket.url(f"logs/{logs[0].name}"))
    rest = bring_in(bucket.url("logs/"))
    assert first.read + rest.read == len(lines)
    assert rest.stood > 0
    assert bring_in(bucket.url("logs/")).hours == 0
    found = bucket.fetched("lake", tmp_path / "lake")
    assert same_rows(tmp_path / "embedded/lake", found, without=()) == len(lines)
    for key in bucket.keys("lake/events/"):
        bucket.put(f"{key.rpartition('/')[0]}/delivery-1-{uuid4()}.parquet", bucket.get(key))
    done = compact(spark, Target(lake))
    assert done.hours == done.files > 0
    assert done.duplicate == done.written
    tidy = bucket.fetched("lake", tmp_path / "tidy")
    assert same_rows(tmp_path / "embedded/lake", tidy, without=()) == len(lines)
    assert compact(spark, Target(lake)).hours == 0


def test_what_comes_out_is_what_comes_out_of_a_folder(spark: Any, small: Embedded, bucket: Bucket) -> None:
    """A metric, and the tables of a mart."""
    bucket.put_folder(small.lake, "lake")
    lake = bucket.url("lake")
    for name in ("retention", "average_age", "top_pages"):
        assert answer(spark, lake, name, {}) == answer(spark, str(small.lake), name, {})
    with pytest.raises(NotFound, match="no lake"):
        answer(spark, bucket.url("elsewhere"), "retention", {})
    with mariadb() as server:
        done = export_lake(spark, lake, server.url("s3"), Hours())
        assert done == export_lake(spark, str(small.lake), server.url("folder"), Hours())
        assert tables(server, "s3") == tables(server, "folder")
        assert done.rows > 0


def raw_line(number: int) -> bytes:
    event = {"event": "page_view", "event_id": f"e{number}", "location_id": 516}
    return json.dumps(event).encode() + b"\n"


def test_raw_json_becomes_csv_and_is_moved(spark: Any, bucket: Bucket) -> None:
    """A repeat, a bad line, a name that comes again, and the same bytes under another name."""
    wanted = Etl(raw=bucket.url("raw"), out=bucket.url("tables"), rules=RulesOf(app="site", key=b"k"))
    bucket.put("raw/a.json", raw_line(1) + raw_line(2) + b"{broken\n")
    bucket.put("raw/day/b.json", raw_line(2) + raw_line(3))
    bucket.put("raw-of-others/x.json", raw_line(9))
    done = refine(spark, wanted, NOW)
    assert done == Refined(files=2, read=5, written=3, duplicate=1, rejected=1)
    bucket.put("raw/a.json", raw_line(4))
    bucket.put("raw/again.json", raw_line(2) + raw_line(3))
    assert refine(spark, wanted, NOW).written == 1
    assert refine(spark, wanted, NOW) == Refined()
    assert bucket.keys("raw/") == []
    assert bucket.keys("processed/") == [
        f"processed/{name}.json" for name in ("a-2", "a", "again", "day/b")
    ]
    results = bucket.keys("tables/results/")
    assert results == ["tables/results/a-2.csv", "tables/results/a.csv", "tables/results/day/b.csv"]
    rows = b"".join(bucket.get(key).partition(b"\n")[2] for key in results).splitlines()
    assert len(rows) == 4
    assert all(b',"NA","AF",' in row for row in rows)
    assert b"it is not JSON" in bucket.get("tables/rejected/a.ndjson")
    assert bucket.keys("tables/_staging/") == []


def test_a_bucket_that_is_not_there_is_told(spark: Any, small: Embedded, bucket: Bucket) -> None:
    """By the driver, which would write there, and by a task that finds no right to."""
    with pytest.raises(ObjectsRefused, match="NoSuchBucket"):
        run(spark, small, f"s3://{bucket.name}-gone/lake")


def test_who_changes_the_lake_meanwhile_is_told(bucket: Bucket) -> None:
    """Nothing is put over a file that the job did not read; what came beside it stays."""
    key = "lake/events/year=2026/month=03/day=01/hour=07/part-00000.parquet"
    bucket.put(key, b"as read")
    lake = open_lake(bucket.url("lake"))
    swap = lake.swap("job")
    read = lake.files("events")
    bucket.put(key, b"changed")
    bucket.put("lake/_staging/job/x", b"new")
    with pytest.raises(LakeChanged, match="hour=07"):
        swap.commit({key.rpartition("/")[0].removeprefix("lake/"): [f"{swap.staging}/x"]}, (), read)
    swap.close()
    assert bucket.get(key) == b"changed"
    assert bucket.keys("lake/_staging/") == []


def test_the_command(spark_cluster: Cluster, small: Embedded, bucket: Bucket, tmp_path: Path) -> None:
    words = ["replay", "--raw", str(small.raw), "--lake", bucket.url("lake/"), "--format", "json"]
    shown = spark_cluster.footfall(*words, variables=executor_variables())
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["written"] == small.stored.stored
    assert same_rows(small.lake, bucket.fetched("lake", tmp_path)) == told["written"]
