"""From what arrived to the table of events."""
# ruff: noqa: DTZ001 (the columns are UTC without a zone)

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.arrow import ARRIVED_SCHEMA, EVENTS_SCHEMA
from footfall.core.enrich import enrich
from footfall.core.enrich.names import action_name

NOW = datetime(2026, 3, 1, 12, 0, 1)
RECEIVED = datetime(2026, 3, 1, 12)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1"
)


def arrived(*rows: dict[str, Any]) -> pa.Table:
    base = {
        "event_id": "e",
        "app_id": "shop",
        "origin": "native",
        "event": "click",
        "received_at": RECEIVED,
    }
    return pa.Table.from_pylist([base | row for row in rows], schema=ARRIVED_SCHEMA)


def enriched(**row: Any) -> dict[str, Any]:
    return enrich(arrived(row), NOW).to_pylist()[0]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Page View", "page_view"),
        ("pageview", "page_view"),
        ("$pageview", "page_view"),
        ("PageView", "page_view"),
        ("Viewed Page", "page_view"),
        ("Order Completed", "order_completed"),
        ("addToCart", "add_to_cart"),
        ("ADD_TO_CART", "add_to_cart"),
        ("add-to.cart", "add_to_cart"),
        ("HTTPRequest", "http_request"),
        ("購入", "購入"),
        ("!!!", "!!!"),
    ],
)
def test_action_names(written: str, name: str) -> None:
    assert action_name(written) == name


@given(st.text(min_size=1))
def test_action_names_are_settled_at_once_and_never_empty(text: str) -> None:
    name = action_name(text)
    assert name
    assert action_name(name) == name


def test_one_row_in_full() -> None:
    row = enriched(
        event="Product View",
        anonymous_id="a1",
        visitor_hash="h1",
        session_id="s1",
        created_at=RECEIVED - timedelta(seconds=2),
        url="https://www.shop.example/p%20q?utm_source=news&utm_medium=email&utm_campaign=may",
        referrer="https://mail.example/",
        user_agent=IPHONE,
        country="deu",
        ip="203.0.113.0",
        ip_country="FR",
        properties='{"a":1}',
        value=1.5,
    )
    assert {name: value for name, value in row.items() if value is not None} == {
        "event_id": "e",
        "app_id": "shop",
        "event": "product_view",
        "anonymous_id": "a1",
        "visitor_id": "a1",
        "session_id": "s1",
        "created_at": RECEIVED - timedelta(seconds=2),
        "received_at": RECEIVED,
        "processed_at": NOW,
        "url": "https://www.shop.example/p%20q?utm_source=news&utm_medium=email&utm_campaign=may",
        "host": "shop.example",
        "path": "/p q",
        "referrer": "https://mail.example/",
        "referrer_host": "mail.example",
        "channel": "Email",
        "source": "news",
        "medium": "email",
        "campaign": "may",
        "value": 1.5,
        "browser": "Mobile Safari",
        "browser_version": "17",
        "os": "iOS",
        "os_version": "17.2",
        "device": "mobile",
        "ip": "203.0.113.0",
        "country": "DE",
        "continent": "EU",
        "is_bot": False,
        "origin": "native",
        "properties": '{"a":1}',
    }


def test_the_least_that_can_arrive() -> None:
    row = enriched()
    assert row["created_at"] == RECEIVED
    assert (row["channel"], row["source"], row["medium"]) == ("Direct", "(direct)", "(none)")
    assert (row["browser"], row["device"], row["is_bot"], row["session_id"]) == (None, None, False, None)
    assert row["visitor_id"]


def test_visitors_in_order_of_knowledge() -> None:
    rows = enrich(
        arrived(
            {"user_id": "u", "anonymous_id": "a", "visitor_hash": "h"},
            {"anonymous_id": "a", "visitor_hash": "h"},
            {"visitor_hash": "h"},
            {},
            {},
            {"app_id": "other"},
            {"received_at": RECEIVED + timedelta(days=1)},
        ),
        NOW,
    )
    visitors = rows["visitor_id"].to_pylist()
    assert visitors[:3] == ["u", "a", "h"]
    assert visitors[3] == visitors[4]
    assert len(set(visitors)) == 6


def test_a_bot_is_labelled_and_kept() -> None:
    row = enriched(user_agent="Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)")
    assert (row["is_bot"], row["bot_reason"], row["device"]) == (True, "crawler: bingbot", "bot")


def test_campaigns_in_properties() -> None:
    table = arrived(
        {"properties": '{"utm_source":"google","utm_medium":"cpc","x":{"y":[1]}}'},
        {"properties": '{"utm_source":5,"utm_medium":null}'},
        {"properties": '{"note":"utm_ is not a key"}'},
        {},
    )
    assert enrich(table, NOW)["channel"].to_pylist() == ["Paid Search", "Direct", "Direct", "Direct"]


def test_processed_at_is_utc_whatever_zone_it_comes_in() -> None:
    late = NOW.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5)))
    assert enrich(arrived({}), late)["processed_at"].to_pylist() == [NOW]


def test_no_rows_and_many_chunks() -> None:
    assert enrich(ARRIVED_SCHEMA.empty_table(), NOW).schema == EVENTS_SCHEMA
    chunked = pa.concat_tables([arrived({"event": "a"}), arrived({"event": "b"}, {"event": "A"})])
    rows = enrich(chunked, NOW)
    rows.validate(full=True)
    assert rows["event"].to_pylist() == ["a", "b", "a"]


WORD = (
    st.none()
    | st.sampled_from(["", "-", "google", "https://a.example/x?utm_source=g", "{}", "DE"])
    | st.text()
)
TEXTS = ("user_id", "anonymous_id", "url", "referrer", "country", "ip_country", "user_agent")
ROW = st.fixed_dictionaries(
    dict.fromkeys(
        ("user_id", "anonymous_id", "url", "referrer", "country", "ip_country", "user_agent"), WORD
    )
    | {"event": st.text(min_size=1), "origin": st.sampled_from(["native", "pixel", "s3", "combined"])}
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=6))
def test_a_row_does_not_depend_on_its_neighbours(rows: list[dict[str, Any]]) -> None:
    encodable = [
        {name: value.encode(errors="replace").decode() if value else value for name, value in row.items()}
        for row in rows
    ]
    together = enrich(arrived(*encodable), NOW) if encodable else enrich(ARRIVED_SCHEMA.empty_table(), NOW)
    together.validate(full=True)
    assert together.schema == EVENTS_SCHEMA
    assert together.to_pylist() == [enriched(**row) for row in encodable]
    for column in EVENTS_SCHEMA:
        assert column.nullable or together[column.name].null_count == 0


def test_importable_without_any_store() -> None:
    script = (
        "import sys, footfall.core.decode, footfall.core.enrich\n"
        "unwanted = {'duckdb', 'litestar', 'crawleruseragents', 'ua_parser_builtins'}\n"
        "print(sorted(unwanted & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
