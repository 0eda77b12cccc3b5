"""PostHog's browser client, unmodified, in real Chromium against a running footfall."""

import json

import pytest
from posthog_wire import KEY, assert_kept, later, named, platform, sent_events, stored
from tracking import chromium, demand_node, site, unavailable, wait_for

PAGE = """<!doctype html><title>Shop</title>
<button id="buy">Buy now</button><a id="out" href="https://other.example/">away</a>
<script src="/clients/posthog-js/dist/array.js"></script>
<script>
  posthog.init("KEY", Object.assign({
    api_host: "COLLECTOR", person_profiles: "always", opt_out_useragent_filter: true,
    request_queue_config: { flush_interval_ms: 250 },
    loaded: (client) => client.onFeatureFlags((flags) => { window.flags = flags.join() || "none"; }),
  }, OPTIONS));
</script>"""
CALLS = """() => {
  posthog.capture("Order Completed", { revenue: 19, currency: "EUR", products: [{ sku: "a" }] });
  posthog.setPersonProperties({ plan: "pro" }, { first_seen: "2026" });
  posthog.group("company", "acme", { industry: "tools" });
  posthog.identify("ada", { age: 36 }, { seen: "x" });
  posthog.capture("Knows You");
  posthog.alias("ada2");
  posthog.captureException(new Error("out of stock"));
}"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform that asks for a key, and a tap before its collector."""
    with platform(tmp_path_factory.mktemp("posthog") / "data") as found:
        yield found


@pytest.fixture
def since(place):
    """Give what a test alone sends: a tap's memory that begins now."""
    return later(place[1])


def opened(browser, folder, address, collector, options):
    """Open the shop in a new profile and wait until the client has booted."""
    (folder / "index.html").write_text(
        PAGE.replace("KEY", KEY).replace("COLLECTOR", collector).replace("OPTIONS", json.dumps(options))
    )
    page = browser.new_context(locale="de-DE", timezone_id="Europe/Berlin").new_page()
    page.goto(f"{address}/?utm_source=news&utm_campaign=spring")
    page.wait_for_function("window.flags === 'none'")
    return page


@pytest.mark.chromium
def test_every_call_of_the_browser_client_arrives_once(place, since, tmp_path):
    demand_node()
    installation, wire = place
    with site(tmp_path) as address, chromium() as browser:
        page = opened(browser, tmp_path, address, wire.url, {"autocapture": True})
        page.click("#buy")
        page.evaluate(CALLS)
        wait_for(lambda: len(sent_events(since())) >= 9)
        page.evaluate("() => { posthog.reset(); posthog.capture('Somebody Else'); }")
        wait_for(lambda: len(sent_events(since())) >= 10)
        page.goto("about:blank")
        wait_for(lambda: len(sent_events(since())) >= 11)
    sent = sent_events(since())
    found = stored(installation, sent)
    assert sorted(row["event"] for row in found) == [
        *("alias", "click", "exception", "group", "identify", "knows_you", "order_completed"),
        *("page_leave", "page_view", "set_person", "somebody_else"),
    ]
    assert_kept(found, sent)
    view = named(found, "page_view")
    assert (
        view.items()
        >= {
            "url": f"{address}/?utm_source=news&utm_campaign=spring",
            "title": "Shop",
            "source": "news",
            "campaign": "spring",
            "language": "de-DE",
            "timezone": "Europe/Berlin",
            "screen": "1280x720",
            "os": "Linux",
        }.items()
    )
    assert view["session_id"] == sent[view["event_id"]]["properties"]["$session_id"]
    assert named(found, "click")["element"] == "Buy now"
    order = named(found, "order_completed")
    assert (order["value"], order["currency"]) == (19.0, "EUR")
    assert named(found, "set_person")["user_properties"]["plan"] == "pro"
    before = view["anonymous_id"]
    assert {row["anonymous_id"] for row in (order, named(found, "group"))} == {before}
    identify = named(found, "identify")
    assert (identify["user_id"], identify["anonymous_id"]) == ("ada", before)
    assert identify["user_properties"]["age"] == 36
    assert identify["user_properties"]["$set_once"]["seen"] == "x"
    assert named(found, "knows_you")["user_id"] == "ada"
    alias = named(found, "alias")
    assert (alias["user_id"], alias["properties"]["previous_id"]) == ("ada2", "ada")
    other = named(found, "somebody_else")
    assert "user_id" not in other
    assert other["anonymous_id"] not in ("ada", before)
    assert named(found, "page_leave")["time_spent"] > 0
    assert [(each.method, each.path) for each in since().sent if each.status not in (200, 204)] == []
    since().replay()
    assert stored(installation, sent) == found


@pytest.mark.chromium
def test_without_autocapture_and_compression_a_503_is_tried_again(place, since, tmp_path):
    demand_node()
    installation, wire = place
    options = {"autocapture": False, "disable_compression": True, "person_profiles": "identified_only"}
    with site(tmp_path) as address, chromium() as browser:
        page = opened(browser, tmp_path, address, wire.url, options)
        with unavailable(installation):
            page.click("#buy")
            page.evaluate("() => posthog.capture('In The Dark')")
            wait_for(lambda: [each for each in since().sent if each.status == 503], 30)
        wait_for(
            lambda: [each for each in since().sent if "retry_count=1" in each.path and each.status == 200]
        )
        page.goto("about:blank")
        wait_for(lambda: [each for each in since().sent if each.body.startswith(b"data=")])
    sent = sent_events(since())
    found = stored(installation, sent)
    assert sorted(row["event"] for row in found) == ["in_the_dark", "page_leave", "page_view"]
    assert_kept(found, sent)
    assert {row["anonymous_id"] for row in found} == {named(found, "page_view")["anonymous_id"]}
    since().replay()
    assert stored(installation, sent) == found
