"""The web SDK in a real Chromium against a running footfall: what arrives, what doesn't, and how often."""

import contextlib
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import missing
from installation import Installation, running
from tracking import CHROMIUM, Tap, rows, site, tap, unavailable, wait_for

pytestmark = pytest.mark.chromium

APPS = (f"app{number}" for number in itertools.count())
SECRETS = ("hunter2", "ada.lovelace@private.example", "4111111111111111", "Baker Street", "my diary")
HIDE = """() => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => HIDDEN });
    Object.defineProperty(document, "visibilityState", {
        configurable: true, get: () => HIDDEN ? "hidden" : "visible" });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });"
COUNT_WRITES = """
    window.writes = 0;
    const set = Storage.prototype.setItem;
    Storage.prototype.setItem = function () { window.writes++; return set.apply(this, arguments); };
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path,
            args=[*CHROMIUM, "--host-resolver-rules=MAP *.example 127.0.0.1"],
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with running(tmp_path_factory.mktemp("installation") / "data") as installation:
        yield installation


class Shop:
    """A site of one app; its pages carry the SDK as any page would."""

    def __init__(self, installation: Installation, wire: Tap, context: Any, folder: Path, url: str) -> None:
        self.installation = installation
        self.wire = wire
        self.context = context
        self.folder = folder
        self.url = url
        self.app = next(APPS)
        self.wrong: list[str] = []

    def page(self, name: str, attributes: str = "", body: str = "", head: str = "") -> str:
        """Write a page; return its address."""
        (self.folder / name).write_text(
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>{head}'
            f'<script defer src="{self.wire.url}/footfall.js" data-app="{self.app}" {attributes}></script>'
            f'<link rel="icon" href="data:,"></head><body>{body}</body></html>'
        )
        return f"{self.url}/{name}"

    def open(self, name: str, attributes: str = "", body: str = "", head: str = "") -> Any:
        """Write a page and open it in a new tab."""
        return self.tab(self.page(name, attributes, body, head))

    def tab(self, address: str) -> Any:
        """Open an address in a new tab."""
        tab = self.context.new_page()
        tab.set_default_timeout(10_000)
        tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        tab.goto(address)
        return tab

    def requests(self) -> list[Any]:
        """Return what was posted for this app."""
        mine = f'"app_id":"{self.app}"'.encode()
        return [each for each in list(self.wire.sent) if each.method == "POST" and mine in each.body]

    def sent(self) -> list[dict[str, Any]]:
        """Return every event as it was taken over the wire, in order; one taken twice is there twice."""
        return [event for each in self.requests() if each.status == 200 for event in json.loads(each.body)]

    def wait(self, number: int = 1, event: str | None = None) -> list[dict[str, Any]]:
        """Wait for events on the wire (of one name); return all those."""

        def found() -> list[dict[str, Any]]:
            return [each for each in self.sent() if event in (None, each["event"])]

        wait_for(lambda: len(found()) >= number)
        return found()

    def rows(self) -> list[dict[str, Any]]:
        """Return what is stored of this app, in the order of its making."""
        return sorted(rows(self.installation, f"app_id = '{self.app}'"), key=lambda row: row["created_at"])

    @contextmanager
    def cut_off(self, status: int = 0, headers: dict[str, str] | None = None) -> Iterator[list[float]]:
        """Let no event through: the network fails, or something before the collector says ``status``."""
        tries: list[float] = []

        def refuse(route: Any) -> None:
            tries.append(time.monotonic())
            if not status:
                return route.abort("internetdisconnected")
            shown = {"access-control-allow-origin": "*", "access-control-expose-headers": "Retry-After"}
            return route.fulfill(status=status, headers=shown | (headers or {}), body="{}")

        pattern = f"{self.wire.url}/v1/events*"
        self.context.route(pattern, refuse)
        yield tries
        self.context.unroute(pattern)


@pytest.fixture(scope="module")
def wire(installation: Installation) -> Iterator[Tap]:
    with tap(installation) as wire:
        yield wire


@pytest.fixture
def shop(installation: Installation, wire: Tap, browser: Any, tmp_path: Path) -> Iterator[Shop]:
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    with site(tmp_path) as url:
        shop = Shop(installation, wire, context, tmp_path, url)
        yield shop
        context.close()
    assert shop.wrong == []


def stored(tab: Any) -> dict[str, str]:
    return dict(tab.evaluate("() => Object.entries(localStorage)"))


