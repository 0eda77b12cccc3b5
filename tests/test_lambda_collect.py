"""The collector as a Lambda function: the same answers and records as on a machine of one's own."""

import base64
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aws_servers import kinesis, make_stream, moto, read_records
from running_collector import logged, running

from footfall.adapters.aws.clients import client
from footfall.apps.lambdas.public_door import PublicDoor
from footfall.core.protocols.trial import trial_of, ways_in
from footfall.core.record import Record
from footfall.errors import BadSettings
from footfall.settings import App, Aws, Collector, Settings
from footfall.testing.aws.http_api import payload

APPS = {"shop": App(write_keys=("shop-key",), origins=("https://shop.example",))}
STREAM = "clicks"
IMPORT_SECONDS = 0.3
WAYS = [pytest.param(tracker, id=tracker.name) for tracker in ways_in()]


class Door:
    """A door, and what it stored since it was last asked."""

    def __init__(self, door: PublicDoor, direct: Any) -> None:
        self.door = door
        self._direct = direct
        self._seen = 0

    def ask(
        self, method: str, target: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(payload(method, target, {"host": "api.example"} | named, body))

    def send(self, event: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        reply = self.door.answer(event)
        body = reply["body"]
        assert json.loads(json.dumps(reply)) == reply
        read = base64.b64decode(body) if reply["isBase64Encoded"] else body.encode()
        return reply["statusCode"], reply["headers"], read

    def stored(self) -> list[Record]:
        found = read_records(self._direct, STREAM)  # of one shard, in its order
        fresh, self._seen = found[self._seen :], len(found)
        return [each.record for each in fresh]


@pytest.fixture(scope="module")
def direct() -> Iterator[Any]:
    """Run the services that the function needs; give a client of Kinesis."""
    with moto() as aws, kinesis() as stream, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws)
        patch.setenv("AWS_ENDPOINT_URL_KINESIS", stream)
        client.cache_clear()
        client("secretsmanager").create_secret(Name="key", SecretBinary=b"k" * 32)
        client("dynamodb").create_table(
            TableName="salts",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
        )
        make_stream(client("kinesis"), STREAM, shards=1)
        yield client("kinesis")
        client.cache_clear()


def settings(**more: Any) -> Settings:
    aws = {"stream": STREAM, "key_secret": "key", "salts_table": "salts"} | more.pop("aws", {})
    return Settings(**({"apps": APPS, "aws": Aws(**aws)} | more))


@pytest.fixture(scope="module")
def opened(direct: Any) -> Iterator[Callable[..., Door]]:
    """Open doors that are closed in the end; ``aws`` and others are as in Settings."""
    doors: list[PublicDoor] = []

    def open_(**more: Any) -> Door:
        doors.append(PublicDoor(settings(**more)))
        return Door(doors[-1], direct)

    yield open_
    for each in doors:
        each.close()


@pytest.fixture(scope="module")
def door(opened: Callable[..., Door]) -> Door:
    return opened()


def test_events_are_in_the_stream_when_they_are_accepted(door: Door) -> None:
    door.stored()
    body = json.dumps([{"event": "a", "event_id": "1"}, {"no": 1}]).encode()
    status, _, reply = door.ask("POST", "/v1/events", body, x_write_key="shop-key", user_agent="test")
    assert status == 200
    told = json.loads(reply)
    assert (told["accepted"], [each["index"] for each in told["rejected"]]) == (1, [1])
    records = door.stored()
    assert [(each.kind, each.app_id, each.count) for each in records] == [
        ("events", "shop", 1),
        ("rejected", "shop", 1),
    ]
    assert records[0].sender.ip == "203.0.113.0"
    assert len(records[0].sender.visitor_hash or "") == 24


@pytest.mark.parametrize("tracker", WAYS)
def test_every_protocol_has_the_collector_s_answer_and_record(door: Door, tracker: Any, own: Any) -> None:
    door.stored()
    before = len(logged(own))
    example = trial_of(
        tracker, "0f8fad5b-d9cb-469f-a165-70867728950e", "shop-key", time.time_ns() // 1000
    ).example
    headers = {
        "user-agent": "Mozilla/5.0 Firefox/130.0",
        **{k.lower(): v for k, v in dict(example.headers).items()},
    }
    status, answered, body = own.request(example.method, example.path, example.body, headers)
    event = payload(example.method, example.path, headers, example.body, "127.0.0.1")
    here_status, here_answered, here = door.send(event)
    assert (here_status, here_answered.get("content-type")) == (status, answered.get("content-type"))
    assert shape(here) == shape(body)
    assert status < 300
    theirs = [each.record for each in logged(own)[before:]]
    assert list(map(as_value, door.stored())) == list(map(as_value, theirs))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run a collector of one's own, with the same app."""
    data = tmp_path_factory.mktemp("own")
    (data / "footfall.toml").write_text(
        '[apps.shop]\nwrite_keys = ["shop-key"]\norigins = ["https://shop.example"]\n'
    )
    with running(data) as collector:
        yield collector


def shape(body: bytes) -> Any:
    """Return an answer without what is made anew for each."""
    try:
        value = json.loads(body)
    except ValueError:
        return body
    return sorted(value) if isinstance(value, dict) else type(value)


def as_value(record: Record) -> Any:
    """Return a record without its times and what is hashed with this installation's salt."""
    sender = msgspec.structs.replace(record.sender, visitor_hash=None)
    events = [
        {k: v for k, v in each.items() if k in ("event", "url", "user_id")}
        for each in json.loads(record.body)
    ]
    return record.kind, record.app_id, record.origin, record.count, sender, events


def test_a_packed_body_a_text_and_bytes_are_read(door: Door) -> None:
    body = b'{"event":"packed","title":"\xc3\xbc"}'
    door.stored()
    sent = [
        door.ask(
            "POST", "/v1/events", gzip.compress(body), content_encoding="gzip", x_write_key="shop-key"
        ),
        door.ask("POST", "/v1/events?write_key=shop-key", body, content_type="text/plain"),
        door.ask("POST", "/v1/events?write_key=shop-key", body),
    ]
    assert [status for status, _, _ in sent] == [200, 200, 200]
    assert [json.loads(each.body)[0]["title"] for each in door.stored()] == ["ü"] * 3


def test_who_may_not_send_is_told_so_and_nothing_is_stored(door: Door) -> None:
    door.stored()
    body = b'{"event":"a"}'
    assert door.ask("POST", "/v1/events", body)[0] == 401
    assert door.ask("POST", "/v1/events", body, x_write_key="wrong")[0] == 401
    shop = {"x_write_key": "shop-key"}
    status, answered, _ = door.ask("POST", "/v1/events", body, origin="https://evil.example", **shop)
    assert status == 403
    assert "access-control-allow-origin" not in answered
    assert door.ask("POST", "/v1/events", b"not json", **shop)[0] == 400
    assert door.ask("POST", "/v1/events", b"x" * 1_100_000, **shop)[0] == 413
    assert door.ask("GET", "/v1/events")[0] == 405
    assert door.ask("GET", "/nothing")[0] == 404
    [record] = door.stored()
    assert record.kind == "rejected", "of a known sender even what is no JSON is kept"


def test_pages_of_the_app_may_send_and_read(door: Door) -> None:
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "x-write-key"}
    status, answered, body = door.ask("OPTIONS", "/v1/events", origin="https://shop.example", **asked)
    assert (status, body) == (204, b"")
    assert answered["access-control-allow-origin"] == "https://shop.example"
    assert answered["access-control-allow-headers"] == "x-write-key"
    _, answered, _ = door.ask(
        "POST", "/v1/events", b'{"event":"a"}', origin="https://shop.example", x_write_key="shop-key"
    )
    assert answered["access-control-allow-origin"] == "https://shop.example"


