"""20,000 events over HTTP through the emulated AWS and through the embedded path: the same rows.

Emulated: API Gateway, the event source, Firehose (ours), Kinesis (kinesis-local), SQS, S3, DynamoDB and
Secrets Manager (moto). Real: the handlers under awslambdaric, AWS's SDK, a node of OpenSearch. On the way
batches fail in part: at Kinesis, at Firehose, at OpenSearch.
"""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from aws_servers import kinesis, moto, opensearch
from opensearchpy.helpers import scan
from running_collector import running
from test_aws_emulator import ask
from test_aws_kinesis import THROTTLED
from test_aws_sinks import busy_item

from footfall.adapters.aws.opensearch import search_client
from footfall.compose import Platform
from footfall.core.schema import EVENTS as EVENTS_COLUMNS
from footfall.core.search_index import ALIAS
from footfall.settings import load_settings
from footfall.simulate.encode import ndjson
from footfall.simulate.world import simulate as make_world
from footfall.testing.aws.altering_proxy import altering_proxy, part_of_batch
from footfall.testing.aws.installation import Emulated, Servers, emulated

EVENTS = 20_000
BATCH = 200
SENT = EVENTS + EVENTS // BATCH  # and as many that are refused as there are requests
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
APPS = """
[apps.shop]
write_keys = ["shop-key"]
origins = ["https://shop.example"]
"""
OWN = {"received_at", "processed_at", "session_id"}
"""Columns that tell when and where a row was made: sessions are the warehouse's work, on AWS a query's."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with moto() as aws, kinesis() as stream, opensearch(tmp_path_factory.mktemp("search")) as search:
        yield Servers(aws, stream, search)


def bodies() -> Iterator[bytes]:
    """Yield requests: simulated events, and in each one event that is refused and one with an address."""
    lines = b"".join(ndjson(make_world(900, 30, 7, date(2026, 10, 1)))).splitlines()[:EVENTS]
    assert len(lines) == EVENTS
    for at in range(0, EVENTS, BATCH):
        others = [
            b'{"event_id":"mail-%d","event":"sign_up","anonymous_id":"m","created_at":"2026-10-05T12:00:00Z",'
            b'"properties":{"mail":"someone@example.com"}}' % at,
            b'{"event_id":"bad-%d","url":"https://shop.example/"}' % at,
        ]
        yield b"[%b]" % b",".join([*lines[at : at + BATCH], *others])


def send(url: str) -> None:
    """Send everything, as a page of the shop would."""
    headers = {"content_type": "application/json", "x_write_key": "shop-key", "user_agent": AGENT}
    for body in bodies():
        status, answered, reply = ask(
            url, "POST", "/v1/events", body, origin="https://shop.example", **headers
        )
        assert status == 200, reply
        assert answered["access-control-allow-origin"] == "https://shop.example"
        told = json.loads(reply)
        assert told["accepted"] + told["duplicates"] == BATCH + 1
        assert [each["index"] for each in told["rejected"]] == [BATCH + 1]


def embedded(data: Path) -> tuple[dict[str, dict[str, Any]], list[tuple[Any, ...]]]:
    """Send everything to a collector of this machine; return the rows by event id, and the rejected."""
    with running(data) as collector:
        send(f"http://127.0.0.1:{collector.port}")
    platform = Platform(load_settings(flags={"data": data}))
    try:
        platform.loader.drain()
        rows = pa.Table.from_batches(platform.warehouse.scan("select * from events"))
        rejected = platform.warehouse.rejected(limit=100_000)
        return by_id(rows), sorted((each.event_id, each.reasons, each.body) for each in rejected)
    finally:
        platform.close()


def by_id(rows: pa.Table) -> dict[str, dict[str, Any]]:
    """Return rows by event id, without the columns that tell where and when they were made."""
    found = {row["event_id"]: {k: v for k, v in row.items() if k not in OWN} for row in rows.to_pylist()}
    assert len(found) == rows.num_rows, "an event stands twice"
    return found


def lake(installation: Emulated) -> pa.Table:
    """Return the lake as its view shows it: of what a sender sent twice, the first."""
    files = [pq.read_table(io.BytesIO(each)) for each in installation.lake_files()]
    rows = pa.concat_tables(files).sort_by("received_at")
    assert rows.num_rows == SENT, "what was sent stands there once, however often it was tried"
    first: dict[str, int] = {}
    for number, event_id in enumerate(rows["event_id"].to_pylist()):
        first.setdefault(event_id, number)
    return rows.take(list(first.values()))


def documents(url: str) -> dict[str, dict[str, Any]]:
    search = search_client(url)
    search.indices.refresh(index=ALIAS)
    hits = scan(search, index=ALIAS, size=2_000)
    return {hit["_source"]["event_id"]: hit["_source"] for hit in hits}


def as_document(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as OpenSearch was given it."""
    json_columns = {column.name for column in EVENTS_COLUMNS if column.kind == "json"}
    return {
        name: json.loads(value)
        if name in json_columns
        else f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
        if value is not None
    }


@pytest.mark.slow
def test_the_same_events_give_the_same_rows_on_both_paths(servers: Servers, tmp_path: Path) -> None:
    ours, functions = tmp_path / "embedded", tmp_path / "functions"
    for folder in (ours, functions):
        folder.mkdir()
        (folder / "footfall.toml").write_text(APPS)
    expected, refused = embedded(ours)
    assert SENT - 200 < len(expected) < SENT, "some senders send twice"

    with (
        altering_proxy(servers.kinesis) as stream,
        altering_proxy(servers.search) as search,
        emulated(functions, servers, through={"kinesis": stream.url, "search": search.url}) as installation,
    ):
        stream.alterations += [part_of_batch("Records", "Records", {0, 1}, THROTTLED)] * 3
        search.alterations += [busy_item(429, {0, 7, 131}), busy_item(503, {1})]
        send(installation.url)
        installation.drain()
        stored = by_id(lake(installation))
        assert installation.failed_files() == []
        assert installation.source.failures == []
        letters = [each.letter for each in installation.letters.receive(10_000, 600)]
    assert stored.keys() == expected.keys()
    assert [stored[each] for each in expected] == list(expected.values())
    assert sorted((each.event_id, each.reasons, each.body) for each in letters) == refused
    found = documents(servers.search)
    assert found.keys() == expected.keys()
    for event_id, row in expected.items():
        assert {k: v for k, v in found[event_id].items() if k not in OWN} == as_document(row)
    assert not stream.alterations
    assert not search.alterations
    everything = b"".join(json.dumps(each, default=str).encode() for each in (stored, found, refused))
    assert b"someone@example.com" not in everything