def held(tab: Any) -> list[str]:
    """Return the events that wait in the browser's storage, by name."""
    kept = sorted((key, text) for key, text in stored(tab).items() if ".q." in key)
    lines = [line for _, text in kept for line in text.split("\n")]
    return [json.loads(line + "}")["event"] for line in lines]


def track(tab: Any, *names: str) -> None:
    for name in names:
        tab.evaluate("name => footfall('track', name)", name)


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]


# What a page view says, and what it leaves behind.


def test_a_page_view_arrives_with_its_page(shop: Shop) -> None:
    shop.page("index.html", body='<a href="menu.html?utm_source=mail">menu</a>')
    shop.page("menu.html")
    tab = shop.tab(f"{shop.url}/index.html")
    tab.click("a")
    shop.wait(2, "page_view")
    first, second = [row for row in shop.rows() if row["event"] == "page_view"]
    assert (first["path"], first["title"]) == ("/index.html", "index.html")
    assert "referrer" not in first
    assert second.items() >= {"path": "/menu.html", "source": "mail", "origin": "native"}.items()
    assert second["referrer"] == f"{shop.url}/index.html"
    assert second.items() >= {"language": "en-GB", "timezone": "Europe/Berlin"}.items()
    assert second["screen"] == "1280x720"
    assert second["sent_at"] >= second["created_at"]


def test_by_default_nothing_is_stored_and_nobody_is_named(shop: Shop) -> None:
    shop.context.add_init_script(COUNT_WRITES)
    tab = shop.open("index.html")
    track(tab, "one")
    tab.wait_for_timeout(400)
    track(tab, "two")
    shop.wait(3)
    tab.wait_for_timeout(700)
    assert tab.evaluate("window.writes") == 0
    assert stored(tab) == {}
    assert shop.context.cookies() == []
    assert shop.context.storage_state() == {"cookies": [], "origins": []}
    for event in shop.sent():
        assert not {"anonymous_id", "session_id", "user_id"} & event.keys()
    assert not [each for each in shop.wire.sent if each.method == "OPTIONS"]
    assert len({row["visitor_id"] for row in shop.rows()}) == 1


def test_calls_before_the_script_are_heard_in_order(shop: Shop) -> None:
    early = """<script>window.footfall = window.footfall || function () {
        (footfall.q = footfall.q || []).push(arguments) };
        footfall("track", "early", { plan: "pro", value: 19, currency: "EUR" });
        footfall("identify", "u-17", { age: 36 });</script>"""
    tab = shop.open("index.html", head=early)
    shop.wait(3)
    assert [event["event"] for event in shop.sent()] == ["identify", "page_view", "early"]
    assert {event["user_id"] for event in shop.sent()} == {"u-17"}
    by_event = {row["event"]: row for row in shop.rows()}
    assert by_event["early"].items() >= {"value": 19.0, "currency": "EUR", "visitor_id": "u-17"}.items()
    assert by_event["early"]["properties"]["plan"] == "pro"
    assert by_event["identify"]["user_properties"] == {"age": 36}
    tab.evaluate("footfall('reset')")
    track(tab, "later")
    assert "user_id" not in shop.wait(1, "later")[0]


def test_a_wrong_call_is_told_and_stops_nothing(shop: Shop) -> None:
    early = """<script>(window.footfall = function () {}).q = [
        ["track", "round", (() => { const o = {}; o.o = o; return o })()], ["jump"], ["track", "early"]];
        </script>"""
    address = shop.page("index.html", head=early)
    said: list[str] = []
    shop.context.on("console", lambda message: said.append(message.text))
    tab = shop.tab(address)
    tab.evaluate("footfall('track', 'big', { n: 10n }); footfall('track'); footfall('track', 'fine')")
    assert [event["event"] for event in shop.wait(3)] == ["page_view", "early", "fine"]
    assert [text.split()[:2] for text in said] == [
        *(["footfall", "track"], ["footfall", "jump"], ["footfall", "track"])
    ]


def test_a_page_that_loads_the_script_twice_counts_once(shop: Shop) -> None:
    again = f'<script defer src="{shop.wire.url}/footfall.js" data-app="{shop.app}"></script>'
    tab = shop.open("index.html", head=again)
    tab.wait_for_timeout(600)
    assert [event["event"] for event in shop.wait()] == ["page_view"]


