"""The emulation behaves as AWS says: what reads Kinesis, what runs functions, what is before them."""

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aws_servers import fresh, kinesis, make_stream
from conftest import missing

from footfall.adapters.aws.clients import client
from footfall.errors import FootfallError
from footfall.testing.aws.event_source import EventSource
from footfall.testing.aws.function import FunctionFailed, lambda_function
from footfall.testing.aws.http_api import http_api

HANDLERS = """
import os, time

def echo(event, context):
    if event.get("die"):
        os._exit(3)
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("fail"):
        raise ValueError(event["fail"])
    return {"event": event, "left": context.get_remaining_time_in_millis(), "pid": os.getpid(),
            "name": context.function_name}

def large(event, context):
    return "x" * event["bytes"]

def page(event, context):
    http = event["requestContext"]["http"]
    body = {"method": http["method"], "path": event["rawPath"], "query": event["rawQueryString"],
            "from": event["headers"].get("x-forwarded-for"), "encoded": event["isBase64Encoded"],
            "body": event.get("body")}
    import json
    return {"statusCode": 201, "headers": {"x-own": "1"}, "body": json.dumps(body)}
"""


@pytest.fixture(scope="module")
def direct() -> Iterator[Any]:
    with kinesis() as url:
        yield client("kinesis", url, seconds=60)


@pytest.fixture
def handlers(tmp_path: Path) -> Path:
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    (tmp_path / "handlers.py").write_text(HANDLERS)
    return tmp_path


class Broken(FootfallError):
    """The function raised."""


def put(direct: Any, name: str, *data: bytes) -> list[str]:
    records = [{"PartitionKey": "k", "Data": each} for each in data]
    answer = direct.put_records(StreamName=name, Records=records)
    return [record["SequenceNumber"] for record in answer["Records"]]


def followed(direct: Any, name: str, invoke: Any, **settings: Any) -> EventSource:
    """Follow a stream until all that is in it is dealt with."""
    source = EventSource(direct, name, invoke, **settings)
    source.start()
    source.settle(60)
    source.stop()
    return source


def read(event: Any) -> list[bytes]:
    return [base64.b64decode(record["kinesis"]["data"]) for record in event["Records"]]


def test_records_come_in_order_in_batches(direct: Any) -> None:
    name = fresh("ordered")
    make_stream(direct, name, shards=1)
    put(direct, name, *(b"%d" % number for number in range(25)))
    batches: list[list[bytes]] = []
    followed(direct, name, lambda event: batches.append(read(event)), batch_size=10)
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [each for batch in batches for each in batch] == [b"%d" % number for number in range(25)]


def test_what_an_answer_names_comes_again_from_there_on(direct: Any) -> None:
    name = fresh("partial")
    make_stream(direct, name, shards=1)
    numbers = put(direct, name, b"a", b"b", b"c", b"d")
    batches: list[list[bytes]] = []

    def invoke(event: Any) -> Any:
        batches.append(read(event))
        first = len(batches) == 1
        named = [{"itemIdentifier": numbers[3]}, {"itemIdentifier": numbers[2]}]
        return {"batchItemFailures": named if first else []}

    followed(direct, name, invoke)
    assert batches == [[b"a", b"b", b"c", b"d"], [b"c", b"d"]]


@pytest.mark.parametrize("named", [[{"itemIdentifier": "unknown"}], [{"itemIdentifier": ""}], [{}]])
def test_an_answer_that_names_nothing_known_means_all(direct: Any, named: Any) -> None:
    name = fresh("unknown")
    make_stream(direct, name, shards=1)
    put(direct, name, b"a", b"b")
    batches: list[list[bytes]] = []

    def invoke(event: Any) -> Any:
        batches.append(read(event))
        return {"batchItemFailures": named if len(batches) == 1 else []}

    followed(direct, name, invoke, bisect=False)
    assert batches == [[b"a", b"b"], [b"a", b"b"]]


def test_a_batch_with_poison_is_halved_until_it_stands_alone_and_given_up(direct: Any) -> None:
    name = fresh("poison")
    make_stream(direct, name, shards=1)
    numbers = put(direct, name, b"a", b"b", b"X", b"d")
    taken: list[bytes] = []
    given_up: list[dict[str, Any]] = []

    def invoke(event: Any) -> Any:
        if b"X" in read(event):
            raise Broken
        taken.extend(read(event))

    followed(direct, name, invoke, tries=2, on_failure=given_up.append)
    assert taken == [b"a", b"b", b"d"]
    [document] = given_up
    assert document["KinesisBatchInfo"]["startSequenceNumber"] == numbers[2]
    assert document["KinesisBatchInfo"]["batchSize"] == 1
    assert document["requestContext"]["condition"] == "RetryAttemptsExhausted"


