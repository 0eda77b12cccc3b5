"""Connecting a tracker: the API and the page, against a running platform."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from console_tab import Tab, launched
from installation import Installation, running

from footfall.apps.supervisor import free_address
from footfall.core.protocols.registry import TRACKERS
from footfall.core.protocols.trial import ways_in
from footfall.errors import BadQuery, NotFound, SendFailed
from footfall.services.connect import connections, send_test
from footfall.settings import App, Collector, Settings

APPS = """
[apps.shop]
write_keys = ["wk_shop"]
origins = ["*"]
[apps.blog]
write_keys = ["wk_blog"]
origins = ["https://blog.example"]
"""
QUICK = {"FOOTFALL_LAKE_FLUSH_SECONDS": "1"}


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("open") / "data", environment=QUICK) as installation:
        yield installation


@pytest.fixture(scope="module")
def with_apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    data = tmp_path_factory.mktemp("apps") / "data"
    data.mkdir()
    (data / "footfall.toml").write_text(APPS)
    with running(data, environment=QUICK) as installation:
        yield installation


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


def order(installation: Installation, **values: object) -> tuple[int, Any]:
    status, body = installation.ask(
        "POST",
        "/api/connect/test",
        json.dumps(values).encode(),
        {"Content-Type": "application/json"},
        console=True,
    )
    return status, json.loads(body)


def test_every_protocol_has_its_card_and_code(with_apps: Installation) -> None:
    body = with_apps.get("/api/connect")
    assert body["collector"] == with_apps.collector
    assert (body["open"], body["lake_seconds"]) == (False, 1.0)
    assert body["connections"] == [{"app": "shop", "key": "wk_shop"}, {"app": "blog", "key": "wk_blog"}]
    assert [way["name"] for way in body["ways"]] == ["web", "native", *TRACKERS]
    for way in body["ways"]:
        assert way["title"], way
        assert way["key_is"], way
        assert way["snippets"], way
        assert any("{collector}" in each["code"] for each in way["snippets"]), way


@pytest.mark.parametrize("way", [tracker.name for tracker in ways_in()])
def test_a_test_event_of_every_tracker_arrives_for_its_app(with_apps: Installation, way: str) -> None:
    status, trial = order(with_apps, way=way, app="blog")
    assert status == 200, trial
    assert 200 <= trial["status"] < 300, trial
    with_apps.settle()
    trace = with_apps.get(f"/api/connect/test/{trial['event_id']}")
    stored = next(step for step in trace["steps"] if step["state"] == "stored")
    assert stored["app_id"] == "blog"
    assert stored["detail"]["origin"] == trial["form"]
    assert trial["form"] == (way if way in TRACKERS and TRACKERS[way].example else "native")
    sql = f"select bot_reason from events where event_id = '{trace['event_id']}'"
    assert with_apps.sql(sql) in ([["test event"]], [[None]])


def test_who_is_unknown_is_told_so(with_apps: Installation) -> None:
    status, body = order(with_apps, way="morse")
    assert (status, "segment" in body["error"]) == (404, True)
    status, body = order(with_apps, way="segment", app="nobody")
    assert (status, "blog" in body["error"]) == (404, True)


def test_what_the_collector_refuses_is_told_in_its_words(with_apps: Installation) -> None:
    stale = Settings(
        collector=Collector(address=with_apps.collector), apps={"shop": App(write_keys=("old",))}
    )
    trial = send_test("segment", "shop", stale, now)
    assert trial.status == 401
    assert "write key" in trial.reply


def test_a_collector_that_does_not_answer_is_an_error() -> None:
    settings = Settings(collector=Collector(address=free_address("127.0.0.1:0")))
    with pytest.raises(SendFailed, match="footfall up"):
        send_test("native", None, settings, now)


def test_apps_without_keys_cannot_send() -> None:
    settings = Settings(apps={"shop": App()})
    assert connections(settings) == []
    with pytest.raises(BadQuery, match="write_keys"):
        send_test("native", None, settings, now)
    with pytest.raises(NotFound, match="none such"):
        send_test("none such", None, settings, now)


@pytest.mark.chromium
@pytest.mark.parametrize(("way", "form"), [("segment", "segment"), ("native", "native")])
def test_the_page_shows_a_test_event_s_way(
    chromium: Any, open_to_all: Installation, way: str, form: str
) -> None:
    tab = Tab(chromium, f"http://{open_to_all.console}")
    page = tab.open("/")
    page.get_by_role("link", name="Connect", exact=True).click()
    page.locator(f"[data-way={way}]").click()
    page.wait_for_url(f"**/connect?way={way}")
    page.get_by_role("button", name="Send a test event").click()
    page.locator(".verdict.good").wait_for()
    page.locator("[data-station=lake].stored").wait_for()
    stations = page.locator(".way-taken > li").evaluate_all("all => all.map(li => li.dataset.station)")
    assert stations == ["sent", "collector", "log", "loader", "warehouse", "lake"]
    assert page.locator(".way-taken li.waiting, .way-taken li.rejected").count() == 0
    times = page.locator(".way-taken time").evaluate_all(
        "all => all.map(time => Date.parse(time.dateTime))"
    )
    assert times == sorted(times)
    assert f"origin {form}" in page.locator("[data-station=warehouse]").inner_text()
    file = open_to_all.data / page.locator("[data-station=lake] p").inner_text()
    assert file.is_file()
    page.locator("#arrivals tbody tr").first.wait_for()  # the page has listened meanwhile
    assert "test_event" in page.locator("#arrivals").inner_text()
    page.get_by_role("link", name="Trace", exact=True).last.click()
    page.locator(".timeline li.stored").wait_for()
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.chromium
def test_the_snippet_has_address_and_key_and_can_be_copied(chromium: Any, with_apps: Installation) -> None:
    tab = Tab(chromium, f"http://{with_apps.console}", permissions=["clipboard-read", "clipboard-write"])
    page = tab.open("/connect?way=segment")
    code = page.locator("#snippet")
    code.wait_for()
    assert f'host = "http://{with_apps.collector}"' in code.inner_text()
    assert '"wk_shop"' in code.inner_text()
    page.get_by_label("App").select_option("blog")
    page.get_by_label("Address that your site can reach").fill("https://events.example.com/")
    page.get_by_role("tab", name="@segment/analytics-node").click()
    assert 'writeKey: "wk_blog", host: "https://events.example.com"' in code.inner_text()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == code.inner_text()
    address = page.url
    page.reload()
    page.get_by_label("App").wait_for()
    assert page.url == address
    assert "https://events.example.com" in code.inner_text()
    assert "wk_blog" in code.inner_text()
    page.locator("[data-way=segment]").press("ArrowLeft")
    page.locator("[data-way=native][aria-checked=true]").wait_for()
    for way in with_apps.get("/api/connect")["ways"]:
        page.locator(f"[data-way={way['name']}]").click()
        assert page.locator("#snippet").inner_text().strip()
        assert "{collector}" not in page.locator("#snippet").inner_text()
        assert "{key}" not in page.locator("#snippet").inner_text()
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.chromium
def test_the_page_says_why_an_event_was_rejected_or_refused(
    chromium: Any, open_to_all: Installation
) -> None:
    broken = {"event_id": "broken", "created_at": "not a time"}
    open_to_all.post([broken])
    trial = {
        "event_id": "broken",
        "form": "native",
        "method": "POST",
        "path": "/v1/events",
        "body": json.dumps(broken),
        "sent_at": now().isoformat() + "Z",
        "milliseconds": 2.5,
    }
    answers = [
        {"status": 200, "reply": "{}"},
        {"status": 401, "reply": '{"error": "this needs <b>a key</b>"}'},
    ]
    tab = Tab(chromium, f"http://{open_to_all.console}")
    tab.page.route("**/api/connect/test", lambda route: route.fulfill(json={**trial, **answers.pop(0)}))
    page = tab.open("/connect?way=native")
    page.get_by_role("button", name="Send a test event").click()
    page.locator("[data-station=loader].rejected li").nth(1).wait_for()
    assert "not a time" in page.locator("[data-station=loader]").inner_text()
    assert "It was rejected" in page.locator(".verdict.bad").inner_text()
    page.get_by_role("button", name="Send a test event").click()
    page.get_by_text("refused it with 401").wait_for()
    assert "<b>a key</b>" in page.locator("[data-station=collector] pre").inner_text()
    assert page.locator("[data-station]").count() == 2
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.chromium
def test_what_a_real_tracker_sends_is_shown_as_it_arrives(chromium: Any, open_to_all: Installation) -> None:
    tab = Tab(chromium, f"http://{open_to_all.console}")
    page = tab.open("/connect?way=segment")
    page.get_by_text("Listening: what Segment, RudderStack sends").wait_for()
    call = {"writeKey": "any", "userId": "u", "event": "<i>Ordered</i>", "messageId": "m1"}
    assert open_to_all.ask("POST", "/v1/track", json.dumps(call).encode())[0] == 200
    page.locator("#arrivals tbody tr").get_by_text("ordered").wait_for()
    assert page.locator("#arrivals tbody tr").count() == 1
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.chromium
def test_a_collector_that_is_down_is_said_on_the_page(chromium: Any, tmp_path: Path) -> None:
    from console_server import console

    with console(tmp_path / "data", collector=free_address("127.0.0.1:0")) as url:
        tab = Tab(chromium, url)
        page = tab.open("/connect?way=native")
        page.get_by_role("button", name="Send a test event").click()
        page.get_by_text('Is "footfall up" running?').wait_for()
        assert page.get_by_role("button", name="Send a test event").is_enabled()
        tab.context.close()
        assert all("503" in each for each in tab.wrong)