def test_events_of_a_moment_go_together_and_large_ones_alone(shop: Shop) -> None:
    tab = shop.open("index.html", 'data-pages="off"')
    tab.evaluate("for (let i = 0; i < 300; i++) footfall('track', 'many', { i, text: '€'.repeat(100) })")
    tab.evaluate("footfall('track', 'huge', { text: 'x'.repeat(200000) })")
    events = shop.wait(301)
    assert len(set(ids(events))) == 301
    assert len(ids(shop.sent())) == 301
    assert len(shop.requests()) <= 12
    many = [each for each in shop.requests() if b'"huge"' not in each.body]
    assert max(len(each.body) for each in many) < 65_536


# Single-page apps and the browser's history.


def test_a_single_page_app_has_page_views(shop: Shop) -> None:
    tab = shop.open("index.html")
    shop.wait()
    tab.wait_for_timeout(100)
    tab.evaluate("history.pushState({}, '', '/menu'); document.title = 'Menu'")
    tab.wait_for_timeout(150)
    tab.evaluate("history.replaceState({}, '', '/menu?sort=price')")  # the same page
    tab.evaluate("history.pushState({}, '', '/menu?sort=price')")  # the same again
    tab.evaluate("location.hash = 'top'")  # and again, without the option
    tab.wait_for_timeout(150)
    tab.evaluate("history.replaceState({}, '', '/login')")
    tab.evaluate("history.replaceState({}, '', '/account')")  # a redirect, counted once
    tab.wait_for_timeout(150)
    tab.evaluate("history.pushState({}, '', '/cart')")
    tab.wait_for_timeout(150)
    tab.go_back()
    shop.wait(5, "page_view")
    views = [event for event in shop.sent() if event["event"] == "page_view"]
    assert [urlsplit(view["url"]).path for view in views] == [
        *("/index.html", "/menu", "/account", "/cart", "/account")
    ]
    assert views[1]["title"] == "Menu"
    assert views[1]["referrer"] == f"{shop.url}/index.html"
    assert views[4]["referrer"] == f"{shop.url}/cart"
    leaves = shop.wait(4, "page_leave")
    assert [urlsplit(leave["url"]).path for leave in leaves][:2] == ["/index.html", "/menu"]
    assert leaves[0]["title"] == "index.html"
    assert leaves[1]["title"] == "Menu"


def test_the_hash_can_be_the_page(shop: Shop) -> None:
    tab = shop.open("index.html", 'data-spa="hash"')
    tab.evaluate("location.hash = '#/menu'")
    tab.wait_for_timeout(150)
    tab.evaluate("history.pushState({}, '', '#/cart')")
    views = shop.wait(3, "page_view")
    assert [urlsplit(view["url"]).fragment for view in views] == ["", "/menu", "/cart"]


def test_the_history_can_be_left_alone(shop: Shop) -> None:
    tab = shop.open("index.html", 'data-spa="off"')
    tab.evaluate("history.pushState({}, '', '/menu')")
    tab.evaluate("footfall('page', { section: 'food' })")
    views = shop.wait(2, "page_view")
    assert [view["properties"] for view in views] == [{}, {"section": "food"}]


def test_a_page_from_the_back_forward_cache_is_seen_again(shop: Shop) -> None:
    shop.page("other.html")
    tab = shop.open("index.html")
    shop.wait()
    tab.evaluate("window.alive = true")
    tab.wait_for_timeout(300)
    tab.goto(f"{shop.url}/other.html")
    shop.wait(2, "page_view")
    tab.evaluate("history.back()")
    views = shop.wait(3, "page_view")
    assert [urlsplit(view["url"]).path for view in views] == ["/index.html", "/other.html", "/index.html"]
    why = "() => JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)"
    assert tab.evaluate("window.alive"), tab.evaluate(why)
    assert len(set(ids(views))) == 3


# What people do on a page.

PARTS = """
  <button id="save">Save it</button> <button aria-label="Close">x</button>
  <button>  Buy
     now </button>
  <div data-footfall="plan_chosen" data-footfall-plan="pro" data-footfall-source-menu="top"
       data-footfall-value="19"><i>Pro</i></div>
  <a id="out" href="https://partner.example/offer?for=ada#x">Offer</a>
  <a href="/files/menu.PDF">The menu</a> <a download href="/raw">Raw</a>
  <a href="mailto:ada.lovelace@private.example">ada.lovelace@private.example</a>
  <a href="/inside">Inside</a> <p>Nothing to press</p>
  <div data-footfall-ignore><button>Secret</button></div>
  <details><summary>More</summary></details>
  <script>addEventListener("click", event => event.preventDefault());</script>
"""


