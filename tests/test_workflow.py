"""The workflow's steps under awslambdaric against moto: each may run again, and nothing is there twice.

Emulated: Step Functions (the steps are called one after another, as infra/asl/workflow.asl.json does),
S3, DynamoDB, SQS and Secrets Manager (moto).
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from aws_servers import moto
from boto3.dynamodb.types import TypeDeserializer
from conftest import missing

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.sqs import LetterQueue
from footfall.core.raw_line import read_line
from footfall.testing.aws.altering_proxy import altering_proxy
from footfall.testing.aws.function import Function, FunctionFailed, lambda_function
from footfall.testing.aws.servers import environment

STEPS = ("ingest", "process", "write")
PAYLOAD_BYTES = 262_144  # of Step Functions, between two states
AT = "2026-11-20T12:00:00Z"


@dataclass
class Workflow:
    """The three functions, and what is behind them."""

    moto: str
    steps: dict[str, Function]
    letters: LetterQueue

    def run(self, given: Any) -> Any:
        """Run all steps, each with the answer of the one before."""
        for name in STEPS:
            given = self.steps[name].invoke(given)
            assert len(json.dumps(given)) < PAYLOAD_BYTES
        return given

    def items(self) -> list[dict[str, Any]]:
        read = TypeDeserializer().deserialize
        found = client("dynamodb", self.moto).scan(TableName="events")["Items"]
        return [{name: read(value) for name, value in item.items()} for item in found]

    def keys(self, prefix: str) -> list[str]:
        listed = client("s3", self.moto).list_objects_v2(Bucket="raw", Prefix=prefix)
        return [each["Key"] for each in listed.get("Contents", [])]

    def object(self, key: str) -> bytes:
        read: bytes = client("s3", self.moto).get_object(Bucket="raw", Key=key)["Body"].read()
        return read


def make_table(url: str, name: str, *keys: str) -> None:
    client("dynamodb", url).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )


@pytest.fixture
def workflow(tmp_path: Path) -> Iterator[Workflow]:
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    with moto() as url, altering_proxy(url) as proxy, ExitStack() as stack:
        make_table(url, "events", "user_id", "event_time")
        make_table(url, "once", "id")
        make_table(url, "salts", "day")
        client("secretsmanager", url).create_secret(Name="key", SecretBinary=b"k" * 32)
        where = {"LocationConstraint": "eu-central-1"}
        client("s3", url).create_bucket(Bucket="raw", CreateBucketConfiguration=where)
        queue = client("sqs", url).create_queue(QueueName="failures")["QueueUrl"]
        variables = environment(aws=url, dynamodb=proxy.url) | {
            "FOOTFALL_AWS_RAW_BUCKET": "raw",
            "FOOTFALL_AWS_EVENTS_TABLE": "events",
            "FOOTFALL_AWS_IDEMPOTENCY_TABLE": "once",
            "FOOTFALL_AWS_SALTS_TABLE": "salts",
            "FOOTFALL_AWS_KEY_SECRET": "key",
            "FOOTFALL_AWS_DEAD_LETTERS": queue,
        }
        steps = {
            name: stack.enter_context(
                lambda_function(f"footfall.apps.lambdas.{name}.handler", variables, tmp_path)
            )
            for name in STEPS
        }
        yield Workflow(url, steps, LetterQueue(queue, client("sqs", url)))


def said(*events: Any, **more: Any) -> dict[str, Any]:
    """Return an event of EventBridge with events of ours."""
    detail = {"app": "shop", "events": list(events)}
    return {"id": "1", "detail-type": "footfall.event", "time": AT, "detail": detail} | more


def test_an_event_is_kept_enriched_and_written_by_person_and_time(workflow: Workflow) -> None:
    event = {
        "event": "Order Placed",
        "event_id": "o1",
        "user_id": "ada",
        "created_at": "2026-11-20T11:59:58.5Z",
        "url": "https://shop.example/pay?utm_source=mail",
        "properties": {"mail": "ada@example.com"},
    }
    assert workflow.run(said(event)) == {"rows": 1, "letters": 0}
    [item] = workflow.items()
    assert item["user_id"] == "ada"
    assert item["event_time"] == "2026-11-20T11:59:58.500000Z#o1"
    assert (item["event"], item["host"], item["source"]) == ("order_placed", "shop.example", "mail")
    [key] = workflow.keys("ingest/")
    assert key.startswith("ingest/yyyy=2026/mm=11/dd=20/")
    logged = read_line(workflow.object(key))
    assert (logged.record.app_id, logged.record.origin, logged.record.count) == ("shop", "workflow", 1)
    assert b"ada@example.com" not in workflow.object(key)


def test_the_same_input_again_changes_nothing(workflow: Workflow) -> None:
    without_id = said({"event": "a", "user_id": "ada"}, {"event": "b", "user_id": "ada"})
    first = workflow.run(without_id)
    for table in ("once",):  # as if the hour in which an answer is remembered had passed
        client("dynamodb", workflow.moto).delete_table(TableName=table)
        make_table(workflow.moto, table, "id")
    assert workflow.run(without_id) == first
    assert len(workflow.items()) == 2
    assert len(workflow.keys("ingest/")) == len(workflow.keys("processed/")) == 1


def test_what_is_rejected_is_in_the_queue_with_its_reasons(workflow: Workflow) -> None:
    done = workflow.run(said({"event": "a", "event_id": "1", "user_id": "ada"}, {"no": "event"}, 7))
    assert done == {"rows": 1, "letters": 0}
    letters = [each.letter for each in workflow.letters.receive(10, 60)]
    assert sorted(each.reasons[0].partition(";")[0] for each in letters) == [
        "event is missing",
        "it is a number, not an object",
    ]
    assert workflow.run(said({"no": "event"})) == {"rows": 0, "letters": 0}


def test_a_file_that_arrives_is_read_line_by_line(workflow: Workflow) -> None:
    lines = b"".join(b'{"event":"a","event_id":"%d","user_id":"u%d"}\n' % (n, n) for n in range(3_000))
    client("s3", workflow.moto).put_object(Bucket="raw", Key="incoming/day.ndjson", Body=lines)
    arrived = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": AT,
        "detail": {"bucket": {"name": "raw"}, "object": {"key": "incoming/day.ndjson", "size": len(lines)}},
    }
    assert workflow.run(arrived) == {"rows": 3_000, "letters": 0}
    found = (
        client("dynamodb", workflow.moto).get_paginator("scan").paginate(TableName="events", Select="COUNT")
    )
    assert sum(page["Count"] for page in found) == 3_000


@pytest.mark.parametrize(
    "given", [{}, {"detail": {}}, {"detail": {"events": []}}, {"detail": {"events": 7}}]
)
def test_an_input_without_events_fails_for_good(workflow: Workflow, given: Any) -> None:
    with pytest.raises(FunctionFailed, match="BadSource"):
        workflow.steps["ingest"].invoke(given)


def test_a_detail_may_be_the_event_itself(workflow: Workflow) -> None:
    assert (
        workflow.run({"time": AT, "detail": {"event": "a", "user_id": "ada", "app": "shop"}})["rows"] == 1
    )
    assert workflow.run({"event": "b", "user_id": "bob"})["rows"] == 1
    assert sorted((item["app_id"], item["event"]) for item in workflow.items()) == [
        ("default", "b"),
        ("shop", "a"),
    ]


def test_what_time_mends_is_named_so_that_the_machine_tries_again(workflow: Workflow) -> None:
    client("s3", workflow.moto).delete_bucket(Bucket="raw")
    with pytest.raises(FunctionFailed, match="ObjectsRefused"):
        workflow.steps["ingest"].invoke(said({"event": "a"}))
    client("secretsmanager", workflow.moto).delete_secret(SecretId="key", ForceDeleteWithoutRecovery=True)
    workflow.steps["ingest"].stop()
    workflow.steps["ingest"].start(1)
    with pytest.raises(FunctionFailed, match="'errorType': 'StoreFailed'"):
        workflow.steps["ingest"].invoke(said({"event": "b"}))
