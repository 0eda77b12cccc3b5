"""Snowplow's official clients against a running footfall: every call of each, by POST and by GET."""

import json
import threading
from collections import Counter
from itertools import count as numbers

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

SP = "com.snowplowanalytics.snowplow"
PYTHON_CALLS = [
    "add_to_basket",
    "add_to_cart",
    "change_form",
    "link_click",
    "page_ping",
    "page_view",
    "remove_from_cart",
    "save_game",
    "screen_view",
    "site_search",
    "submit_form",
    "transaction",
    "transaction_item",
]
NODE_CALLS = sorted(
    [
        *PYTHON_CALLS,
        *("ad_click", "ad_conversion", "ad_impression", "consent_granted", "consent_withdrawn"),
        *("focus_form", "social_interaction"),
    ]
)
SAID = {
    "user_id": "ada",
    "anonymous_id": "dev-1",
    "visitor_id": "ada",
    "session_id": "ses-1",
    "ip": "203.0.113.0",
    "browser": "Chrome",
    "screen": "1920x1080",
    "language": "de-DE",
    "timezone": "Europe/Berlin",
    "origin": "snowplow",
}
VIEW = {
    "created_at": "2026-03-01T12:00:00.123000Z",
    "url": "https://shop.example/cart?utm_source=news&utm_campaign=spring",
    "title": "Cart",
    "referrer": "https://t.co/a",
    "source": "news",
    "campaign": "spring",
}
CART = {
    "item_id": "p1",
    "item_name": "Shoe",
    "item_category": "shoes",
    "price": 9.5,
    "quantity": 2,
    "currency": "EUR",
}
APPS = numbers(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector."""
    data = tmp_path_factory.mktemp("snowplow") / "data"
    with running(data) as installation, tap(installation) as wire:
        yield installation, wire


@pytest.fixture
def app(place):
    """Give an app of the test's own; the tap forgets what it saw before."""
    place[1].sent.clear()
    return f"app-{next(APPS)}"


def of(app):
    return f"app_id = '{app}'"


def by_event(installation, app):
    return {event["event"]: event for event in rows(installation, of(app))}


def part(properties, *names):
    return {name: properties[name] for name in names}


def assert_the_calls_of_a_server(found, names):
    """Compare what the Python and the Node client have in common, field by field."""
    assert sorted(found) == names
    for event in found.values():
        assert event.items() >= SAID.items()
        assert event["properties"].items() >= {"vid": 3, "vp": "1200x700", "tnuid": "net-1"}.items() or (
            event["properties"]["nuid"] == "net-1"
        )
        assert len(event["event_id"]) == 36
    view = found["page_view"]
    assert view.items() >= VIEW.items()
    assert [tag["n"] for tag in view["properties"]["com.acme/tag"]] == [1, 2]
    assert view["properties"]["com.acme/tag"][1]["word"] == "Grüße ???>>>"
    ping = found["page_ping"]
    assert ping["url"] == VIEW["url"]
    assert part(ping["properties"], "pp_max", "pp_may") == {"pp_max": 10, "pp_may": 900}
    basket = found["add_to_basket"]
    assert basket["value"] == 19.5
    assert part(basket["properties"], "category", "label", "property") == {
        "category": "shop",
        "label": "shoe",
        "property": "red",
    }
    game = found["save_game"]["properties"]
    assert game["com.acme/save_game"] == {"level": 5, "name": "ü?>"}
    assert game["schemas"] == ["iglu:com.acme/save_game/jsonschema/1-0-2"]
    assert found["screen_view"]["title"] == "Basket"
    click = found["link_click"]
    assert click["element"] == "buy"
    assert click["properties"][f"{SP}/link_click"]["targetUrl"] == "https://x.example/"
    added, removed = found["add_to_cart"], found["remove_from_cart"]
    assert (added["value"], added["currency"], added["properties"]["items"]) == (19.0, "EUR", [CART])
    assert (removed["value"], removed["properties"]["items"]) == (9.5, [CART | {"quantity": 1}])
    assert (found["change_form"]["element"], found["submit_form"]["element"]) == ("field-1", "f1")
    assert found["site_search"]["properties"][f"{SP}/site_search"]["terms"] == ["red", "shoe"]
    order = found["transaction"]
    assert (order["value"], order["currency"]) == (40.5, "EUR")
    told = part(order["properties"], "transaction_id", "affiliation", "tax", "shipping", "city", "country")
    assert list(told.values()) == ["o1", "web", 6.5, 4, "Berlin", "DE"]
    item = found["transaction_item"]
    assert item["currency"] == "EUR"
    assert "value" not in item
    sold = {name: value for name, value in CART.items() if name != "currency"}
    assert item["properties"]["items"] == [sold | {"price": 18.25}]


@pytest.mark.parametrize(("method", "kind"), [("post", "sync"), ("get", "plain"), ("post", "async")])
def test_every_call_of_the_python_client_arrives_once(place, app, method, kind):
    installation, wire = place
    run_python("snowplow_calls.py", wire.url, app, method, kind)
    assert {each.method for each in wire.sent} == {method.upper()}
    assert_the_calls_of_a_server(by_event(installation, app), PYTHON_CALLS)
    before = rows(installation, of(app))
    assert set(wire.replay()) == {200}
    assert rows(installation, of(app)) == before


@pytest.mark.parametrize(("method", "mode"), [("post", "plain"), ("get", "base64")])
def test_every_call_of_the_node_client_arrives_once(place, app, method, mode):
    installation, wire = place
    run_node("snowplow_calls.mjs", wire.url, app, method, mode)
    assert {each.method for each in wire.sent} == {method.upper()}
    found = by_event(installation, app)
    assert_the_calls_of_a_server(found, NODE_CALLS)
    consent = found["consent_granted"]["properties"]
    assert consent[f"{SP}/consent_granted"] == {"expiry": "2027-01-01T00:00:00Z"}
    assert consent[f"{SP}/consent_document"]["name"] == "terms"
    assert found["focus_form"]["element"] == "field-1"
    assert set(wire.replay()) == {200}
    assert count(installation, of(app)) == len(NODE_CALLS)


def test_a_server_that_asks_for_it_is_not_known_by_address(place, app):
    installation, wire = place
    run_node("snowplow_calls.mjs", wire.url, app, "post", "anonymous")
    headers = [{name.lower(): value for name, value in each.headers} for each in wire.sent]
    assert {each["sp-anonymous"] for each in headers} == {"*"}
    found = rows(installation, of(app))
    assert len(found) == len(NODE_CALLS)
    assert not any("ip" in event or "nuid" in event["properties"] for event in found)


@pytest.mark.parametrize("client", ["python", "node"])
def test_nothing_is_lost_while_the_log_cannot_be_written(place, app, client):
    installation, wire = place
    (demand_python if client == "python" else demand_node)()
    run, script, mode, names = {
        "python": (run_python, "snowplow_calls.py", "sync", PYTHON_CALLS),
        "node": (run_node, "snowplow_calls.mjs", "base64", NODE_CALLS),
    }[client]
    with unavailable(installation):
        sending = threading.Thread(target=run, args=(script, wire.url, app, "post", mode))
        sending.start()
        wait_for(lambda: [each for each in wire.sent if each.status == 503], 30)
    sending.join(60)
    assert sorted(event["event"] for event in rows(installation, of(app))) == names


PAGE = """<!doctype html><meta charset="utf-8"><title>Shop</title><body style="height: 3000px"><h1>Shop</h1>
<script src="/clients/@snowplow/browser-tracker/dist/index.umd.js"></script>
<script>
  const sp = window.snowplowBrowserTracking;
  window.answered = 0;
  sp.newTracker("site", "COLLECTOR", {
    appId: "APP", eventMethod: "METHOD", cookieSecure: false, MORE
    contexts: { webPage: true, session: true, browser: true },
    onRequestSuccess: (events) => { window.answered += events.length; },
  });
  sp.enableActivityTracking({ minimumVisitLength: 1, heartbeatDelay: 1, activityMetrics: true });
  const tag = { schema: "iglu:com.acme/tag/jsonschema/1-0-0", data: { word: "Grüße ???>>>" } };
  sp.trackPageView({ context: [tag] });
  sp.setUserId("ada");
  sp.trackStructEvent({
    category: "shop", action: "Add to basket", label: "shoe", property: "red", value: 19.5 });
  sp.trackSelfDescribingEvent({ context: [tag], event: {
    schema: "iglu:com.acme/save_game/jsonschema/1-0-2", data: { level: 5, name: "ü?>" } } });
  sp.trackSelfDescribingEvent({ event: {
    schema: "iglu:com.snowplowanalytics.snowplow/link_click/jsonschema/1-0-1",
    data: { targetUrl: "https://x.example/", elementId: "buy", elementContent: "Buy" } } });
</script>"""
TP2 = "/com.snowplowanalytics.snowplow/tp2"


def page_of(wire, app, method="post", more=""):
    page = PAGE.replace("COLLECTOR", wire.url).replace("APP", app)
    return page.replace("METHOD", method).replace("MORE", more)


def asked(page, expression):
    return wait_for(lambda: page.evaluate(expression))


@pytest.mark.chromium
@pytest.mark.parametrize("method", ["post", "get"])
def test_every_call_of_the_browser_client_arrives_once(place, app, tmp_path, method):
    demand_node()
    installation, wire = place
    heartbeat = f'postPath: "{TP2}?heartbeat=1",'
    (tmp_path / "index.html").write_text(page_of(wire, app, method, heartbeat))
    with site(tmp_path) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 700}, locale="de-DE")
        page.goto(f"{address}/?utm_source=news", referer="https://t.co/a")
        page.mouse.wheel(0, 400)
        asked(page, "window.answered >= 5")
        page.close()
    found = by_event(installation, app)
    assert sorted(found) == ["add_to_basket", "link_click", "page_ping", "page_view", "save_game"]
    view = found["page_view"]
    assert view.items() >= {"title": "Shop", "url": f"{address}/?utm_source=news"}.items()
    assert view.items() >= {"referrer": "https://t.co/a", "source": "news", "language": "de-DE"}.items()
    assert view["properties"]["com.acme/tag"] == {"word": "Grüße ???>>>"}
    assert view["properties"]["cookies_enabled"] == 1
    assert "user_id" not in view
    session = view["properties"][f"{SP}/client_session"]
    assert view["session_id"] == session["sessionId"]
    assert view["anonymous_id"] == session["userId"]
    [[page_views]] = installation.sql(
        f"""select count(distinct properties->>'$."{SP}/web_page".id') from events where {of(app)}"""
    )
    assert page_views == 1
    for name, event in found.items():
        assert (event["session_id"], event["anonymous_id"]) == (view["session_id"], view["anonymous_id"])
        assert event.get("user_id") == (None if name == "page_view" else "ada")
        assert event["screen"].count("x") == 1
        assert event["properties"]["vp"] == "1000x700"
    assert found["add_to_basket"]["value"] == 19.5
    assert found["save_game"]["properties"]["com.acme/save_game"] == {"level": 5, "name": "ü?>"}
    assert found["link_click"]["element"] == "buy"
    ping = found["page_ping"]
    assert ping["properties"]["pp_may"] >= 0
    assert f"{SP}/activity_metrics" in ping["properties"]
    assert ping.get("time_spent") == (1 if method == "post" else None)
    posted = [each for each in wire.sent if each.method == method.upper()]
    assert len(posted) == len([each for each in wire.sent if each.method != "OPTIONS"])
    before = Counter(event["event_id"] for event in rows(installation, of(app)))
    assert set(wire.replay()) == {200}
    assert Counter(event["event_id"] for event in rows(installation, of(app))) == before