def test_clicks_name_what_was_pressed(shop: Shop) -> None:
    tab = shop.open("index.html", body=PARTS)
    for part in ("button", "i", "a", "p", "summary"):
        for each in tab.locator(part).all():
            each.click()
    events = shop.wait(11)
    clicks = [(event["event"], event["element"]) for event in events if event["event"] != "page_view"]
    assert clicks == [
        *[("click", label) for label in ("save", "Close", "Buy now")],
        ("plan_chosen", "div"),
        ("outbound_click", "out"),
        *[("file_download", label) for label in ("The menu", "Raw")],
        *[("click", label) for label in ("mailto", "Inside", "More")],
    ]
    by_element = {event.get("element"): event["properties"] for event in events}
    assert by_element["div"] == {"plan": "pro", "source_menu": "top", "value": "19"}
    assert by_element["out"] == {"href": "https://partner.example/offer"}
    assert by_element["The menu"] == {"href": f"{shop.url}/files/menu.PDF"}
    chosen = next(row for row in shop.rows() if row["event"] == "plan_chosen")
    assert chosen["value"] == 19.0


def test_a_link_in_a_new_tab_counts_too(shop: Shop) -> None:
    tab = shop.open("index.html", body='<a href="https://partner.example/">Offer</a><button>B</button>')
    tab.click("a", button="middle")
    tab.click("button", button="middle")
    tab.click("a", button="right")
    tab.wait_for_timeout(500)
    assert [event["event"] for event in shop.sent() if event["event"] != "page_leave"] == [
        *("page_view", "outbound_click")
    ]


def test_each_kind_can_be_switched_off(shop: Shop) -> None:
    off = " ".join(f'data-{each}="off"' for each in ("clicks", "outbound", "downloads", "forms", "leave"))
    form = '<form action="/inside"><button>Go</button></form>'
    tab = shop.open("index.html", off, PARTS + form)
    for part in ("button", "i", "a"):
        for each in tab.locator(part).all():
            each.click()
    tab.evaluate("document.forms[0].requestSubmit()")
    tab.wait_for_timeout(300)
    shop.wait(2)
    assert [event["event"] for event in shop.sent()] == ["page_view", "plan_chosen"]


def test_forms_tell_that_they_were_sent_and_never_what_was_in_them(shop: Shop) -> None:
    password, mail, card, street, diary = SECRETS
    form = f"""<form id="signup" data-footfall="signed_up" data-footfall-plan="pro"
        onsubmit="event.preventDefault()"><input name="id" value="{street}"><input name="mail">
        <input type="password" name="pw"><input name="card"><textarea>{street}</textarea>
        <select><option>{street}</option></select>
        <input type="submit" value="{street}">
        <input type="checkbox" data-footfall="agreed" value="{street}">
        <button type="button">Go <select><option>{street}</option></select></button></form>
        <form name="search" onsubmit="event.preventDefault()"><input name="q"></form>
        <div contenteditable data-footfall="wrote">{diary}</div>
        <div contenteditable><a href="/x">{diary}</a></div>"""
    tab = shop.open("index.html", 'data-vitals="on"', form)
    tab.fill("[name=mail]", mail)
    tab.fill("[name=pw]", password)
    tab.fill("[name=card]", card)
    for part in ("[type=checkbox]", "[contenteditable]:not([data-footfall]) a", "[data-footfall=wrote]"):
        tab.click(part)
    tab.locator("[type=button]").dispatch_event("click")
    tab.click("[type=submit]")
    tab.fill("[name=q]", diary)
    tab.press("[name=q]", "Enter")
    shop.wait(1, "form_submit")
    tab.goto("about:blank")
    shop.wait(1, "page_leave")
    found = {(event["event"], event.get("element")) for event in shop.sent()}
    assert found >= {("signed_up", "signup"), ("form_submit", "search"), ("agreed", "input")}
    assert next(e for e in shop.sent() if e["event"] == "signed_up")["properties"] == {"plan": "pro"}
    everything = b"".join(each.body for each in shop.requests()).decode()
    for secret in SECRETS:
        assert secret not in everything


def test_a_page_left_tells_how_long_and_how_far(shop: Shop) -> None:
    tall = '<div style="height: 2880px"></div><style>body { margin: 0 }</style>'
    tab = shop.open("index.html", body=tall)
    tab.wait_for_timeout(500)
    tab.evaluate("scrollTo(0, 720)")
    tab.wait_for_timeout(200)
    tab.evaluate("scrollTo(0, 0)")
    tab.wait_for_timeout(300)
    tab.goto("about:blank")
    [leave] = shop.wait(1, "page_leave")
    assert leave["properties"] == {"scroll": 50}
    assert 0.9 < leave["time_spent"] < 5
    assert next(row for row in shop.rows() if row["event"] == "page_leave")["time_spent"] > 0.9


