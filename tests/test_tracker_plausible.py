"""Plausible's official trackers in Chromium against a running footfall."""

import json
import time

import pytest
from installation import running
from tracking import chromium, count, demand_node, rows, site, tap, unavailable, wait_for

from footfall.core.protocols.repeats import REPEATS

MODULE = """<!doctype html><title>Shop</title>
<a id="out" href="https://other.example/there">out</a>
<a id="file" href="/price.pdf">file</a>
<button id="tagged" class="plausible-event-name=Tagged+Click plausible-event-size=L
  plausible-revenue-amount=7 plausible-revenue-currency=USD">tagged</button>
<form id="form" action="/nowhere"><input name="secret" value="hidden"></form>
<script type="module">
  import { init, track } from "/clients/@plausible-analytics/tracker/plausible.js";
  const told = [];
  window.told = told;
  for (const link of document.links) link.addEventListener("click", (event) => event.preventDefault());
  document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());
  init({ domain: "module.example", endpoint: "COLLECTOR/api/event", captureOnLocalhost: true,
    outboundLinks: true, fileDownloads: true, formSubmissions: true, customProperties: { theme: "dark" } });
  track("Order Completed", { props: { size: 3 }, revenue: { amount: 19.5, currency: "EUR" },
    callback: (result) => told.push(result.status) });
  track("Seen", { interactive: false, url: "https://shop.example/seen?utm_campaign=spring" });
  document.getElementById("out").click();
  document.getElementById("file").click();
  document.getElementById("tagged").click();
  document.getElementById("form").requestSubmit();
  history.pushState({}, "", "/next?utm_source=news");
  document.title = "sent";
</script>"""
OLDER = """<!doctype html><title>Shop</title>
<script type="importmap">{"imports": {"/clients/plausible-tracker/build/module/lib/tracker":
  "/clients/plausible-tracker/build/module/lib/tracker.js",
  "/clients/plausible-tracker/build/module/lib/request":
  "/clients/plausible-tracker/build/module/lib/request.js"}}</script>
<a id="out" href="https://other.example/there">out</a>
<script type="module">
  import Plausible from "/clients/plausible-tracker/build/module/index.js";
  const plausible = Plausible({ domain: "older.example", apiHost: "COLLECTOR", trackLocalhost: true });
  plausible.enableAutoPageviews();
  plausible.trackPageview(
    { url: "https://shop.example/other", referrer: "https://t.co/a", deviceWidth: 390 });
  plausible.trackEvent("Signed Up", { props: { plan: "pro", size: 3 } });
  history.pushState({}, "", "/next");
  plausible.enableAutoOutboundTracking();
  document.getElementById("out").click();
</script>"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector."""
    with running(tmp_path_factory.mktemp("plausible") / "data") as installation, tap(installation) as wire:
        yield installation, wire


def of(domain):
    return f"json_extract_string(properties, '$.domain') = '{domain}'"


def visited(place, tmp_path, page, domain, expected, closing=0):
    """Open a page, wait for its events, close it; return its address, its requests and the rows."""
    demand_node()
    installation, wire = place
    before = len(wire.sent)
    (tmp_path / "index.html").write_text(page.replace("COLLECTOR", wire.url))
    with site(tmp_path) as address, chromium() as browser:
        view = browser.new_page()
        view.goto(address)
        wait_for(lambda: len(wire.sent) >= before + expected)
        view.close()
        wait_for(lambda: len(wire.sent) >= before + expected + closing)
    sent = wire.sent[before:]
    assert {each.status for each in sent} == {202}
    return address, sent, rows(installation, of(domain))


def sent_twice_again(place, sent):
    """Send each request twice once more, when it is a new event; return how many rows that adds."""
    installation, wire = place
    time.sleep(REPEATS.seconds)
    before = count(installation)
    for each in sent:
        for _ in range(2):
            assert wire.pass_on(each.method, each.path, each.headers, each.body)[0] == 202
    return count(installation) - before