def test_without_bisecting_the_whole_batch_is_given_up(direct: Any) -> None:
    name = fresh("whole")
    make_stream(direct, name, shards=1)
    put(direct, name, b"a", b"X", b"c")
    calls: list[int] = []
    given_up: list[dict[str, Any]] = []

    def invoke(event: Any) -> Any:
        calls.append(len(read(event)))
        raise Broken

    followed(direct, name, invoke, tries=2, bisect=False, on_failure=given_up.append)
    assert calls == [3, 3, 3]
    assert [document["KinesisBatchInfo"]["batchSize"] for document in given_up] == [3]


def test_a_function_runs_under_aws_s_own_runtime_client(handlers: Path) -> None:
    with lambda_function("handlers.echo", {}, handlers, seconds=30) as function:
        reply = function.invoke({"text": "ü\u2028"})
        assert reply["event"] == {"text": "ü\u2028"}
        assert 0 < reply["left"] <= 30_000
        assert function.invoke({})["pid"] == reply["pid"], "an instance is used again"


def test_a_function_that_raises_says_what(handlers: Path) -> None:
    with lambda_function("handlers.echo", {}, handlers) as function:
        with pytest.raises(FunctionFailed, match=r"on purpose.*ValueError|ValueError.*on purpose"):
            function.invoke({"fail": "on purpose"})
        assert function.invoke({})["event"] == {}


def test_an_instance_that_dies_or_takes_too_long_is_replaced(handlers: Path) -> None:
    with lambda_function("handlers.echo", {}, handlers, seconds=8) as function:
        before = function.invoke({})["pid"]
        with pytest.raises(FunctionFailed, match="Runtime exited"):
            function.invoke({"die": True})
        after = function.invoke({})["pid"]
        assert after != before
        function.seconds = 0.5
        with pytest.raises(FunctionFailed, match=r"no answer in 0\.5 s"):
            function.invoke({"sleep": 20})
        function.seconds = 30
        assert function.invoke({})["pid"] != after


def test_a_handler_that_cannot_be_imported_is_told(handlers: Path) -> None:
    with (
        lambda_function("absent.echo", {}, handlers) as function,
        pytest.raises(FunctionFailed, match="ImportModuleError"),
    ):
        function.invoke({})


def test_replies_have_the_limit_of_lambda(handlers: Path) -> None:
    with lambda_function("handlers.large", {}, handlers) as function:
        assert len(function.invoke({"bytes": 6_000_000})) == 6_000_000
        with pytest.raises(FunctionFailed, match="ResponseSizeTooLarge"):
            function.invoke({"bytes": 6_300_000})
        with pytest.raises(FunctionFailed, match="413"):
            function.invoke({"pad": "x" * 6_300_000})


def test_several_instances_work_at_the_same_time(handlers: Path) -> None:
    with lambda_function("handlers.echo", {}, handlers, instances=2) as function:
        pids: set[int] = set()

        def call() -> None:
            pids.add(function.invoke({"sleep": 1.5})["pid"])

        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(pids) == 2


def ask(url: str, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, target, body, {name.replace("_", "-"): v for name, v in headers.items()})
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, answer.headers, read


def test_the_api_makes_events_of_payload_format_2(handlers: Path) -> None:
    with lambda_function("handlers.page", {}, handlers) as function, http_api(function.invoke) as url:
        status, headers, body = ask(
            url, "POST", "/a%20b?x=1&y=%20", b'{"a":1}', content_type="application/json"
        )
        assert (status, headers["x-own"]) == (201, "1")
        told = json.loads(body)
        assert told == {
            "method": "POST",
            "path": "/a b",
            "query": "x=1&y=%20",
            "from": "127.0.0.1",
            "encoded": False,
            "body": '{"a":1}',
        }
        _, _, body = ask(url, "POST", "/", b"\x1f\x8b", content_encoding="gzip", X_Forwarded_For="1.2.3.4")
        told = json.loads(body)
        assert told["encoded"]
        assert base64.b64decode(told["body"]) == b"\x1f\x8b"
        assert told["from"] == "1.2.3.4, 127.0.0.1"