def test_the_last_words_of_a_closed_tab_arrive(shop: Shop) -> None:
    tab = shop.open("index.html")
    shop.wait()
    tab.wait_for_timeout(400)
    tab.evaluate("footfall('track', 'one'); footfall('track', 'two')")
    tab.close()
    names = [event["event"] for event in shop.wait(4)]
    assert names == ["page_view", "one", "two", "page_leave"]


def test_only_time_in_view_counts(shop: Shop) -> None:
    tab = shop.open("index.html")
    tab.wait_for_timeout(300)
    tab.evaluate(HIDE.replace("HIDDEN", "true"))
    tab.wait_for_timeout(2_000)
    tab.evaluate(HIDE.replace("HIDDEN", "false"))
    tab.wait_for_timeout(300)
    tab.goto("about:blank")
    leaves = shop.wait(2, "page_leave")
    assert 0.5 < sum(leave["time_spent"] for leave in leaves) < 1.9


def test_a_tab_that_was_never_looked_at_has_no_time(shop: Shop) -> None:
    hidden = HIDE.replace("HIDDEN", "true").replace("document.dispatch", "document.body?.dispatch")
    shop.context.add_init_script(f"({hidden})()")
    tab = shop.open("index.html", 'data-vitals="on"')
    tab.wait_for_timeout(500)
    tab.goto("about:blank")
    tab.wait_for_timeout(500)
    assert [event["event"] for event in shop.wait()] == ["page_view"]


def test_web_vitals_are_told_once_where_they_are_wanted(shop: Shop) -> None:
    slow = "addEventListener('click', () => { const end = performance.now() + 60;"
    moving = "setTimeout(() => { late.style.height = '300px' }, 100)"
    body = (
        f'<h1>Large</h1><div id="late"></div><p>below</p><button>B</button>'
        f"<script>{slow} while (performance.now() < end); }}); {moving}</script>"
    )
    tab = shop.open("index.html", 'data-vitals="on"', body)
    tab.wait_for_timeout(1_000)
    tab.click("button")
    tab.wait_for_timeout(300)
    tab.goto("about:blank")
    [vitals] = shop.wait(1, "web_vitals")
    measured = vitals["properties"]
    assert 0 < measured["lcp"] < 10_000
    assert 0 < measured["cls"] < 1
    assert 60 <= measured["inp"] < 2_000


# Nothing is lost, and nothing counts twice.


def test_offline_then_online(shop: Shop) -> None:
    tab = shop.open("index.html")
    shop.wait()
    shop.context.set_offline(True)
    track(tab, "one", "two")
    wait_for(lambda: held(tab) == ["one", "two"])
    track(tab, "three")
    wait_for(lambda: sorted(held(tab)) == ["one", "three", "two"])
    shop.context.set_offline(False)
    shop.wait(4)
    wait_for(lambda: stored(tab) == {})
    assert [row["event"] for row in shop.rows()] == ["page_view", "one", "two", "three"]
    assert len(ids(shop.sent())) == 4


def test_what_was_not_delivered_survives_the_reload(shop: Shop) -> None:
    address = shop.page("index.html")
    with shop.cut_off():
        tab = shop.tab(address)
        track(tab, "before")
        wait_for(lambda: held(tab) == ["page_view", "before"])
        tab.reload()
        track(tab, "after")
        wait_for(lambda: held(tab)[-1:] == ["after"])
        kept = held(tab)
        assert kept.count("page_view") == 2
        assert kept.count("page_leave") == 1
    tab.reload()
    shop.wait(7)
    wait_for(lambda: stored(tab) == {})
    assert len(shop.rows()) == len(shop.sent()) == 7


@pytest.mark.parametrize("failing", [False, True])
def test_a_tab_that_is_killed_loses_nothing(shop: Shop, failing: bool) -> None:
    address = shop.page("index.html")
    tab = shop.tab(address)
    shop.wait()
    if failing:
        with shop.cut_off():
            track(tab, "first", "second")
            wait_for(lambda: held(tab) == ["first", "second"])
            track(tab, "last")
            crash(tab)
            tab.close()
    else:
        tab.wait_for_timeout(400)
        track(tab, "first")
        tab.wait_for_timeout(20)
        crash(tab)
        shop.wait(1, "first")
    after = shop.tab(address)
    wait_for(lambda: {row["event"] for row in shop.rows()} >= {"page_view", "first"})
    if failing:
        shop.wait(5)
    wait_for(lambda: stored(after) == {})
    names = [row["event"] for row in shop.rows()]
    assert names == ["page_view", "first", *(["second", "last"] if failing else []), "page_view"]
    assert len(ids(shop.sent())) == len(set(ids(shop.sent())))


