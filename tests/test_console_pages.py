import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_server import console, world
from console_tab import Tab, launched

from footfall.adapters.sqlite_log import SqliteLog
from footfall.apps.console.pages import PAGES
from footfall.testing.event_log import make_record

pytestmark = pytest.mark.chromium

CARDS = (
    *("figures", "live", "active_users", "events_over_time", "funnel", "retention", "countries"),
    *("top_pages", "top_events", "devices", "time_spent", "top_objects", "status_codes"),
)
COLOURS = """canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("filled")
    with console(folder / "data", files=world(folder)) as url:
        yield url


@pytest.fixture
def tab(chromium: Any, filled: str) -> Iterator[Tab]:
    tab = Tab(chromium, filled)
    yield tab
    tab.context.close()
    assert tab.wrong == []


def painted(page: Any, card: str) -> int:
    """Count the colours of a chart's canvas."""
    canvas = page.locator(f"[data-card={card}] canvas").first
    canvas.wait_for()
    page.wait_for_timeout(500)
    return int(canvas.evaluate(COLOURS))


def test_every_card_is_drawn(tab: Tab) -> None:
    tab.open()
    page = tab.settled()
    for name in CARDS:
        assert page.locator(f"[data-card={name}]").count() >= 1, name
    assert page.locator(".state").count() == 0, page.locator(".state").all_inner_texts()
    for name in ("active_users", "events_over_time", "countries"):
        assert painted(page, name) > 8, name
    assert page.locator(".funnel li").count() >= 3
    assert page.locator(".retention td").count() > 20
    for name in ("top_pages", "top_events", "devices", "time_spent", "top_objects", "status_codes"):
        assert page.locator(f"[data-card={name}] .bars li").count() >= 2, name


def test_a_card_is_also_a_table_its_sql_and_its_csv(tab: Tab) -> None:
    tab.open()
    page = tab.settled()
    card = page.locator("[data-card=top_pages]")
    shown = card.locator(".bars .amount").first.inner_text()
    card.get_by_role("tab", name="Table").click()
    assert card.locator("tbody tr").count() >= 2
    assert card.locator("tbody tr").first.locator("td").nth(1).inner_text() == shown
    card.get_by_role("tab", name="Table").press("ArrowRight")
    assert "page_view" in card.locator("pre").inner_text()
    assert "rows read" in card.locator(".card-foot").inner_text()
    with page.expect_download() as download:
        card.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "top_pages.csv"
    assert Path(download.value.path()).read_bytes().startswith(b"path,views,visitors\r\n")


def test_the_days_are_in_the_address_and_change_the_numbers(tab: Tab) -> None:
    page = tab.open()
    tab.settled()
    events = page.locator(".figure .value").nth(1)
    whole = events.inner_text()
    page.locator(".range > button").click()
    page.get_by_role("button", name="Last 7 days").click()
    page.wait_for_function(
        "old => document.querySelectorAll('.figure .value')[1].textContent !== old", arg=whole
    )
    assert re.search(r"\?from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$", page.url)
    week = events.inner_text()
    page.go_back()
    page.wait_for_function(
        "old => document.querySelectorAll('.figure .value')[1].textContent === old", arg=whole
    )
    assert page.url == tab.url + "/"
    page.go_forward()
    page.wait_for_function(
        "old => document.querySelectorAll('.figure .value')[1].textContent === old", arg=week
    )
    page.locator(".range > button").click()
    page.keyboard.press("Escape")
    assert page.locator(".range-panel").count() == 0


def test_app_bots_and_steps_are_in_the_address(tab: Tab) -> None:
    page = tab.open()
    tab.settled()
    page.get_by_label("App").select_option("shop")
    page.wait_for_url("**/?app=shop")
    page.get_by_label("Count bots").check()
    page.wait_for_url("**/?app=shop&bots=true")
    tab.settled()
    page.get_by_label("Steps, separated by commas").fill("page_view, search")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('.funnel li').length === 2")
    assert "steps=page_view%2Csearch" in page.url


