"""Records into Kinesis: the contract against kinesis-local, and what a real stream does under load."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aws_servers import fresh, kinesis, make_stream, read_records

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.kinesis import RECORD_BYTES, KinesisStream
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.placed_lines import Places
from footfall.errors import LogFailed, StreamFailed
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy
from footfall.testing.aws.faults import throttled_records
from footfall.testing.delivery import MemoryStream, OpenedStream, StreamContract
from footfall.testing.event_log import FixedClock, make_event, make_record

HASTE = Patience(seconds=3.0, first_pause=0.01, longest_pause=0.05)


@pytest.fixture(scope="module")
def kinesis_url() -> Iterator[str]:
    with kinesis() as url:
        yield url


@pytest.fixture
def direct(kinesis_url: str) -> Any:
    return client("kinesis", kinesis_url, seconds=60)


def places() -> Places:
    return Places("collect-1", FixedClock(), RECORD_BYTES)


class TestKinesisStream(StreamContract):
    @pytest.fixture
    def opened(self, direct: Any) -> OpenedStream:
        name = fresh("clicks")
        make_stream(direct, name)
        stream = KinesisStream(name, direct, places(), Patience(seconds=60))
        return OpenedStream(stream, lambda: read_records(direct, name))


class TestMemoryStream(StreamContract):
    """The double keeps what it can of the promise: it has no limit of size."""

    @pytest.fixture
    def opened(self) -> OpenedStream:
        stream = MemoryStream()
        return OpenedStream(stream, lambda: stream.kept)

    test_a_large_record_is_stored_in_parts = None  # type: ignore[assignment]
    test_an_event_that_no_record_can_hold_is_refused = None  # type: ignore[assignment]


@pytest.mark.parametrize("rounds", [1, 3])
def test_records_that_a_shard_throttles_are_sent_again_alone(
    direct: Any, kinesis_url: str, rounds: int
) -> None:
    name = fresh("clicks")
    make_stream(direct, name)
    with altering_proxy(kinesis_url) as proxy:
        proxy.alterations += [throttled_records({0, 2})] * rounds
        proxy.alterations[-1] = throttled_records({0})
        stream = KinesisStream(name, client("kinesis", proxy.url), places(), patience=HASTE)
        stream.append([make_record(make_event(event_id=f"e{number}")) for number in range(5)])
    assert len(proxy.requests) == rounds + 1
    stored = sorted(read_records(direct, name), key=lambda each: each.offset)
    assert [json.loads(each.record.body)[0]["event_id"] for each in stored] == [
        "e0",
        "e1",
        "e2",
        "e3",
        "e4",
    ]


def test_a_record_that_stays_refused_is_told_and_the_others_are_stored_once(
    direct: Any, kinesis_url: str
) -> None:
    name = fresh("clicks")
    make_stream(direct, name)
    with altering_proxy(kinesis_url) as proxy:
        proxy.alterations += [throttled_records({1})]
        proxy.alterations += [throttled_records({0})] * 1_000
        patience = Patience(seconds=0.5, first_pause=0.01, longest_pause=0.05)
        stream = KinesisStream(name, client("kinesis", proxy.url), places(), patience=patience)
        began = time.monotonic()
        with pytest.raises(
            StreamFailed, match=r"1 of 3 records: ProvisionedThroughputExceeded.*again"
        ) as error:
            stream.append([make_record(make_event(event_id=f"e{number}")) for number in range(3)])
        assert 0.3 < time.monotonic() - began < 3
        assert error.value.retryable
        assert isinstance(error.value, LogFailed)
    stored = sorted(read_records(direct, name), key=lambda each: each.offset)
    assert [json.loads(each.record.body)[0]["event_id"] for each in stored] == ["e0", "e2"]


def test_a_reply_that_breaks_off_is_asked_again(direct: Any, kinesis_url: str) -> None:
    """The stream has the record then; the second copy has the same place, so its ids are the same."""
    name = fresh("clicks")
    make_stream(direct, name)

    def broken(exchange: Exchange) -> tuple[int, bytes]:
        exchange.forward(exchange.body)
        return 500, b'{"__type":"InternalFailure","message":"try again"}'

    with altering_proxy(kinesis_url) as proxy:
        proxy.alterations += [broken]
        stream = KinesisStream(name, client("kinesis", proxy.url), places(), patience=HASTE)
        stream.append([make_record()])
    first, second = read_records(direct, name)
    assert first == second


def test_what_time_does_not_mend_is_told_at_once(direct: Any) -> None:
    stream = KinesisStream("absent", direct, places(), patience=Patience(seconds=30))
    began = time.monotonic()
    with pytest.raises(StreamFailed, match="ResourceNotFound"):
        stream.append([make_record()])
    with pytest.raises(StreamFailed, match="ResourceNotFound"):
        stream.check()
    assert time.monotonic() - began < 5


def test_a_stream_that_cannot_be_reached_is_tried_until_the_time_is_over() -> None:
    nobody = client("kinesis", "http://127.0.0.1:9")
    stream = KinesisStream("clicks", nobody, places(), patience=Patience(seconds=0.3))
    with pytest.raises(StreamFailed, match="EndpointConnectionError"):
        stream.append([make_record()])
