"""What Firehose (emulated) left below errors/, brought on by footfall rejected: each row, none lost."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from aws_emulator import aws_emulator
from aws_installation import Deployed, deployed
from aws_servers import read_records

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.delivery_errors import RECORDS, ROWS, DeliveryErrors
from footfall.adapters.aws.firehose import FirehoseSink
from footfall.adapters.s3_objects import S3Objects
from footfall.compose.aws import RemoteLetters, installation
from footfall.core.json_rows import flat_rows_of, json_rows
from footfall.core.raw_line import write_line
from footfall.core.record import Logged, Offset
from footfall.core.schema import EVENTS
from footfall.testing.aws.delivery_stream import DeliveryStream, firehose_server
from footfall.testing.delivery import make_rows
from footfall.testing.event_log import make_event, make_record

WRONG = tuple(each._replace(kind="time") if each.name == "title" else each for each in EVENTS)
"""Columns of a Glue table that somebody spoilt."""

ROWS_THERE = make_rows(
    {"event_id": "a", "title": "A title", "properties": '{"deep":[1,null]}', "value": 0.1, "is_bot": True},
    {"event_id": "b", "title": "Another"},
    {"event_id": "c", "title": "Ü"},
)


@pytest.fixture(scope="module", autouse=True)
def moto_url() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture
def firehose() -> Iterator[DeliveryStream]:
    """Run a delivery stream that this process's clients speak to."""
    stream = DeliveryStream(
        "rows", lambda *_: None, errors="errors/rows/!{firehose:error-output-type}/2026/"
    )
    with firehose_server(stream) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_FIREHOSE", url)
        client.cache_clear()
        yield stream
    client.cache_clear()


@pytest.fixture
def shop(firehose: DeliveryStream) -> Iterator[Deployed]:
    with deployed(firehose="rows") as made:
        s3 = client("s3")
        firehose.put = lambda key, data: s3.put_object(Bucket=made.lake, Key=key, Body=data)
        yield made


def in_lake(shop: Deployed) -> list[str]:
    tables = [pq.read_table(BytesIO(body)) for body in shop.read(shop.lake, "events/").values()]
    return sorted(name for table in tables for name in table["event_id"].to_pylist())


def test_rows_go_again_when_the_table_is_mended(shop: Deployed, firehose: DeliveryStream) -> None:
    firehose.columns = WRONG
    assert not FirehoseSink("rows", client("firehose")).write(ROWS_THERE).left
    firehose.flush()
    assert in_lake(shop) == []
    letters = RemoteLetters(installation(shop.name))
    listed = letters.rejected()
    assert [(each["event_id"], each["kind"], each["place"]) for each in listed] == [
        (name, "row", "firehose")
        for name in sorted("abc", key=lambda name: _id(listed, name), reverse=True)
    ]
    assert "does not match format" in listed[0]["reasons"][0]

    firehose.columns = EVENTS
    one = _id(listed, "b")
    assert letters.retry(ids=[one])["sent"] == 1
    firehose.flush()
    assert in_lake(shop) == ["b"]
    assert {each["event_id"] for each in letters.rejected()} == {"a", "c"}
    assert letters.rejected_one(_id(listed, "a"))["event_id"] == "a"

    assert letters.retry()["sent"] == 2
    firehose.flush()
    assert in_lake(shop) == ["a", "b", "c"]
    assert not shop.read(shop.lake, "errors/")
    assert letters.retry()["retried"] == 0


def test_what_still_fails_is_left_again_and_poison_stays(shop: Deployed, firehose: DeliveryStream) -> None:
    firehose.columns = WRONG
    FirehoseSink("rows", client("firehose")).write(ROWS_THERE)
    firehose.flush()
    client("s3").put_object(
        Bucket=shop.lake, Key=f"{ROWS}2026/poison", Body=b'{"rawData": "e30="}\nno JSON\n'
    )
    letters = RemoteLetters(installation(shop.name))
    done = letters.retry()
    assert (done["sent"], done["still_rejected"]) == (3, 2)
    firehose.flush()
    assert len(letters.rejected()) == 5, "Firehose failed on the rows once more, and left them once more"


def test_raw_records_that_the_transform_failed_on_go_into_the_stream(shop: Deployed) -> None:
    lines = [write_line(Logged("c", Offset(n), make_record(make_event(event_id=str(n))))) for n in range(3)]
    body = b"".join(json.dumps(_failed(line)).encode() + b"\n" for line in lines)
    client("s3").put_object(Bucket=shop.lake, Key=f"{RECORDS}2026/11/21/10/rows-1", Body=body)
    assert RemoteLetters(installation(shop.name)).retry()["sent"] == 3
    assert len(read_records(client("kinesis"), shop.stream)) == 3
    assert not shop.read(shop.lake, "errors/")


def test_letters_are_given_once_and_again_when_released(shop: Deployed) -> None:
    lines = [json.dumps(_failed(f"record {n}".encode())) for n in range(5)]
    client("s3").put_object(Bucket=shop.lake, Key=f"{RECORDS}x", Body="\n".join(lines).encode())
    errors = DeliveryErrors(S3Objects(shop.lake))
    first = errors.receive(3, 30)
    rest = errors.receive(10, 30)
    assert (len(first), len(rest), len(errors.receive(10, 30))) == (3, 2, 0)
    errors.release(rest)
    errors.delete(first)
    errors.delete(first)
    assert {each.letter.body for each in errors.receive(10, 30)} == {"record 3", "record 4"}


def test_flat_rows_come_back_as_they_were() -> None:
    assert flat_rows_of(json_rows(ROWS_THERE, "sql", nested=False)) == ROWS_THERE
    with pytest.raises(msgspec.ValidationError, match="a row has no event_id"):
        flat_rows_of([b"{}"])


def _failed(data: bytes) -> dict[str, Any]:
    """Return a line as Firehose writes it when a function failed."""
    import base64

    return {
        "attemptsMade": 4,
        "arrivalTimestamp": 1_790_000_000_000,
        "errorCode": "Lambda.FunctionError",
        "errorMessage": "The Lambda function was successfully invoked but it returned an error result.",
        "rawData": base64.b64encode(data).decode(),
    }


def _id(listed: list[dict[str, Any]], event_id: str) -> str:
    [found] = [each["rejected_id"] for each in listed if each["event_id"] == event_id]
    return str(found)
