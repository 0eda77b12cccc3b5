"""Rows into Firehose (emulated), OpenSearch (a real node) and DynamoDB (moto): whole, in part, or not."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from aws_servers import fresh, moto, opensearch

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.dynamodb import EventsTable
from footfall.adapters.aws.firehose import FirehoseSink
from footfall.adapters.aws.opensearch import SearchSink, search_client
from footfall.adapters.aws.piecemeal import Patience
from footfall.core.search_index import ALIAS, document_ids
from footfall.ports.delivery import Written
from footfall.testing.aws.altering_proxy import altering_proxy, part_of_batch
from footfall.testing.aws.delivery_stream import DeliveryStream, firehose_server
from footfall.testing.aws.faults import busy_documents, unprocessed_items
from footfall.testing.delivery import MemorySink, OnceSinkContract, OpenedSink, SinkContract, make_rows

HASTE = Patience(seconds=3.0, first_pause=0.01, longest_pause=0.05)
SHORT = Patience(seconds=0.4, first_pause=0.01, longest_pause=0.05)
DOWN = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture(scope="module")
def search_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with opensearch(tmp_path_factory.mktemp("opensearch")) as url:
        SearchSink(search_client(url)).prepare(replicas=0, policy=False)
        yield url


@pytest.fixture
def search(search_url: str) -> Iterator[Any]:
    """Give a client of an empty OpenSearch."""
    known = search_client(search_url)
    yield known
    known.indices.delete(index=f"{ALIAS}-*")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[tuple[DeliveryStream, str, Path]]:
    """Run a delivery stream into a folder."""

    def put(key: str, data: bytes) -> None:
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    stream = DeliveryStream("rows", put)
    with firehose_server(stream) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_REGION", "eu-central-1")
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "emulated")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "emulated")
        yield stream, url, tmp_path


def documents(search: Any) -> list[dict[str, Any]]:
    search.indices.refresh(index=ALIAS)
    found = search.search(index=ALIAS, body={"query": {"match_all": {}}, "size": 10_000})
    return [hit["_source"] for hit in found["hits"]["hits"]]


def parquet_rows(folder: Path) -> list[dict[str, Any]]:
    return [row for path in folder.glob("events/**/*.parquet") for row in pq.read_table(path).to_pylist()]


def make_table(direct: Any) -> str:
    name = fresh("events")
    direct.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "event_time", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "user_id", "AttributeType": "S"},
            {"AttributeName": "event_time", "AttributeType": "S"},
        ],
    )
    return name


def table_items(direct: Any, table: str) -> list[dict[str, Any]]:
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    pages = direct.get_paginator("scan").paginate(TableName=table)
    return [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]


class TestMemorySink(OnceSinkContract):
    """The double refuses what it is told to, so it has no row of that kind."""

    @pytest.fixture
    def opened(self) -> OpenedSink:
        sink = MemorySink()
        return OpenedSink(sink, lambda: sink.kept, {})

    test_what_it_will_never_take_is_named_and_the_rest_is_there = None  # type: ignore[assignment]


class TestFirehoseSink(SinkContract):
    @pytest.fixture
    def opened(self, lake: tuple[DeliveryStream, str, Path]) -> OpenedSink:
        stream, url, folder = lake

        def stored() -> list[dict[str, Any]]:
            stream.flush()
            return parquet_rows(folder)

        return OpenedSink(FirehoseSink("rows", client("firehose", url)), stored, {"title": "x" * 1_100_000})


class TestSearchSink(OnceSinkContract):
    """Refused is a text below ``properties`` that Lucene can't hold as one term."""

    @pytest.fixture
    def opened(self, search: Any) -> OpenedSink:
        refused = {"properties": json.dumps({"pad": "x" * 40_000})}
        return OpenedSink(SearchSink(search), lambda: documents(search), refused)


class TestEventsTable(OnceSinkContract):
    @pytest.fixture
    def opened(self, moto_url: str) -> OpenedSink:
        direct = client("dynamodb", moto_url)
        table = make_table(direct)
        refused = {"title": "x" * 420_000}
        return OpenedSink(EventsTable(table, direct), lambda: table_items(direct, table), refused)


def test_a_pack_of_rows_that_firehose_fails_is_sent_again_alone(
    lake: tuple[DeliveryStream, str, Path],
) -> None:
    stream, url, folder = lake
    rows = make_rows(*({"event_id": f"e{number}", "title": "t" * 1_000} for number in range(900)))
    with altering_proxy(url) as proxy:
        proxy.alterations += [part_of_batch("Records", "RequestResponses", {1, 3}, DOWN)]
        sink = FirehoseSink("rows", client("firehose", proxy.url), HASTE)
        assert sink.write(rows) == Written()
        assert len(proxy.requests) == 2
    stream.flush()
    assert sorted(row["event_id"] for row in parquet_rows(folder)) == sorted(rows["event_id"].to_pylist())


