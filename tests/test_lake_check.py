"""The lake against what arrived: S3, SNS and Athena are moto's, over HTTP; the archive is real blocks.

moto's Athena runs no SQL: it gives the counts that it was told before. What the SQL means is asked of
DuckDB, with a table of the lake's partitions.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from aws_servers import fresh, moto
from conftest import missing
from hypothesis import given
from hypothesis import strategies as st
from test_aws_athena import can, progress

from footfall.adapters.aws.clients import client
from footfall.adapters.s3_objects import S3Objects
from footfall.core.lake_count import Partitions, compared, lake_count
from footfall.core.raw_block import CHECKSUM, block_name, check_line, day_folder, encode_block
from footfall.core.record import Logged, Offset
from footfall.errors import BadSource
from footfall.services.lake_check import arrived_on
from footfall.testing.aws.function import lambda_function
from footfall.testing.aws.servers import environment
from footfall.testing.event_log import make_event, make_record

DAY = date(2026, 11, 19)
COUNTS = {"app_id": "varchar", "stored": "bigint"}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield url


@dataclass
class Archive:
    """A bucket with blocks, as the function ``raw`` writes them."""

    name: str

    def put(self, first: int, apps: list[tuple[str, int]], day: date = DAY) -> str:
        records = [
            Logged("c", Offset(first + at), make_record(*[make_event()] * count, app_id=app))
            for at, (app, count) in enumerate(apps)
        ]
        block, name = encode_block(records), block_name("shard-0", first, first + len(apps) - 1)
        key = f"raw/{day_folder(day)}/{name}"
        for place, body in ((key + CHECKSUM, check_line(block, name).encode()), (key, block)):
            client("s3").put_object(Bucket=self.name, Key=place, Body=body)
        return key


@pytest.fixture
def archive(aws: str) -> Archive:
    name = fresh("raw")
    client("s3", aws).create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return Archive(name)


def test_events_of_the_day_are_counted_by_app(archive: Archive) -> None:
    archive.put(1, [("shop", 3), ("shop", 2), ("blog", 1)])
    archive.put(4, [("shop", 5)])
    archive.put(9, [("shop", 7)], DAY + timedelta(days=1))
    assert arrived_on(DAY, S3Objects(archive.name)) == {"shop": 10, "blog": 1}
    assert arrived_on(DAY - timedelta(days=1), S3Objects(archive.name)) == {}


def test_a_damaged_block_is_told_and_not_left_out(archive: Archive) -> None:
    key = archive.put(1, [("shop", 3)])
    client("s3").put_object(Bucket=archive.name, Key=key, Body=b"other bytes")
    with pytest.raises(BadSource, match="do not match its checksum"):
        arrived_on(DAY, S3Objects(archive.name))
    client("s3").delete_object(Bucket=archive.name, Key=key + CHECKSUM)
    with pytest.raises(BadSource, match="has no checksum"):
        arrived_on(DAY, S3Objects(archive.name))


counts = st.dictionaries(st.sampled_from(["shop", "blog", "app"]), st.integers(0, 50))


@given(counts, counts)
def test_both_sides_add_up(arrived: dict[str, int], stored: dict[str, int]) -> None:
    found = compared(DAY, arrived, stored)
    for app in {*arrived, *stored}:
        gap = found.missing.get(app, 0) - found.repeated.get(app, 0)
        assert arrived.get(app, 0) - stored.get(app, 0) == gap
        assert not (app in found.missing and app in found.repeated)
    assert all(count > 0 for count in (found.missing | found.repeated).values())


@pytest.mark.parametrize("partitions", ["hour", "datehour"])
def test_the_question_counts_rows_received_that_day_in_the_folders_of_two(partitions: Partitions) -> None:
    rows = []
    for app, received, folder in (
        ("shop", datetime(2026, 11, 19, 0, 0, tzinfo=UTC), datetime(2026, 11, 19, 0, tzinfo=UTC)),
        ("shop", datetime(2026, 11, 19, 23, 59, tzinfo=UTC), datetime(2026, 11, 20, 0, tzinfo=UTC)),
        ("blog", datetime(2026, 11, 19, 12, tzinfo=UTC), datetime(2026, 11, 19, 12, tzinfo=UTC)),
        ("shop", datetime(2026, 11, 20, 0, 0, tzinfo=UTC), datetime(2026, 11, 20, 0, tzinfo=UTC)),
        ("shop", datetime(2026, 11, 18, 23, 59, tzinfo=UTC), datetime(2026, 11, 19, 0, tzinfo=UTC)),
        ("shop", datetime(2026, 11, 19, 5, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)),
    ):
        parts = [f"{folder:%Y}", f"{folder:%m}", f"{folder:%d}", f"{folder:%H}", f"{folder:%Y/%m/%d/%H}"]
        rows.append((app, received.replace(tzinfo=None), *parts))
    with duckdb.connect() as store:
        keys = "year text, month text, day text, hour text, datehour text"
        store.execute(f"create table events(app_id text, received_at timestamp, {keys})")
        store.executemany("insert into events values (?, ?, ?, ?, ?, ?, ?)", rows)
        sql = sqlglot.transpile(lake_count(DAY, partitions), read="athena", write="duckdb")[0]
        assert dict(store.execute(sql).fetchall()) == {"shop": 2, "blog": 1}


def test_the_function_tells_people_what_is_missing_and_nothing_when_all_is_there(
    archive: Archive, aws: str, tmp_path: Path
) -> None:
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    archive.put(1, [("shop", 3), ("blog", 2)])
    queue = client("sqs", aws).create_queue(QueueName=archive.name)["QueueUrl"]
    topic = client("sns", aws).create_topic(Name=archive.name)["TopicArn"]
    arn = client("sqs", aws).get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    client("sns", aws).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    progress(aws, progression="immediate")
    variables = environment(aws=aws) | {
        "FOOTFALL_AWS_WORKGROUP": "primary",
        "FOOTFALL_AWS_DATABASE": "footfall",
        "FOOTFALL_AWS_RAW_BUCKET": archive.name,
        "FOOTFALL_AWS_ALERTS_TOPIC": topic,
    }
    told = {"partitions": "hour", "day": DAY.isoformat()}
    with lambda_function("footfall.apps.lambdas.integrity.handler", variables, tmp_path) as function:
        can(aws, [["shop", "3"], ["blog", "5"]], COUNTS)
        whole = function.invoke(told)
        assert (whole["missing"], whole["repeated"]) == ({}, {"blog": 3})
        assert alerts(aws, queue) == []

        can(aws, [["shop", "1"]], COUNTS)
        short = function.invoke(told)
        assert short["missing"] == {"shop": 2, "blog": 2}
        (alert,) = alerts(aws, queue)
    assert alert["Subject"] == "footfall: the lake misses events of 2026-11-19"
    assert "shop: 3 arrived, 1 in the lake, 2 missing" in alert["Message"]
    assert '"EventsMissing":[4.0]' in (tmp_path / "integrity.log").read_text().replace(" ", "")


def alerts(url: str, queue: str) -> list[dict[str, Any]]:
    got = client("sqs", url).receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(each["Body"]) for each in got]
