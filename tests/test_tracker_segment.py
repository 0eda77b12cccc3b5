"""Segment's and RudderStack's official clients against a running footfall."""

import json
import threading

import pytest
from installation import running
from tracking import (
    chromium,
    count,
    demand_node,
    demand_python,
    rows,
    run_node,
    run_python,
    site,
    tap,
    unavailable,
    wait_for,
)

CALLS = ["alias", "group", "identify", "order_completed", "page_view", "screen_view"]
PAGE = """<!doctype html><title>Shop</title>
<script src="/clients/@segment/analytics-next/dist/umd/index.js"></script>
<script type="module">
  const settings = await (await fetch("COLLECTOR/v1/projects/key/settings")).json();
  const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load({
    writeKey: "key", cdnSettings: settings });
  await analytics.identify("ada", { age: 36 });
  await analytics.track("Order Completed", { revenue: 19, currency: "EUR" });
  await analytics.page("docs", "Home");
  await analytics.screen("app", "Start");
  await analytics.group("acme", { industry: "tools" });
  await analytics.alias("ada2", "ada");
  document.title = "sent";
</script>"""


@pytest.fixture
def place(tmp_path):
    """Give a running platform and a tap before its collector."""
    with running(tmp_path / "data") as installation, tap(installation) as wire:
        yield installation, wire


def by_event(installation):
    return {event["event"]: event for event in rows(installation)}


@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_every_call_of_the_python_client_arrives(place, client):
    installation, wire = place
    run_python("segment_calls.py", client, wire.url, "key-1")
    found = by_event(installation)
    assert sorted(found) == CALLS
    order = found["order_completed"]
    assert (
        order.items()
        >= {
            "user_id": "ada",
            "anonymous_id": "anon-1",
            "visitor_id": "ada",
            "created_at": "2026-03-01T12:00:00.123000Z",
            "url": "https://shop.example/cart?utm_source=x",
            "title": "Cart",
            "referrer": "https://t.co/a",
            "ip": "203.0.113.0",
            "browser": "Chrome",
            "language": "de-DE",
            "timezone": "Europe/Berlin",
            "value": 19.0,
            "currency": "EUR",
            "origin": "segment",
            "app_id": "default",
        }.items()
    )
    assert order["properties"]["products"] == [{"product_id": "p1", "price": 9.5, "quantity": 2}]
    assert order["properties"]["utm_campaign"] == "spring"
    assert found["identify"]["user_properties"] == {"age": 36, "plan": "pro"}
    assert (found["page_view"]["url"], found["page_view"]["title"]) == ("https://shop.example/docs", "Docs")
    assert found["screen_view"]["properties"]["speed"] == 3
    assert found["group"]["properties"]["group_id"] == "acme"
    assert found["alias"]["properties"]["previous_id"] == "anon-1"
    assert found["alias"]["user_id"] == "ada"


@pytest.mark.parametrize("client", ["segment", "rudder"])
def test_the_same_bytes_again_add_no_row(place, client):
    installation, wire = place
    run_python("segment_calls.py", client, wire.url, "key-1")
    before = rows(installation)
    assert set(wire.replay()) == {200}
    assert rows(installation) == before


def test_nothing_is_lost_while_the_log_cannot_be_written(place):
    demand_python()
    installation, wire = place
    with unavailable(installation):
        sending = threading.Thread(target=run_python, args=("segment_calls.py", "segment", wire.url, "k"))
        sending.start()
        wait_for(lambda: [each for each in wire.sent if each.status == 503], 30)
    sending.join(60)
    assert sorted(by_event(installation)) == CALLS
    assert count(installation) == len(CALLS)


def test_every_call_of_the_node_client_arrives_once(place):
    installation, wire = place
    run_node("segment_calls.mjs", wire.url, "key-1")
    found = by_event(installation)
    assert sorted(found) == CALLS
    assert found["order_completed"].items() >= {"value": 19.0, "currency": "EUR", "user_id": "ada"}.items()
    assert set(wire.replay()) == {200}
    assert count(installation) == len(CALLS)


@pytest.mark.chromium
def test_every_call_of_the_browser_client_arrives_once(place, tmp_path):
    demand_node()
    installation, wire = place
    (tmp_path / "index.html").write_text(PAGE.replace("COLLECTOR", wire.url))
    with site(tmp_path) as address, chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_function("document.title === 'sent'")
        wait_for(lambda: count(installation) >= len(CALLS))
    found = by_event(installation)
    assert sorted(found) == CALLS
    assert found["page_view"]["url"] == f"{address}/"
    assert found["order_completed"]["browser"].startswith(("Chrome", "HeadlessChrome"))
    wire.replay()
    assert count(installation) == len(CALLS)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/track"])
def test_errors_are_such_as_the_clients_read(place, path):
    installation, _ = place
    for body, status in ((b"{", 400), (b"[]", 400), (b"x" * 1_100_000, 413)):
        told, answer = installation.ask("POST", path, body)
        assert told == status
        assert json.loads(answer).keys() >= {"code", "message"}


def test_a_wrong_key_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footfall.toml").write_text('[apps.shop]\nwrite_keys = ["right"]\norigins = ["*"]\n')
    with running(data) as installation:
        body = {"userId": "ada", "event": "Signed Up", "messageId": "m1"}
        told, answer = installation.ask("POST", "/v1/track", json.dumps(body | {"writeKey": "no"}).encode())
        assert told == 401
        assert json.loads(answer)["code"] == "key"
        told, _ = installation.ask("POST", "/v1/track", json.dumps(body | {"writeKey": "right"}).encode())
        assert told == 200
        assert rows(installation)[0]["app_id"] == "shop"