def crash(tab: Any) -> None:
    """Kill the tab's process: no handler of the page runs any more."""
    from playwright.sync_api import Error

    with tab.expect_event("crash"), contextlib.suppress(Error):
        tab.goto("chrome://crash", timeout=2_000)


def test_a_collector_that_cannot_store_loses_no_event(shop: Shop) -> None:
    address = shop.page("index.html")
    tab = shop.tab(address)
    shop.wait()
    with unavailable(shop.installation):
        track(tab, "one", "two")
        tab.wait_for_timeout(800)
        assert held(tab) == ["one", "two"]  # not yet answered, and kept already
        wait_for(lambda: [each for each in shop.requests() if each.status == 503], 30)
        track(tab, "three")
        tab.goto(address)
        track(tab, "four")
    wait_for(lambda: len(shop.sent()) >= 7, 40)
    wait_for(lambda: stored(tab) == {})
    names = [row["event"] for row in shop.rows()]
    assert sorted(names) == sorted(["page_view", "one", "two", "three", "page_leave", "page_view", "four"])


def test_it_waits_as_long_as_it_is_told(shop: Shop) -> None:
    with shop.cut_off(429, {"Retry-After": "2"}) as tries:
        tab = shop.open("index.html")
        wait_for(lambda: tab.wait_for_timeout(20) or len(tries) >= 2)
    assert tries[1] - tries[0] >= 2.4
    shop.wait(1)


def test_pauses_grow_and_differ(shop: Shop) -> None:
    with shop.cut_off(503) as tries:
        tab = shop.open("index.html")
        wait_for(lambda: tab.wait_for_timeout(20) or len(tries) >= 4)
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    for pause, least in zip(pauses, (0.5, 1.0, 2.0), strict=True):
        assert least <= pause <= 2 * least + 0.7


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_what_is_refused_for_good_is_not_sent_again(shop: Shop, status: int) -> None:
    with shop.cut_off(status) as tries:
        tab = shop.open("index.html")
        tab.wait_for_timeout(1_500)
        assert len(tries) == 1
        assert stored(tab) == {}
    track(tab, "later")
    shop.wait(1, "later")


def test_the_same_batch_again_counts_once(shop: Shop) -> None:
    tab = shop.open("index.html")
    track(tab, "one")
    shop.wait(2)
    before = shop.rows()
    for each in shop.requests():
        shop.wire.pass_on(each.method, each.path, each.headers, each.body)
    assert shop.rows() == before


@pytest.mark.parametrize("locks", [True, False])
def test_two_tabs_send_what_waited_once(shop: Shop, locks: bool) -> None:
    if not locks:
        shop.context.add_init_script(NO_LOCKS)
    address = shop.page("index.html", 'data-leave="off"')
    with shop.cut_off():
        tab = shop.tab(address)
        track(tab, *(f"e{number}" for number in range(20)))
        tab.wait_for_timeout(800)
        track(tab, "last")
        wait_for(lambda: len(held(tab)) == 22)
        tab.close()
        # Another page of the site, without the script, opens two at the same moment.
        (shop.folder / "two.html").write_text(
            f'<iframe src="{address}"></iframe><iframe src="{address}"></iframe>'
        )
    both = shop.tab(f"{shop.url}/two.html")
    shop.wait(24)
    wait_for(lambda: stored(both) == {})
    both.wait_for_timeout(300)
    assert len(ids(shop.sent())) == 24
    assert len(shop.rows()) == 24


def test_a_tab_leaves_another_s_unanswered_batch_alone(shop: Shop) -> None:
    address = shop.page("index.html", 'data-leave="off"')
    first = shop.tab(address)
    shop.wait()
    with unavailable(shop.installation):
        track(first, "slow")
        wait_for(lambda: first.wait_for_timeout(50) or held(first) == ["slow"])
        second = shop.tab(address)  # finds it in the storage
        second.wait_for_timeout(500)
    shop.wait(3)
    wait_for(lambda: stored(second) == {})
    assert ids(shop.sent()).count(shop.wait(1, "slow")[0]["event_id"]) == 1
    asked = [each for each in shop.requests() if b'"slow"' in each.body and each.status == 200]
    assert len(asked) == 1