@pytest.mark.chromium
def test_the_browser_sends_again_what_could_not_be_stored_and_is_anonymous_if_it_asks(place, app, tmp_path):
    demand_node()
    installation, wire = place
    anonymous = "anonymousTracking: { withServerAnonymisation: true },"
    (tmp_path / "index.html").write_text(page_of(wire, app, more=anonymous))
    with site(tmp_path) as address, chromium() as browser:
        page = browser.new_page()
        with unavailable(installation):
            page.goto(address)
            wait_for(lambda: [each for each in wire.sent if each.status == 503], 30)
        asked(page, "sp.flushBuffer({}) || window.answered >= 4")
        assert page.evaluate("document.cookie") == ""
        page.close()
    found = rows(installation, of(app))
    assert {event["event"] for event in found} >= {"page_view", "add_to_basket", "save_game", "link_click"}
    assert max(Counter(event["event_id"] for event in found).values()) == 1
    for event in found:
        assert not event.keys() & {"ip", "user_id", "anonymous_id", "country"}
        assert "Chrome" in event["browser"]


def test_no_cookie_is_set_and_there_is_no_redirect(place, app):
    installation, wire = place
    for path in ("/i", "/ice.png", TP2):
        status, headers, body = wire.pass_on("GET", f"{path}?e=pv&aid={app}&p=web", [("Host", "c")], b"")
        assert (status, body[:3]) == (200, b"GIF")
        assert "set-cookie" not in {name.lower() for name, _ in headers}
    status, headers, body = wire.pass_on("HEAD", f"/i?e=pv&aid={app}&p=web", [("Host", "c")], b"")
    assert (status, body) == (200, b"")
    assert count(installation, of(app)) == 4
    for path in ("/r/tp2?u=https%3A%2F%2Fevil.example", "/com.acme/tp2", f"{TP2}/x"):
        assert installation.ask("GET", path)[0] == 404


