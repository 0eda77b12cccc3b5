"""The console's page Schedule in a real browser: jobs, bars, history, and buttons that do what they say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from console_server import console
from console_tab import Tab, launched

from footfall.adapters.sqlite_schedule import SqliteSchedule
from footfall.testing.schedule import NOON, make_job, make_run

pytestmark = pytest.mark.chromium

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


def fill(data: Path) -> None:
    data.mkdir()
    store = SqliteSchedule(data / "schedule.sqlite")
    store.put(
        make_job("mart", "export", "mysql", "--url", "mysql://bob:s3cr3t@db/x", timezone="Europe/Berlin")
    )
    store.put(make_job("new", next_at=NOON + timedelta(days=36_500)))
    for hour in range(6):
        begun = NOON + timedelta(hours=hour)
        state = "failed" if hour == 2 else "ok"
        took = {"started_at": begun, "finished_at": begun + timedelta(seconds=10 * hour + 10)}
        store.enter(make_run("mart", state, due_at=begun, said=HOSTILE, **took))
    store.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("schedule") / "data"
    fill(data)
    with console(data) as url:
        yield url


@pytest.fixture
def tab(chromium: Any, filled: str) -> Iterator[Tab]:
    tab = Tab(chromium, filled)
    yield tab
    tab.context.close()
    assert tab.wrong == []


def test_a_job_shows_when_it_comes_and_how_its_runs_went(tab: Tab) -> None:
    page = tab.open("/schedule")
    mart = page.get_by_role("region", name="mart")
    assert "mysql://bob:***@db/x" in mart.inner_text()
    assert "s3cr3t" not in page.content()
    assert "At 12:00 every day, Europe/Berlin" in mart.inner_text()
    bars = mart.locator(".runs li")
    assert [bar.get_attribute("class") for bar in bars.all()] == [
        "good",
        "good",
        "bad",
        "good",
        "good",
        "good",
    ]
    heights = [bar.bounding_box()["height"] for bar in bars.all()]
    assert heights == sorted(heights)
    assert heights[-1] > 3 * heights[0]
    mart.locator("summary").click()
    assert mart.locator("tbody tr").count() == 6
    assert mart.locator("tbody tr").first.locator("td").last.inner_text() == HOSTILE
    assert "never run" in page.get_by_role("region", name="new").inner_text()


def test_the_buttons_do_what_they_say(tab: Tab) -> None:
    page = tab.open("/schedule")
    job = page.get_by_role("region", name="new")
    job.get_by_role("button", name="Pause").click()
    job.get_by_text("paused").wait_for()
    job.get_by_role("button", name="Resume").click()
    job.get_by_role("button", name="Pause").wait_for()
    job.get_by_role("button", name="Run now").click()
    job.get_by_text("queued").first.wait_for()
    assert job.get_by_role("button", name="Run now").is_disabled()
    job.locator("summary").click()
    assert "by hand" in job.locator("tbody tr").inner_text()


def test_no_job_yet_says_how_to_add_one(chromium: Any, tmp_path: Path) -> None:
    with console(tmp_path / "data") as url:
        tab = Tab(chromium, url, viewport={"width": 390, "height": 844})
        page = tab.open("/schedule")
        page.get_by_text("No job yet").wait_for()
        assert "footfall schedule add" in page.locator("pre").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        tab.context.close()
        assert tab.wrong == []


@pytest.mark.parametrize("context", [{"viewport": {"width": 390, "height": 844}}, {"color_scheme": "dark"}])
def test_it_fits_a_phone_and_the_dark(chromium: Any, filled: str, context: dict[str, Any]) -> None:
    tab = Tab(chromium, filled, **context)
    page = tab.open("/schedule")
    page.get_by_role("region", name="mart").locator("summary").click()
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for row in page.locator(".job tbody td.said").all():
        box = row.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    tab.context.close()
    assert tab.wrong == []
