"""The Measurement Protocol's documented requests, sent as they stand to a running footfall.

Google publishes no client for it: its documentation has requests, which any HTTP client sends.
"""

import json
import time

import pytest
from installation import running
from tracking import count, rows, tap, unavailable

AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
# developers.google.com/analytics/devguides/collection/protocol/ga4: sending-events, reference, use-cases.
DOCUMENTED = {
    "client_id": "1234567890.0987654321",
    "user_id": "ada",
    "timestamp_micros": 1772366400123456,
    "user_properties": {"customer_tier": {"value": "premium"}},
    "consent": {"ad_user_data": "GRANTED", "ad_personalization": "DENIED"},
    "ip_override": "203.0.113.77",
    "user_agent": AGENT,
    "user_location": {"city": "Mountain View", "region_id": "US-CA", "country_id": "US"},
    "events": [
        {
            "name": "purchase",
            "params": {
                "session_id": "1772366000",
                "engagement_time_msec": 1200,
                "currency": "USD",
                "value": 30.03,
                "transaction_id": "T_12345",
                "items": [{"item_id": "SKU_12345", "item_name": "Stan and Friends Tee", "quantity": 3}],
            },
        },
        {
            "name": "page_view",
            "params": {
                "session_id": "1772366000",
                "timestamp_micros": 1772366300000000,
                "page_location": "https://shop.example/cart",
                "page_title": "Cart",
                "page_referrer": "https://t.co/a",
                "language": "en-us",
                "screen_resolution": "1920x1080",
            },
        },
        {
            "name": "campaign_details",
            "params": {"campaign": "spring", "source": "news", "medium": "email"},
        },
        {"name": "tutorial_begin"},
    ],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector; each test has a stream of its own."""
    data = tmp_path_factory.mktemp("ga4") / "data"
    with running(data) as installation, tap(installation) as wire:
        yield installation, wire


def path_of(stream, path="/mp/collect"):
    return f"{path}?measurement_id={stream}&api_secret=secret"


def send(wire, stream, body, path="/mp/collect"):
    headers = [("Content-Type", "application/json"), ("User-Agent", "python-requests/2.32")]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = wire.pass_on("POST", path_of(stream, path), headers, raw)
    return status, answer


def of_stream(installation, stream):
    return {row["event"]: row for row in rows(installation, f"app_id = '{stream}'")}


def test_the_documented_request_arrives(place):
    installation, wire = place
    assert send(wire, "G-ALL", DOCUMENTED) == (204, b"")
    found = of_stream(installation, "G-ALL")
    assert sorted(found) == ["campaign_details", "page_view", "purchase", "tutorial_begin"]
    everywhere = {
        "user_id": "ada",
        "anonymous_id": "1234567890.0987654321",
        "visitor_id": "ada",
        "browser": "Chrome",
        "device": "desktop",
        "ip": "203.0.113.0",
        "country": "US",
        "is_bot": False,
        "origin": "ga4",
        "user_properties": {"customer_tier": "premium"},
    }
    for row in found.values():
        assert {name: row.get(name) for name in everywhere} == everywhere
    purchase, page = found["purchase"], found["page_view"]
    assert (purchase["value"], purchase["currency"], purchase["time_spent"]) == (30.03, "USD", 1.2)
    assert purchase["created_at"] == "2026-03-01T12:00:00.123456Z"
    assert purchase["properties"]["transaction_id"] == "T_12345"
    assert purchase["properties"]["items"][0]["item_id"] == "SKU_12345"
    told = {
        "session_id": "1772366000",
        "created_at": "2026-03-01T11:58:20Z",
        "url": "https://shop.example/cart",
        "host": "shop.example",
        "title": "Cart",
        "referrer": "https://t.co/a",
        "screen": "1920x1080",
        "language": "en-us",
    }
    assert {name: page.get(name) for name in told} == told
    assert (found["campaign_details"]["campaign"], found["campaign_details"]["medium"]) == (
        "spring",
        "email",
    )


def test_the_same_bytes_again_add_no_row(place):
    installation, wire = place
    timeless = {"client_id": "1.2", "events": [{"name": "login"}, {"name": "login"}]}
    for body in (DOCUMENTED, timeless):
        for _ in range(2):
            assert send(wire, "G-AGAIN", body) == (204, b"")
    assert count(installation, "app_id = 'G-AGAIN'") == 6
    time.sleep(2.1)  # what has no time of its own is another event then
    for body in (DOCUMENTED, timeless):
        assert send(wire, "G-AGAIN", body) == (204, b"")
    assert count(installation, "app_id = 'G-AGAIN'") == 8


def test_a_server_is_not_taken_for_its_visitor(place):
    installation, wire = place
    assert send(wire, "G-SERVER", {"client_id": "1.2", "events": [{"name": "login"}]})[0] == 204
    [row] = rows(installation, "app_id = 'G-SERVER'")
    assert not row.keys() & {"ip", "browser", "country"}


def test_what_cannot_be_right_is_answered_with_204_and_kept(place):
    installation, wire = place
    before = installation.settle()["rejected"]
    for body in (b"{", b"{}", {"client_id": "1.2", "events": [{"params": {}}]}):
        assert send(wire, "G-BAD", body) == (204, b"")
    assert installation.settle()["rejected"] == before + 3
    assert count(installation, "app_id = 'G-BAD'") == 0


def test_validation_tells_and_stores_nothing(place):
    installation, wire = place
    bad = {"client_id": "1.2", "events": [{"name": "_badEventName", "params": {}}]}
    status, answer = send(wire, "G-DEBUG", bad, "/debug/mp/collect")
    assert status == 200
    assert [each["validationCode"] for each in json.loads(answer)["validationMessages"]] == ["NAME_INVALID"]
    assert json.loads(send(wire, "G-DEBUG", DOCUMENTED, "/debug/mp/collect")[1]) == {
        "validationMessages": []
    }
    assert count(installation, "app_id = 'G-DEBUG'") == 0


def test_what_could_not_be_stored_can_be_sent_again(place):
    installation, wire = place
    with unavailable(installation):
        assert send(wire, "G-LATER", DOCUMENTED)[0] == 503
    assert send(wire, "G-LATER", DOCUMENTED)[0] == 204
    assert len(of_stream(installation, "G-LATER")) == 4


def test_a_body_that_is_too_large_is_told(place):
    assert send(place[1], "G-LARGE", b"x" * 1_100_000)[0] == 413