def test_what_firehose_never_takes_in_time_is_named_row_by_row(
    lake: tuple[DeliveryStream, str, Path],
) -> None:
    stream, url, folder = lake
    rows = make_rows(*({"event_id": f"e{number}", "title": "t" * 1_000} for number in range(600)))
    with altering_proxy(url) as proxy:
        proxy.alterations += [part_of_batch("Records", "RequestResponses", {1}, DOWN)]
        proxy.alterations += [part_of_batch("Records", "RequestResponses", {0}, DOWN)] * 1_000
        written = FirehoseSink("rows", client("firehose", proxy.url), SHORT).write(rows)
    stream.flush()
    there = {row["event_id"] for row in parquet_rows(folder)}
    left = {rows["event_id"][number].as_py() for number in written.left}
    assert 0 < len(left) < 600
    assert there | left == set(rows["event_id"].to_pylist())
    assert not there & left
    assert set(written.left.values()) == {"ServiceUnavailableException: Slow down."}
    assert written.refused == {}


@pytest.mark.parametrize("status", [429, 503])
def test_documents_that_a_busy_node_refuses_are_sent_again_alone(
    search: Any, search_url: str, status: int
) -> None:
    rows = make_rows({"event_id": "a"}, {"event_id": "b"}, {"event_id": "c"})
    with altering_proxy(search_url) as proxy:
        proxy.alterations += [busy_documents(status, {1}), busy_documents(status, {0})]
        assert SearchSink(search_client(proxy.url), HASTE).write(rows) == Written()
        assert proxy.requests == ["/_bulk"] * 3
    assert sorted(row["event_id"] for row in documents(search)) == ["a", "b", "c"]


def test_a_bulk_with_a_busy_and_a_wrong_document_tells_them_apart(search: Any, search_url: str) -> None:
    too_long = json.dumps({"pad": "x" * 40_000})
    rows = make_rows({"event_id": "a"}, {"event_id": "wrong", "properties": too_long}, {"event_id": "busy"})
    with altering_proxy(search_url) as proxy:
        proxy.alterations += [busy_documents(429, {2}), *[busy_documents(429, {0})] * 1_000]
        written = SearchSink(search_client(proxy.url), SHORT).write(rows)
    assert written.left == {2: "rejected_execution_exception: queue is full"}
    assert list(written.refused) == [1]
    assert "immense term" in written.refused[1]
    assert [row["event_id"] for row in documents(search)] == ["a"]


def test_the_event_of_another_app_with_the_same_id_is_another(search: Any) -> None:
    rows = make_rows({"event_id": "a", "app_id": "x"}, {"event_id": "a", "app_id": "y"})
    assert SearchSink(search).write(rows) == Written()
    assert sorted(row["app_id"] for row in documents(search)) == ["x", "y"]
    assert document_ids(["ab"], ["c"]) != document_ids(["a"], ["bc"])


def test_a_domain_that_is_down_leaves_everything() -> None:
    written = SearchSink(search_client("http://127.0.0.1:9", seconds=0.2), SHORT).write(make_rows({}))
    assert list(written.left) == [0]


def test_what_senders_invent_does_not_grow_the_mapping(search: Any) -> None:
    rows = make_rows(
        *(
            {"event_id": str(n), "properties": json.dumps({f"key{n}": n, "a": {"b": [n]}})}
            for n in range(300)
        )
    )
    assert SearchSink(search).write(rows) == Written()
    [mapping] = search.indices.get_mapping(index=ALIAS).values()
    assert set(mapping["mappings"]["properties"]) == set(rows.column_names)
    search.indices.refresh(index=ALIAS)
    asked = {"query": {"term": {"properties.key7": "7"}}}
    assert search.count(index=ALIAS, body=asked)["count"] == 1


def test_items_left_unprocessed_are_sent_again_alone(moto_url: str) -> None:
    direct = client("dynamodb", moto_url)
    table = make_table(direct)
    rows = make_rows(*({"event_id": f"e{number}"} for number in range(40)))
    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [
            unprocessed_items({0, 24}),
            unprocessed_items(set(range(15))),
            unprocessed_items({3}),
        ]
        assert EventsTable(table, client("dynamodb", proxy.url), HASTE).write(rows) == Written()
        assert len(proxy.requests) == 4
    assert sorted(item["event_id"] for item in table_items(direct, table)) == sorted(
        rows["event_id"].to_pylist()
    )


def test_items_that_stay_unprocessed_are_named(moto_url: str) -> None:
    direct = client("dynamodb", moto_url)
    table = make_table(direct)
    rows = make_rows({"event_id": "a"}, {"event_id": "b"})
    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [unprocessed_items({1}), *[unprocessed_items({0})] * 1_000]
        written = EventsTable(table, client("dynamodb", proxy.url), SHORT).write(rows)
    assert written == Written(left={1: "DynamoDB left the item unprocessed"})
    assert [item["event_id"] for item in table_items(direct, table)] == ["a"]


def test_a_person_s_events_are_one_query_in_order_of_time(moto_url: str) -> None:
    direct = client("dynamodb", moto_url)
    table = make_table(direct)
    times = [datetime(2026, 11, 20, 12, 0, second) for second in (5, 1, 1)]  # noqa: DTZ001
    rows = make_rows(
        *({"event_id": f"e{n}", "user_id": "ada", "created_at": time} for n, time in enumerate(times)),
        {"event_id": "other", "visitor_id": "bob"},
    )
    assert EventsTable(table, direct).write(rows) == Written()
    answer = direct.query(
        TableName=table,
        KeyConditionExpression="user_id = :who AND begins_with(event_time, :day)",
        ExpressionAttributeValues={":who": {"S": "ada"}, ":day": {"S": "2026-11-20"}},
    )
    assert [item["event_id"]["S"] for item in answer["Items"]] == ["e1", "e2", "e0"]