def test_dark_is_the_system_s_choice_or_one_s_own(chromium: Any, filled: str) -> None:
    tab = Tab(chromium, filled, color_scheme="dark")
    page = tab.open("/sql")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    assert sum(map(int, re.findall(r"\d+", dark)[:3])) < 120
    page.get_by_role("button", name="Switch between light and dark").click()
    light = page.evaluate(ground)
    assert sum(map(int, re.findall(r"\d+", light)[:3])) > 600
    page.reload()
    assert page.evaluate(ground) == light
    tab.context.close()
    assert tab.wrong == []


def test_a_phone_has_the_pages_in_a_menu(chromium: Any, filled: str) -> None:
    tab = Tab(chromium, filled, viewport={"width": 390, "height": 844})
    page = tab.open("/schedule")
    pages = page.get_by_role("navigation", name="Pages")
    button = page.get_by_role("button", name="Schedule")
    assert not pages.is_visible()
    button.click()
    names = pages.get_by_role("link").all_inner_texts()
    assert names == [each.name for each in PAGES]
    boxes = [link.bounding_box() for link in pages.get_by_role("link").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 44 for box in boxes)
    page.keyboard.press("Escape")
    assert not pages.is_visible()
    button.click()
    pages.get_by_role("link", name="Trace").click()
    page.wait_for_url("**/trace")
    page.set_viewport_size({"width": 921, "height": 844})
    assert pages.is_visible()
    assert not page.locator(".menu-button").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 921
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.parametrize("path", [each.path for each in PAGES])
def test_a_phone_needs_no_sideways_scroll(chromium: Any, filled: str, path: str) -> None:
    tab = Tab(chromium, filled, viewport={"width": 390, "height": 844})
    page = tab.open(path)
    if path == "/":
        tab.settled()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.context.close()
    assert tab.wrong == []


def test_an_empty_platform_says_what_to_do_and_fills_itself(chromium: Any, tmp_path: Path) -> None:
    first = tmp_path / "first.ndjson"
    first.write_text('{"event": "page_view", "anonymous_id": "me", "url": "https://example.com/"}\n')
    with console(tmp_path / "data") as url:
        tab = Tab(chromium, url)
        page = tab.open()
        page.get_by_text("No footsteps yet").wait_for()
        assert "curl http://127.0.0.1:8000/v1/events" in page.locator("pre").first.inner_text()
        page.get_by_role("link", name="Connect a tracker").click()
        page.get_by_role("radio", name="Web SDK").wait_for()
        page.go_back()
        page.get_by_text("No footsteps yet").wait_for()
        order = {"format": "ndjson", "paths": [str(first)], "app": "shop"}
        assert tab.context.request.post(f"{url}/api/imports", data=order).ok
        page.wait_for_function("() => document.querySelector('.figure .value')?.textContent === '1'")
        page.wait_for_function("() => document.querySelector('.now-count b').textContent === '1'")
        page.wait_for_timeout(500)
        tab.context.close()
        assert tab.wrong == []


def test_a_platform_that_only_bots_have_visited_has_an_overview(chromium: Any, tmp_path: Path) -> None:
    bot = tmp_path / "bot.ndjson"
    bot.write_text('{"event": "test_event", "anonymous_id": "me", "user_agent": "footfall-test-event/1"}\n')
    with console(tmp_path / "data", files=(("ndjson", bot),)) as url:
        tab = Tab(chromium, url)
        page = tab.open()
        page.locator("[data-card=funnel] .state").wait_for()
        page.locator("[data-card=top_events] .state").wait_for()
        assert page.locator(".figure .value").first.inner_text() == "0"
        tab.context.close()
        assert tab.wrong == []


