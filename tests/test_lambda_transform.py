"""The way without Kinesis: collect puts raw records into Firehose, which has rows made of them.

Emulated: Firehose (ours), API Gateway, SQS, DynamoDB and Secrets Manager (moto). Real: the handlers under
awslambdaric, AWS's SDK.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aws_servers import moto
from conftest import missing
from test_aws_emulator import ask

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.firehose_stream import RECORD_BYTES, FirehoseStream
from footfall.adapters.aws.placed_lines import Places
from footfall.adapters.aws.sqs import LetterQueue
from footfall.core.raw_line import read_line, write_line
from footfall.core.record import Logged, Offset
from footfall.errors import StreamFailed
from footfall.testing.aws.delivery_stream import DeliveryStream, firehose_server
from footfall.testing.aws.function import lambda_function
from footfall.testing.aws.http_api import http_api
from footfall.testing.aws.servers import environment
from footfall.testing.delivery import OpenedStream, StreamContract
from footfall.testing.event_log import FixedClock, make_event, make_record

APPS = '[apps.shop]\nwrite_keys = ["shop-key"]\norigins = ["*"]\n'


class Folder:
    """Objects in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, data: bytes) -> None:
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def rows(self) -> list[dict[str, Any]]:
        files = sorted(self.folder.glob("events/**/*.parquet"))
        return [row for path in files for row in pq.read_table(path).to_pylist()]

    def errors(self) -> list[str]:
        return [path.parent.name for path in self.folder.glob("errors/**/*") if path.is_file()]


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


class TestFirehoseStream(StreamContract):
    @pytest.fixture
    def opened(self, tmp_path: Path, moto_url: str) -> Iterator[OpenedStream]:
        assert moto_url, "it gives the rights"
        delivery = DeliveryStream("rows", Folder(tmp_path).put, buffer_seconds=3_600)
        with firehose_server(delivery) as url:
            stream = FirehoseStream(
                "rows", client("firehose", url), Places("c", FixedClock(), RECORD_BYTES)
            )
            yield OpenedStream(stream, lambda: [read_line(each) for each in delivery.waiting()])
            delivery._waiting.clear()  # raw records are no rows

    def test_a_stream_that_is_not_there_is_told(self, opened: OpenedStream) -> None:
        stream: Any = opened.stream
        stream.name = "absent"
        with pytest.raises(StreamFailed, match="ResourceNotFound"):
            stream.check()
        with pytest.raises(StreamFailed, match="1 of 1 records: ResourceNotFound"):
            stream.append([make_record()])


@contextmanager
def made(moto_url: str, folder: Path) -> Iterator[tuple[dict[str, str], LetterQueue]]:
    """Make what both functions need."""
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    folder.mkdir()
    (folder / "footfall.toml").write_text(APPS)
    name = folder.parent.name
    client("secretsmanager", moto_url).create_secret(Name=name, SecretBinary=b"k" * 32)
    client("dynamodb", moto_url).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
    )
    queue = client("sqs", moto_url).create_queue(QueueName=name)["QueueUrl"]
    variables = environment(aws=moto_url) | {
        "FOOTFALL_AWS_FIREHOSE": "rows",
        "FOOTFALL_AWS_SALTS_TABLE": name,
        "FOOTFALL_AWS_KEY_SECRET": name,
        "FOOTFALL_AWS_DEAD_LETTERS": queue,
    }
    yield variables, LetterQueue(queue, client("sqs", moto_url))


def test_events_become_parquet_without_kinesis(moto_url: str, tmp_path: Path) -> None:
    lake = Folder(tmp_path / "lake")
    with (
        made(moto_url, tmp_path / "functions") as (variables, letters),
        lambda_function(
            "footfall.apps.lambdas.transform.handler", variables, tmp_path / "functions"
        ) as transform,
    ):
        delivery = DeliveryStream("rows", lake.put, transform=transform.invoke, buffer_seconds=3_600)
        with firehose_server(delivery) as firehose:
            variables["AWS_ENDPOINT_URL_FIREHOSE"] = firehose
            with (
                lambda_function(
                    "footfall.apps.lambdas.collect.handler", variables, tmp_path / "functions"
                ) as collect,
                http_api(collect.invoke) as url,
            ):
                for at in range(0, 300, 100):
                    events = [{"event": "a", "event_id": f"e{n}"} for n in range(at, at + 100)]
                    body = json.dumps([*events, {"event_id": f"bad{at}"}]).encode()
                    status, _, reply = ask(url, "POST", "/v1/events", body, x_write_key="shop-key")
                    assert (status, json.loads(reply)["accepted"]) == (200, 100)
            delivery.take([b"poison\n"])
            delivery.flush()
    assert sorted(row["event_id"] for row in lake.rows()) == sorted(f"e{n}" for n in range(300))
    assert lake.errors() == []
    found = [each.letter for each in letters.receive(10, 60)]
    assert sorted((each.kind, each.event_id) for each in found if each.event_id) == [
        ("event", "bad0"),
        ("event", "bad100"),
        ("event", "bad200"),
    ]
    assert [each.body for each in found if each.kind == "record"] == ["poison\n"]


def test_what_the_reply_has_no_room_for_is_kept_as_it_came(moto_url: str, tmp_path: Path) -> None:
    lake = Folder(tmp_path / "lake")
    with (
        made(moto_url, tmp_path / "functions") as (variables, _),
        lambda_function(
            "footfall.apps.lambdas.transform.handler", variables, tmp_path / "functions"
        ) as transform,
    ):
        delivery = DeliveryStream("rows", lake.put, transform=transform.invoke, buffer_seconds=3_600)
        for number in range(4):
            events = [make_event(event_id=f"{number}-{each}") for each in range(5_000)]
            delivery.take([write_line(Logged("c", Offset(number + 1), make_record(*events)))])
        assert sum(map(len, delivery.waiting())) < 1_000_000
        delivery.flush()
    whole = {row["event_id"].partition("-")[0] for row in lake.rows()}
    assert len(lake.rows()) == 5_000 * len(whole)
    assert 0 < len(whole) < 4
    assert lake.errors() == ["processing-failed"] * (4 - len(whole))
