"""From the log's records to Arrow."""
# ruff: noqa: DTZ001 (the columns are UTC without a zone)

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import decode as decoding
from footfall.core.arrow import ARRIVED_SCHEMA, REJECTED_SCHEMA
from footfall.core.decode import decode
from footfall.core.event import Rejected
from footfall.core.record import AppId, Logged, Offset, Record, RecordKind, Sender
from footfall.core.times import timestamps

RECEIVED = 1_772_366_400_000_000  # 2026-03-01 12:00:00 UTC
NOON = datetime(2026, 3, 1, 12)


def logged(
    body: bytes, count: int, offset: int = 1, kind: RecordKind = "events", sender: Sender | None = None
) -> Logged:
    record = Record(
        kind=kind,
        app_id=AppId("shop"),
        origin="native",
        received_at=RECEIVED,
        count=count,
        sender=sender or Sender(),
        body=body,
    )
    return Logged("w0", Offset(offset), record)


def rows(*events: dict[str, Any], sender: Sender | None = None) -> list[dict[str, Any]]:
    decoded = decode([logged(msgspec.json.encode(events), len(events), sender=sender)])
    assert decoded.rejected.num_rows == 0
    decoded.rows.validate(full=True)
    return decoded.rows.to_pylist()


def test_every_field_arrives() -> None:
    texts = {
        name: f"the {name}"
        for name in (
            *(
                "event",
                "event_id",
                "user_id",
                "anonymous_id",
                "session_id",
                "url",
                "title",
                "referrer",
                "element",
            ),
            *("currency", "screen", "language", "timezone", "country", "user_agent"),
        )
    }
    sender = Sender("203.0.113.0", "DE", "agent", "en", "hash")
    (row,) = rows(
        {
            **texts,
            "app_id": "another",
            "created_at": "2026-03-01T13:00:00+02:00",
            "sent_at": RECEIVED // 1000,
            "time_spent": 67,
            "value": 1.5,
            "properties": {"a": [1, {"b": "c"}]},
            "user": {"age": 30},
        },
        sender=sender,
    )
    assert row == {
        **texts,
        "app_id": "shop",
        "origin": "native",
        "created_at": NOON - timedelta(hours=1),
        "sent_at": NOON,
        "received_at": NOON,
        "time_spent": 67.0,
        "value": 1.5,
        "ip": "203.0.113.0",
        "ip_country": "DE",
        "visitor_hash": "hash",
        "properties": '{"a":[1,{"b":"c"}]}',
        "user_properties": '{"age":30}',
        **dict.fromkeys(("method", "status", "bytes", "object")),
    }


def test_what_the_event_leaves_out_is_the_senders_or_made_from_the_place() -> None:
    sender = Sender(user_agent="agent", language="en")
    first, second = rows({"event": "a"}, {"event": "b", "user_agent": "own", "timestamp": 0}, sender=sender)
    assert (first["event_id"], first["user_agent"], first["language"]) == ("w0-1-0", "agent", "en")
    assert (second["event_id"], second["user_agent"]) == ("w0-1-1", "own")
    assert (first["created_at"], second["created_at"]) == (None, datetime(1970, 1, 1))
    assert (first["properties"], first["country"], first["ip_country"]) == (None, None, None)


def test_an_event_with_an_address_of_its_own_is_not_where_its_server_is() -> None:
    sender = Sender("203.0.113.0", "DE", "python", None, "hash")
    own, servers = rows({"event": "a", "ip": "198.51.100.0"}, {"event": "b"}, sender=sender)
    assert (own["ip"], own["ip_country"]) == ("198.51.100.0", None)
    assert (servers["ip"], servers["ip_country"]) == ("203.0.113.0", "DE")


def test_json_is_kept_byte_for_byte() -> None:
    body = b'[{"event":"a","properties":{ "n" : 1.50, "s":"\\u00e9", "d":1,"d":2 },"user":null}]'
    decoded = decode([logged(body, 1)])
    assert decoded.rows["properties"].to_pylist() == ['{ "n" : 1.50, "s":"\\u00e9", "d":1,"d":2 }']
    assert decoded.rows["user_properties"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("properties", "column", "value"),
    [
        ({"element_clicked": "menu"}, "element", "menu"),
        ({"element_id": "a", "element_clicked": "b"}, "element", "a"),
        ({"element": {"not": "text"}, "element_id": "a"}, "element", "a"),
        ({"revenue": "12.5"}, "value", 12.5),
        ({"total": 3}, "value", 3.0),
        ({"revenue": "much", "total": 3}, "value", 3.0),
        ({"value": True}, "value", None),
        ({"value": "nan"}, "value", None),
        ({"time_spent": 67}, "time_spent", 67.0),
        ({"time_spent": -1}, "time_spent", None),
        ({"country": 276}, "country", "276"),
        ({"currency": "EUR"}, "currency", "EUR"),
        ({"nested": {"currency": "EUR"}}, "currency", None),
        ({"title": "not lifted"}, "title", None),
    ],
)
def test_columns_are_lifted_from_properties(properties: dict[str, Any], column: str, value: object) -> None:
    row, other = rows({"event": "a", "properties": properties}, {"event": "b"})
    assert row[column] == value
    assert other[column] is None
    assert msgspec.json.decode(row["properties"]) == properties