def test_a_queue_in_memory_touches_no_storage(shop: Shop) -> None:
    shop.context.add_init_script(COUNT_WRITES)
    with shop.cut_off() as tries:
        tab = shop.open("index.html", 'data-queue="memory"')
        wait_for(lambda: tab.wait_for_timeout(20) or tries)
        track(tab, "later")
        tab.wait_for_timeout(200)
        assert tab.evaluate("window.writes") == 0
    assert [event["event"] for event in shop.wait(2)] == ["page_view", "later"]


def test_where_storage_is_forbidden_events_still_arrive(shop: Shop) -> None:
    shop.page("inside.html")
    (shop.folder / "outside.html").write_text('<iframe sandbox="allow-scripts" src="inside.html"></iframe>')
    with shop.cut_off() as tries:
        tab = shop.tab(f"{shop.url}/outside.html")
        wait_for(lambda: tab.wait_for_timeout(20) or tries)
    assert [event["event"] for event in shop.wait(1)] == ["page_view"]


def test_no_more_than_a_hundred_batches_are_kept(shop: Shop) -> None:
    with shop.cut_off() as tries:
        tab = shop.open("index.html", 'data-leave="off"')
        wait_for(lambda: tab.wait_for_timeout(20) or tries)
        tab.evaluate(
            "for (let i = 0; i < 150; i++) footfall('track', 'e' + i, { text: 'x'.repeat(17000) })"
        )
        kept = held(tab)
        assert len([key for key in stored(tab) if ".q." in key]) == 100
        assert kept[-1] == "e149"
        assert "e1" not in kept


# What people choose.


def test_an_id_is_kept_only_after_consent(shop: Shop) -> None:
    address = shop.page("index.html", 'data-persist="consent" data-leave="off"')
    tab = shop.tab(address)
    assert "anonymous_id" not in shop.wait(1)[0]
    tab.evaluate("footfall('consent', 'granted'); footfall('identify', 'u-17')")
    known = shop.wait(1, "identify")[0]
    assert known["anonymous_id"]
    assert known["session_id"]
    other = shop.tab(address)
    track(other, "there")
    there = shop.wait(1, "there")[0]
    for name in ("anonymous_id", "session_id", "user_id"):
        assert there[name] == known[name], name
    key = next(key for key in stored(tab) if key.endswith(".session"))
    tab.evaluate(
        "([key, id]) => localStorage.setItem(key, id + ' ' + (Date.now() - 1_860_000))",
        [key, known["session_id"]],
    )
    track(tab, "back")
    back = shop.wait(1, "back")[0]
    assert back["session_id"] != known["session_id"]
    assert back["anonymous_id"] == known["anonymous_id"]
    track(other, "same")
    assert shop.wait(1, "same")[0]["session_id"] == back["session_id"]
    tab.evaluate("footfall('reset')")
    track(tab, "new")
    new = shop.wait(1, "new")[0]
    assert "user_id" not in new
    assert new["anonymous_id"] != known["anonymous_id"]
    assert shop.context.cookies() == []


def test_with_consent_required_nothing_leaves_before_it(shop: Shop) -> None:
    shop.context.add_init_script(COUNT_WRITES)
    address = shop.page("index.html", 'data-consent="required" data-persist="consent" data-leave="off"')
    tab = shop.tab(address)
    track(tab, "before")
    tab.wait_for_timeout(700)
    assert (shop.requests(), tab.evaluate("window.writes")) == ([], 0)
    tab.reload()
    track(tab, "again")
    tab.wait_for_timeout(300)
    assert shop.requests() == []
    tab.evaluate("footfall('consent', 'granted')")
    assert [event["event"] for event in shop.wait(2)] == ["page_view", "again"]
    assert len({event["anonymous_id"] for event in shop.sent()}) == 1
    tab.reload()
    shop.wait(2, "page_view")
    other = shop.tab(address)
    shop.wait(3, "page_view")
    tab.evaluate("footfall('consent', 'denied')")
    track(tab, "after")
    track(other, "after")
    tab.wait_for_timeout(500)
    assert stored(tab) == {}
    assert len(shop.sent()) == 4
    tab.reload()
    tab.wait_for_timeout(500)
    assert len(shop.sent()) == 4
    assert {row["visitor_id"] for row in shop.rows()} == {shop.sent()[0]["anonymous_id"]}