def test_ledger_trace_and_sql(tab: Tab) -> None:
    page = tab.open("/sql")
    page.locator("#sql-text").fill("SELECT event_id, event FROM events ORDER BY event_id LIMIT 3")
    page.locator("#sql-text").press("Control+Enter")
    page.locator("tbody tr").nth(2).wait_for()
    event_id = page.locator("tbody td").first.inner_text()
    with page.expect_download() as download:
        page.locator("#sql-csv").click()
    assert Path(download.value.path()).read_bytes().startswith(b"event_id,event\r\n")
    tab.open("/trace")
    page.get_by_label("Event id").fill(event_id)
    page.get_by_role("button", name="Trace").click()
    page.locator(".timeline li.stored").wait_for()
    tab.open("/ledger")
    page.locator(".seal.good").first.wait_for()
    assert page.locator(".seal.bad").count() == 0


def test_the_ledger_says_that_the_loader_is_catching_up(chromium: Any, tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "data" / "log" / "worker-0.sqlite", max_bytes=1 << 20)
    log.append([make_record()])
    with console(tmp_path / "data") as url:  # without a loader
        page = Tab(chromium, url).open("/ledger")
        page.get_by_text("Catching up").wait_for()
        page.get_by_text("On the way").first.wait_for()
        assert page.locator(".seal.bad").count() == 0
    log.close()


def test_hostile_texts_are_shown_and_not_run(chromium: Any, tmp_path: Path, shared_data: Path) -> None:
    naughty = json.loads((shared_data / "json" / "blns.json").read_text(encoding="utf-8"))
    naughty = [text for text in naughty if text.strip()] + [
        "<img src=x onerror=alert(1)>",
        "<script>alert(2)</script>",
    ]
    lines = [
        {
            "event": "page_view" if number % 2 else text[:200],
            "anonymous_id": f"a{number}",
            "url": "https://x.example/" + text,
            "title": text[:2000],
            "element": text[:2000],
            "country": text[:2000],
            "time_spent": 5_000_000 if "alert(" in text[-20:] else 60,
        }
        for number, text in enumerate([each for each in reversed(naughty) for _ in (0, 1)])
    ]
    path = tmp_path / "naughty.ndjson"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    with console(tmp_path / "data", files=(("ndjson", path),)) as url:
        tab = Tab(chromium, url)
        page = tab.open()
        page.locator("[data-card=time_spent] .bars li").first.wait_for()
        shown = page.locator("[data-card=time_spent] .bars").inner_text()
        assert "<script>" in shown
        assert "onerror=" in shown
        for name in page.get_by_role("tab", name="Table").all():
            name.click()
        page.wait_for_timeout(500)
        hovered = page.locator("[data-card=active_users]")
        hovered.get_by_role("tab", name="Chart").click()
        hovered.locator("canvas").hover()
        tab.open("/sql")
        page.locator("#sql-text").fill("SELECT * FROM events")
        page.locator("#sql-text").press("Control+Enter")
        page.locator("tbody tr").first.wait_for()
        tab.open("/ledger")
        page.locator("#rejected .card").wait_for()
        assert page.locator("main img, main script:not([src]), main iframe").count() == 0
        tab.context.close()
        assert tab.wrong == []


def test_a_failed_answer_says_why_and_can_be_tried_again(chromium: Any, filled: str) -> None:
    tab = Tab(chromium, filled)
    body = json.dumps({"error": "The disk is <b>full</b>.", "retryable": True})
    tab.page.route("**/api/metrics/devices*", lambda route: route.fulfill(status=503, body=body))
    page = tab.open()
    card = page.locator("[data-card=devices]")
    card.get_by_text("The disk is <b>full</b>.").wait_for()
    page.unroute("**/api/metrics/devices*")
    card.get_by_role("button", name="Try again").click()
    card.locator(".bars li").first.wait_for()
    tab.context.close()
    assert all("503" in each for each in tab.wrong)


def test_a_guarded_console_asks_for_its_token(chromium: Any, tmp_path: Path) -> None:
    with console(tmp_path / "data", token="long and secret") as url:
        tab = Tab(chromium, url)
        page = tab.open("/ledger")
        page.get_by_label("Token of this console").fill("long and secret")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/ledger")
        page.locator(".equation").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_label("Token of this console").wait_for()
        tab.context.close()
        assert tab.wrong == []