def test_the_events_own_field_goes_before_its_properties() -> None:
    (row,) = rows({"event": "a", "element": "own", "properties": {"element": "other", "value": 1}})
    assert (row["element"], row["value"]) == ("own", 1.0)


def test_rejected_events_keep_their_reasons_and_sender() -> None:
    sender = Sender("192.0.2.0", "NA", "Agent/1", "de", "f" * 24)
    refused = [
        Rejected(reasons=["event: missing", "url: too long"], body='{"url":"x"}', index=1, event_id="e1"),
        Rejected(reasons=["not JSON"], body="{"),
    ]
    decoded = decode([logged(msgspec.json.encode(refused), 2, offset=9, kind="rejected", sender=sender)])
    assert decoded.rows.num_rows == 0
    assert decoded.rejected.to_pylist() == [
        {
            "rejected_id": f"w0-9-{index}",
            "app_id": "shop",
            "event_id": item.event_id,
            "received_at": NOON,
            "origin": "native",
            "reasons": item.reasons,
            "body": item.body,
            **msgspec.structs.asdict(sender),
            "header": None,
        }
        for index, item in enumerate(refused)
    ]


@pytest.mark.parametrize(
    ("body", "count", "reason"),
    [
        (b'[{"event":"a"},{"eve', 2, "could not be read"),
        (b'[{"event":"a","of_a_later_version":1}]', 1, "of_a_later_version"),
        (b'[{"event":"a","properties":{"x":"\xff"}}]', 1, "utf-8"),
        (b'[{"event":"a"}]', 2, "holds 1 events where its count says 2"),
        (b"", 1, "could not be read"),
        (b'{"event":"a"}', 1, "array"),
    ],
)
def test_a_record_that_cannot_be_read_balances_the_books(body: bytes, count: int, reason: str) -> None:
    good = b'[{"event":"good"}]'
    decoded = decode([logged(good, 1, 1), logged(body, count, 2), logged(good, 1, 3)])
    assert decoded.rows["event_id"].to_pylist() == ["w0-1-0", "w0-3-0"]
    rejected = decoded.rejected.to_pylist()
    assert [row["rejected_id"] for row in rejected] == [f"w0-2-{index}" for index in range(count)]
    assert all(reason in row["reasons"][0] for row in rejected)
    assert rejected[0]["body"] == body.decode(errors="replace")


def test_nothing_gives_empty_tables() -> None:
    decoded = decode([])
    assert (decoded.rows.schema, decoded.rows.num_rows) == (ARRIVED_SCHEMA, 0)
    assert (decoded.rejected.schema, decoded.rejected.num_rows) == (REJECTED_SCHEMA, 0)


@given(counts=st.lists(st.integers(1, 5), max_size=12), run=st.integers(1, 9))
def test_the_result_is_the_same_in_any_runs(counts: list[int], run: int) -> None:
    bodies = [
        msgspec.json.encode([{"event": f"e{i}", "value": i}] * count) for i, count in enumerate(counts)
    ]
    records = [
        logged(body, count, i) for i, (body, count) in enumerate(zip(bodies, counts, strict=True), 1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "RUN", run)
        decoded = decode(records)
    assert decoded.rows == decode(records).rows
    assert decoded.rows["event_id"].to_pylist() == [
        f"w0-{i}-{index}" for i, count in enumerate(counts, 1) for index in range(count)
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00.123456Z", NOON.replace(microsecond=123456)),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01T17:30:00+05:30", NOON),
        ("2026-03-01 12:00:00z", NOON),
        (RECEIVED // 1_000_000, NOON),
        (RECEIVED / 1_000_000 + 0.5, NOON.replace(microsecond=500_000)),
        (RECEIVED // 1_000, NOON),
        (RECEIVED, NOON),
        (-1, datetime(1969, 12, 31, 23, 59, 59)),
        (1e300, None),
        (10**30, None),
        ("yesterday", None),
        ("9999-01-01T00:00:00Z", None),
        ("0001-12-31T23:59:59Z", None),
        (None, None),
    ],
)
def test_times(written: str | int | float | None, read: datetime | None) -> None:
    assert timestamps([written]).to_pylist() == [read]
    assert timestamps([written, None, 0]).to_pylist() == [read, None, datetime(1970, 1, 1)]
    assert timestamps([written, "2026-03-01T12:00:00Z", 0]).to_pylist() == [
        read,
        NOON,
        datetime(1970, 1, 1),
    ]


@given(st.lists(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31))))
def test_times_survive(moments: list[datetime]) -> None:
    texts = [moment.isoformat() + "Z" for moment in moments]
    assert timestamps(texts).to_pylist() == moments
    assert timestamps([*texts, 0]).to_pylist()[:-1] == moments
    assert timestamps([moment.isoformat() + "+00:00" for moment in moments]).to_pylist() == moments
    assert timestamps(texts).type == pa.timestamp("us")


@given(st.lists(st.integers(1_000_000_000_000, 4_000_000_000_000)))
def test_epochs_in_milliseconds_survive(numbers: list[int]) -> None:
    expected = [datetime(1970, 1, 1) + timedelta(milliseconds=number) for number in numbers]
    assert timestamps(numbers).to_pylist() == expected
    assert timestamps([*numbers, "2026-03-01T12:00:00Z"]).to_pylist()[:-1] == expected
