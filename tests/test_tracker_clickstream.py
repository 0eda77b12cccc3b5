"""AWS Clickstream's official SDK for the web, in Chromium, against a running footfall."""

import base64
import gzip
import json
import subprocess
import time
from datetime import datetime

import pytest
from installation import running
from tracking import CLIENTS, chromium, demand_node, rows, site, tap, unavailable, wait_for

SDK = CLIENTS / "node_modules" / "@aws" / "clickstream-web" / "lib-esm" / "index.js"
LOADED = ["app_start", "clickstream_error", "first_open", "order_completed", "session_start"]
ALL = [*LOADED, "app_end", "click", "identify", "page_load", "page_view", "scroll", "search"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector; each test has an app of its own."""
    data = tmp_path_factory.mktemp("clickstream") / "data"
    with running(data) as installation, tap(installation) as wire:
        yield installation, wire


@pytest.fixture(scope="module")
def browser():
    demand_node()
    with chromium() as running_browser:
        yield running_browser


@pytest.fixture
def shop(place, tmp_path, request):
    """Give the address of a page with the SDK, made one file as its users do it, and its app."""
    bundler = CLIENTS / "node_modules" / ".bin" / "esbuild"
    command = [bundler, SDK, "--bundle", "--format=iife", "--global-name=Clickstream"]
    subprocess.run([*command, f"--outfile={tmp_path / 'clickstream.js'}"], check=True, capture_output=True)
    app = request.node.name
    page = (CLIENTS / "clickstream_page.html").read_text()
    (tmp_path / "index.html").write_text(page.replace("COLLECTOR", place[1].url).replace("APP", app))
    with site(tmp_path) as address:
        yield address, app


def told_of(wire, app):
    """Return the events that went over the wire, by id."""
    bodies = [json.loads(sent.body) for sent in wire.sent if sent.method == "POST" and app in sent.path]
    return {event["event_id"]: event for body in bodies for event in body}


def of_app(installation, app):
    return rows(installation, f"app_id = '{app}'")


def both(installation, wire, app):
    """Return what went over the wire by id, and the rows, once each has the other's ids."""

    def same():
        time.sleep(0.3)  # what the page sent when it was closed comes late
        told, found = told_of(wire, app), of_app(installation, app)
        return (told, found) if {row["event_id"] for row in found} == set(told) else None

    return wait_for(same, 30)


def moment(text):
    return datetime.fromisoformat(text)


@pytest.mark.chromium
def test_every_call_and_every_preset_event_arrives_once(place, browser, shop):
    installation, wire = place
    address, app = shop
    page = browser.new_page(viewport={"width": 1280, "height": 720}, locale="de-AT")
    page.goto(f"{address}/?q=shoes")
    page.click("#buy")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(1_200)  # a stay of less than a second is no engagement
    page.evaluate("history.pushState({}, 'Next', '/next')")
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden'});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    wait_for(lambda: {row["event"] for row in of_app(installation, app)} >= {*ALL, "user_engagement"})
    page.close()
    told, found = both(installation, wire, app)
    assert {row["event"] for row in found} == {*ALL, "user_engagement"}
    for row in found:
        event = told[row["event_id"]]
        attributes = event["attributes"]
        expected = {
            "user_id": event["user"].get("_user_id", {}).get("value"),
            "anonymous_id": event["unique_id"],
            "session_id": attributes["_session_id"],
            "url": attributes["_page_url"],
            "title": "Shop",
            "language": "de-AT",
            "screen": f"{event['screen_width']}x{event['screen_height']}",
            "origin": "clickstream",
            "element": attributes.get("_link_id"),
            "value": attributes.get("_value"),
            "currency": attributes.get("_currency"),
            "os": "Linux",
        }
        assert {name: row.get(name) for name in expected} == expected
        assert moment(row["created_at"]).timestamp() == event["timestamp"] / 1000
        assert "sent_at" in row
        assert row["properties"]["device_id"] == event["device_id"]
        assert row["properties"]["channel"] == "web"
        assert "hash_code_differs" not in row["properties"]
    last = {row["event"]: row for row in sorted(found, key=lambda row: row["created_at"])}
    assert last["order_completed"]["properties"]["items"] == [
        {"id": "p1", "name": "Shoe", "price": 9.75, "quantity": 2}
    ]
    assert (last["order_completed"]["campaign"], last["order_completed"]["source"]) == ("spring", "news")
    assert last["order_completed"]["properties"]["colour"] == "red"
    [person] = [row for row in found if "plan" in row.get("user_properties", {})]
    assert (person["event"], person["user_properties"]["age"]) == ("identify", 36)
    assert person["properties"]["user_set_at"].keys() >= {"plan", "age", "_user_id"}
    assert last["search"]["properties"]["search_term"] == "shoes"
    assert last["click"]["properties"]["link_url"] == "https://other.example/buy"
    assert last["click"]["properties"]["outbound"] is True
    assert 1 <= last["user_engagement"]["time_spent"] < 30
    assert last["page_view"]["url"] == f"{address}/next"
    assert last["page_view"]["referrer"] == f"{address}/?q=shoes"
    assert set(wire.replay()) == {200}
    assert [row for row in of_app(installation, app) if row["event_id"] in told] == found


@pytest.mark.chromium
def test_nothing_is_lost_while_the_log_cannot_be_written(place, browser, shop):
    installation, wire = place
    address, app = shop
    page = browser.new_page()
    with unavailable(installation):
        page.goto(f"{address}/?batch")
        wait_for(lambda: [sent for sent in wire.sent if sent.status == 503 and app in sent.path], 30)
    wait_for(lambda: [sent for sent in wire.sent if sent.status == 200 and app in sent.path], 30)
    wait_for(lambda: {row["event"] for row in of_app(installation, app)} >= {*LOADED, "page_view"})
    page.close()
    told, found = both(installation, wire, app)
    assert len(found) == len(told)
    assert {row["event"] for row in found} >= {*LOADED, "identify", "page_view"}


def test_the_apps_of_phones_send_gzip_as_text(place):
    installation, _ = place
    event = {
        "event_type": "_screen_view",
        "event_id": "g1",
        "timestamp": 1_772_366_400_123,
        "app_id": "phone",
    }
    event["attributes"] = {"_screen_name": "Start"}
    body = base64.encodebytes(gzip.compress(json.dumps([event]).encode()))
    path = "/collect?appId=phone&platform=iOS&compression=gzip"
    assert installation.ask("POST", path, body) == (200, b"")
    assert installation.ask("POST", path, body) == (200, b"")
    [row] = of_app(installation, "phone")
    assert (row["event"], row["title"], row["event_id"]) == ("screen_view", "Start", "g1")
    assert row["created_at"] == "2026-03-01T12:00:00.123000Z"


def test_errors_have_their_status(place):
    installation, _ = place
    for body, status in ((b"{", 400), (b"[]", 400), (b"x" * 1_100_000, 413)):
        told, answer = installation.ask("POST", "/collect?appId=wrong", body)
        assert told == status
        assert json.loads(answer).keys() == {"error", "reasons"}
    poisoned = [{"event_type": "", "event_id": "p1"}, {"event_type": "a", "event_id": "p2", "timestamp": 1}]
    told, _ = installation.ask("POST", "/collect?appId=wrong", json.dumps(poisoned).encode())
    assert told == 200  # else the SDK would send the batch for ever
    assert [row["event_id"] for row in of_app(installation, "wrong")] == ["p2"]