def test_a_denial_is_remembered_and_empties_the_queue(shop: Shop) -> None:
    address = shop.page("index.html", 'data-leave="off"')
    with shop.cut_off():
        tab = shop.tab(address)
        wait_for(lambda: held(tab) == ["page_view"])
        tab.evaluate("footfall('consent', 'denied')")
        assert list(stored(tab).values()) == ["denied"]
    tab.reload()
    track(tab, "never")
    tab.wait_for_timeout(500)
    assert shop.requests() == []
    tab.evaluate("footfall('consent', 'granted')")
    track(tab, "now")
    assert [event["event"] for event in shop.wait(1)] == ["now"]


SIGNALS = {
    "gpc": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });",
    "dnt": "Object.defineProperty(Navigator.prototype, 'doNotTrack', { get: () => '1' });",
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_browser_s_own_no_is_heard(shop: Shop, signal: str) -> None:
    shop.context.add_init_script(SIGNALS[signal] + COUNT_WRITES)
    tab = shop.open("index.html", 'data-persist="always"', PARTS)
    tab.evaluate("footfall('consent', 'granted'); footfall('identify', 'u'); footfall('track', 'x')")
    tab.click("#save")
    tab.wait_for_timeout(400)
    assert (shop.requests(), stored(tab), tab.evaluate("window.writes")) == ([], {}, 0)
    tab.goto(shop.page("other.html", 'data-signals="ignore"'))
    assert [event["event"] for event in shop.wait()] == ["page_view"]


def test_a_site_may_keep_ids_without_asking_where_it_may(shop: Shop) -> None:
    tab = shop.open("index.html", 'data-persist="always"')
    first = shop.wait()[0]
    tab.reload()
    second = shop.wait(2, "page_view")[1]
    assert first["anonymous_id"] == second["anonymous_id"]
    assert first["session_id"] == second["session_id"]


# Pages of all kinds.


def test_a_strict_content_security_policy_is_no_hindrance(shop: Shop) -> None:
    policy = (
        f"default-src 'none'; img-src data:; script-src {shop.wire.url}/footfall.js; "
        f"connect-src {shop.wire.url}/v1/events; require-trusted-types-for 'script'; base-uri 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    address = shop.page("index.html", 'data-vitals="on" crossorigin', "<button>Buy</button>", head)
    said: list[str] = []
    tab = shop.context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(address)
    tab.click("button")
    tab.wait_for_timeout(300)
    tab.goto("about:blank")
    shop.wait(4)
    assert {event["event"] for event in shop.sent()} == {"page_view", "click", "page_leave", "web_vitals"}
    assert said == []


def test_a_page_without_https_is_counted_too(shop: Shop) -> None:
    shop.page("index.html")
    address = f"http://shop.example:{urlsplit(shop.url).port}/index.html"
    with shop.cut_off():
        tab = shop.tab(address)
        assert tab.evaluate("[isSecureContext, !!navigator.locks]") == [False, False]
        wait_for(lambda: held(tab) == ["page_view"])
    shop.wait()
    wait_for(lambda: stored(tab) == {})
    assert shop.rows()[0]["host"].partition(":")[0] == "shop.example"


def test_first_party_paths_keys_and_origins(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "site").mkdir()
    with site(tmp_path / "site") as address:
        (tmp_path / "data" / "footfall.toml").write_text(
            f'[collector]\nscript_path = "/s/menu.js"\nevents_path = "/s/menu"\n'
            f'[apps.shop]\nwrite_keys = ["k&y"]\norigins = ["{address}"]\n'
        )
        with running(tmp_path / "data") as installation, tap(installation) as wire:
            (tmp_path / "site" / "index.html").write_text(
                f'<script src="{wire.url}/s/menu.js" data-api="menu" data-key="k&amp;y"></script>'
            )
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{address}/index.html")
            wait_for(lambda: [each for each in wire.sent if each.method == "POST"])
            assert not [each for each in wire.sent if "footfall" in each.path or "events" in each.path]
            [post] = [each for each in wire.sent if each.method == "POST"]
            assert (post.path, post.status) == ("/s/menu?write_key=k%26y", 200)
            context.close()
            [row] = [row for row in rows(installation) if row["event"] == "page_view"]
            assert row["app_id"] == "shop"


def test_a_prerendered_page_counts_when_it_is_shown(shop: Shop) -> None:
    # Chromium prerenders nothing while it is driven from outside, so the page is told that it is.
    told = "Object.defineProperty(document, 'prerendering', { configurable: true, get: () => %s });"
    shop.context.add_init_script(told % "true")
    tab = shop.open("index.html")
    tab.wait_for_timeout(500)
    assert shop.requests() == []
    tab.evaluate(f"{told % 'false'} document.dispatchEvent(new Event('prerenderingchange'))")
    assert [event["event"] for event in shop.wait()] == ["page_view"]