def test_the_image_comes_as_bytes_and_a_head_without(door: Door) -> None:
    status, answered, body = door.ask("GET", "/pixel.gif?event=view&write_key=shop-key")
    assert (status, answered["content-type"], body[:6]) == (200, "image/gif", b"GIF89a")
    assert door.ask("HEAD", "/pixel.gif?event=view&write_key=shop-key")[2] == b""
    status, answered, body = door.ask("GET", "/footfall.js", accept_encoding="gzip")
    assert (status, answered["content-encoding"]) == (200, "gzip")
    assert b"function" in gzip.decompress(body)
    assert [door.ask("GET", path)[0] for path in ("/healthz", "/readyz")] == [200, 200]


def test_what_cannot_be_stored_is_a_503_with_a_time(opened: Callable[..., Door]) -> None:
    nowhere = opened(aws={"stream": "absent"})
    status, answered, body = nowhere.ask("POST", "/v1/events", b'{"event":"a"}', x_write_key="shop-key")
    assert status == 503
    assert answered["retry-after"] == "5"
    assert "absent" in json.loads(body)["reasons"][0]
    assert nowhere.ask("GET", "/readyz")[0] == 503
    keyless = opened(aws={"key_secret": "absent"})
    assert keyless.ask("POST", "/v1/events", b'{"event":"a"}', x_write_key="shop-key")[0] == 503