@pytest.mark.chromium
def test_every_call_of_the_tracker_arrives(place, tmp_path):
    address, sent, found = visited(place, tmp_path, MODULE, "module.example", 9, closing=1)
    assert [event["event"] for event in found] == [
        "file_download",
        "form_submission",
        "order_completed",
        "outbound_link_click",
        "page_leave",
        "page_leave",
        "page_view",
        "page_view",
        "seen",
        "tagged_click",
    ]
    by_name = {event["event"]: event for event in found}
    order = by_name["order_completed"]
    assert (
        order.items()
        >= {
            "origin": "plausible",
            "app_id": "default",
            "url": f"{address}/",
            "path": "/",
            "value": 19.5,
            "currency": "EUR",
            "ip": "127.0.0.0",
        }.items()
    )
    assert order["browser"].startswith(("Chrome", "HeadlessChrome"))
    assert order["properties"] == {
        "domain": "module.example",
        "size": 3,
        "theme": "dark",
        "tracker_version": 36,
    }
    assert by_name["seen"]["properties"]["interactive"] is False
    assert (by_name["seen"]["host"], by_name["seen"]["campaign"]) == ("shop.example", "spring")
    assert by_name["outbound_link_click"]["properties"]["url"] == "https://other.example/there"
    assert by_name["file_download"]["properties"]["url"] == f"{address}/price.pdf"
    tagged = by_name["tagged_click"]
    assert (tagged["value"], tagged["currency"], tagged["properties"]["size"]) == (7.0, "USD", "L")
    assert "hidden" not in json.dumps(by_name["form_submission"])
    left = [event for event in found if event["event"] == "page_leave"]
    assert sorted(event["path"] for event in left) == ["/", "/next"]
    assert all(0 <= event["time_spent"] < 60 for event in left)
    assert all(event["properties"]["scroll_depth"] == 100 for event in left)
    views = {event["path"]: event for event in found if event["event"] == "page_view"}
    assert sorted(views) == ["/", "/next"]
    assert views["/next"]["source"] == "news"
    assert len({event["visitor_id"] for event in found}) == 1
    assert sent_twice_again(place, sent) == len(sent)


@pytest.mark.chromium
def test_every_call_of_the_older_tracker_arrives(place, tmp_path):
    address, sent, found = visited(place, tmp_path, OLDER, "older.example", 5)
    assert [(event["event"], event["url"]) for event in found if event["event"] != "page_view"] == [
        ("outbound_link_click", f"{address}/next"),
        ("signed_up", f"{address}/"),
    ]
    signed = next(event for event in found if event["event"] == "signed_up")
    width = signed["properties"].pop("screen_width")
    assert width > 0
    assert signed["properties"] == {"domain": "older.example", "plan": "pro", "size": 3}
    views = {event["url"]: event for event in found if event["event"] == "page_view"}
    assert sorted(views) == sorted([f"{address}/", f"{address}/next", "https://shop.example/other"])
    assert views["https://shop.example/other"]["referrer"] == "https://t.co/a"
    assert views["https://shop.example/other"]["properties"]["screen_width"] == 390
    assert sent_twice_again(place, sent) == len(sent)


def posted(place, event, headers=None):
    installation, _ = place
    return installation.ask("POST", "/api/event", json.dumps(event).encode(), headers)


def test_the_same_view_again_counts_when_it_is_another(place):
    view = {"n": "pageview", "u": "https://shop.example/a", "d": "again.example"}
    for _ in range(3):
        assert posted(place, view) == (202, b"ok")
    assert posted(place, view, {"User-Agent": "another"}) == (202, b"ok")
    assert count(place[0], of("again.example")) == 2
    time.sleep(REPEATS.seconds)
    assert posted(place, view) == (202, b"ok")
    assert count(place[0], of("again.example")) == 3


def test_nothing_is_told_to_be_taken_that_cannot_be_stored(place):
    installation, wire = place
    view = json.dumps({"n": "pageview", "u": "https://shop.example/a", "d": "full.example"}).encode()
    with unavailable(installation):
        status, headers, body = wire.pass_on("POST", "/api/event", (), view)
    assert (status, dict(headers)["x-plausible-dropped"]) == (503, "1")
    assert int(dict(headers)["retry-after"]) > 0
    assert json.loads(body)["errors"]["unavailable"]
    assert wire.pass_on("POST", "/api/event", (), view)[0] == 202
    assert count(installation, of("full.example")) == 1


def test_what_is_wrong_is_told_as_plausible_tells_it(place):
    for body, status in ((b"{", 400), (b"[]", 400), (b'{"u": "https://a.example/"}', 400)):
        told, answer = place[0].ask("POST", "/api/event", body)
        assert told == status
        assert json.loads(answer)["errors"]
    assert place[0].ask("POST", "/api/event", b"x" * 1_100_000)[0] == 413


def test_the_domain_is_the_write_key(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footfall.toml").write_text('[apps.shop]\nwrite_keys = ["shop.example"]\norigins = ["*"]\n')
    with running(data) as installation:
        view = {"n": "pageview", "u": "https://shop.example/a"}
        place = (installation, None)
        assert posted(place, view | {"d": "other.example"})[0] == 401
        assert posted(place, view | {"d": "shop.example,all.example"})[0] == 202
        assert posted(place, view, {"User-Agent": "no domain"})[0] == 202
        assert [event["app_id"] for event in rows(installation)] == ["shop", "shop"]