def test_what_is_no_event_is_kept_as_rejected_and_answered_with_200(place, app):
    installation, _ = place
    events = [{"e": "pv", "aid": app, "p": "web"}, {"e": "xx", "aid": app, "note": f"odd-{app}"}]
    schema = f"iglu:{SP}/payload_data/jsonschema/1-0-4"
    body = json.dumps({"schema": schema, "data": events}).encode()
    assert installation.ask("POST", TP2, body) == (200, b"ok")
    assert count(installation, of(app)) == 1
    [kept] = installation.get(f"/api/rejected?app={app}")
    assert f"odd-{app}" in json.dumps(kept)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"schema": "x", "data": [{"e": "pv"}]}', b"x" * 1_100_000])
def test_what_can_never_be_taken_is_refused_so_that_clients_give_up(place, body):
    installation, _ = place
    status, answer = installation.ask("POST", TP2, body)
    assert status == 400
    assert answer


def test_the_app_id_is_the_write_key(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footfall.toml").write_text('[apps.shop]\nwrite_keys = ["shop-web"]\norigins = ["*"]\n')
    with running(data) as installation:
        for aid, status in (("other", 401), ("shop-web", 200)):
            assert installation.ask("GET", f"/i?e=pv&p=web&tv=x&aid={aid}")[0] == status
        assert installation.ask("GET", "/i?e=pv&p=web&tv=x")[0] == 401
        assert [event["app_id"] for event in rows(installation)] == ["shop"]