def test_an_event_that_the_stream_cannot_hold_is_too_large_not_tried_for_ever(
    opened: Callable[..., Door],
) -> None:
    noise = base64.b64encode(os.urandom(1_500_000))
    limits = Collector(max_body_bytes=4_000_000, max_unzipped_bytes=4_000_000)
    wide = opened(collector=limits)
    body = b'{"event":"a","properties":{"pad":"%b"}}' % noise
    status, _, reply = wide.ask("POST", "/v1/events", body, x_write_key="shop-key")
    assert status == 413, reply
    batch = b'{"batch":[{"type":"track","event":"a","anonymousId":"x","properties":{"pad":"%b"}}]}' % noise
    assert wide.ask("POST", "/v1/batch?write_key=shop-key", batch)[0] == 413


def test_behind_a_cdn_only_the_cdn_is_heard_and_the_viewer_is_the_sender(
    opened: Callable[..., Door], door: Door
) -> None:
    behind = opened(aws={"edge_secret": "between-us"})
    door.stored()
    send = {"x_write_key": "shop-key", "cloudfront_viewer_address": "81.2.69.142:46532"}
    body = b'{"event":"a"}'
    assert behind.ask("POST", "/v1/events", body, **send)[0] == 403
    assert behind.ask("POST", "/v1/events", body, x_footfall_edge="guess", **send)[0] == 403
    assert behind.ask("POST", "/v1/events", body, x_footfall_edge="between-us", **send)[0] == 200
    six = {"x_write_key": "shop-key", "cloudfront_viewer_address": "2a00:1450:4001:82a:0:0:0:200e:443"}
    assert behind.ask("POST", "/v1/events", body, x_footfall_edge="between-us", **six)[0] == 200
    assert door.ask("POST", "/v1/events", body, **send)[0] == 200
    cut = [each.sender.ip for each in door.stored()]
    assert cut == ["81.2.69.0", "2a00:1450:4001::", "203.0.113.0"], "without a CDN nobody is believed"


def test_an_open_door_is_never_opened_to_the_world() -> None:
    with pytest.raises(BadSettings, match="no app is configured"):
        PublicDoor(settings(apps={}))
    with pytest.raises(BadSettings, match=r"neither aws\.stream nor aws\.firehose"):
        PublicDoor(settings(aws={"stream": ""}))


def test_the_function_starts_fast_and_without_the_analytics(tmp_path: Path) -> None:
    script = (
        "import time; began = time.process_time(); import sys, footfall.apps.lambdas.collect; "
        "print(time.process_time() - began, [m for m in ('duckdb', 'pyarrow', 'numpy', 'litestar', "
        "'granian', 'sqlglot', 'boto3', 'opensearchpy') if m in sys.modules])"
    )
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    variables["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    seconds = []
    for _ in range(4):  # the first compiles, as the bundling does
        run = [sys.executable, "-c", script]
        told = subprocess.run(run, env=variables, capture_output=True, text=True, check=True).stdout.split(
            " ", 1
        )
        assert told[1].strip() == "[]"
        seconds.append(float(told[0]))
    assert min(seconds[1:]) < IMPORT_SECONDS, seconds
