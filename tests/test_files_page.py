"""The page Files in Chromium, from an imported log to every number; and the SQL of its how-to."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_server import client, console
from console_tab import Tab, launched

PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1",
)
REPORT, LOGO = "/files/report.pdf", "/img/logo.png"
S3_LINE = (
    "owner bucket [17/Mar/2026:10:{minute:02}:00 +0000] 192.0.2.{host} - REQ{host:06}{minute:02} "
    'REST.GET.OBJECT big.zip "GET /big.zip HTTP/1.1" {status} - {sent} 1000 10 9 "-" "{agent}" -'
)


def lines() -> Iterator[str]:
    """A site's own page, 60 readers of a report in parts, a logo that another site shows, and noise."""

    def line(
        host: int, minute: int, path: str, status: int = 200, referrer: str = "-", method: str = "GET"
    ) -> str:
        asked = f'192.0.2.{host} - - [17/Mar/2026:10:{minute:02}:00 +0000] "{method} {path} HTTP/1.1"'
        return f'{asked} {status} 100 "{referrer}" "{PEOPLE[host % 2]}"'

    for host in range(1, 61):
        yield line(host, 1, "/docs/")
        yield line(host, 2, REPORT, 206, "https://home.example/docs/")
        yield line(host, 3, REPORT, 206, "https://home.example/docs/")
    yield line(1, 40, REPORT, 304)
    yield line(2, 41, REPORT, method="HEAD")
    for host in (7, 8, 9):
        yield line(host, 5, LOGO, referrer="https://thief.example/blog")
        yield line(host, 6, LOGO, referrer="https://www.google.com/")
    yield line(66, 7, "/.env", 404)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("files")
    log, bucket = folder / "access.log", folder / "bucket.log"
    log.write_text("\n".join(lines()) + "\n")
    parts = [(1, 0, 206, 600), (1, 5, 206, 400), (2, 0, 200, 1000), (3, 0, 200, 300)]
    bucket.write_text(
        "".join(
            S3_LINE.format(host=host, minute=minute, status=status, sent=sent, agent=PEOPLE[0]) + "\n"
            for host, minute, status, sent in parts
        )
    )
    with console(folder / "data", files=(("combined", log), ("s3", bucket))) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


@pytest.fixture
def tab(chromium: Any, address: str) -> Iterator[Tab]:
    tab = Tab(chromium, address)
    yield tab
    tab.context.close()
    assert tab.wrong == []


def drawn(page: Any) -> Any:
    page.wait_for_function(
        "() => document.querySelectorAll('.grid .card-body').length >= 7"
        " && !document.querySelector('.skeleton, [aria-busy]')"
    )
    return page


def answer(address: str, name: str, **values: str) -> list[list[Any]]:
    with client(address) as api:
        rows: list[list[Any]] = api.get(f"/api/metrics/{name}", params=values).json()["rows"]
    return rows


def test_the_numbers_of_the_log(address: str) -> None:
    outcomes = {row[0]: row[1:] for row in answer(address, "object_outcomes", limit="100")}
    # opens, visitors, finished, parts, revalidations, heads, errors, others, requests, bytes
    assert outcomes[REPORT] == [60, 60, None, 60, 1, 1, 0, 0, 122, 12_200]
    assert outcomes["/big.zip"] == [3, 3, 2, 1, 0, 0, 0, 0, 4, 2_300]
    assert "/.env" not in outcomes
    assert answer(address, "hotlinks") == [["thief.example", 1, 3, 3, 300]]
    assert answer(address, "opens_over_time", object=REPORT)[0][1:3] == [60, 60]
    assert answer(address, "object_readers", by="device", object=REPORT)[0][1] == 30
    labelled = answer(address, "log_requests", bots="true", object="/.env")
    assert labelled[0][-2:] == ["scanner: secrets", None]
    assert {row[-1] for row in answer(address, "log_requests", object=LOGO)} == {"thief.example", None}


@pytest.mark.chromium
def test_the_list_and_the_way_to_a_file(tab: Tab) -> None:
    page = drawn(tab.open("/files"))
    row = page.locator("[data-card=object_outcomes] tbody tr", has_text=REPORT)
    assert row.locator("td").nth(1).inner_text() == "60"
    row.locator(".spark path").first.wait_for(state="attached")
    card = page.locator("[data-card=object_outcomes]")
    card.get_by_role("tab", name="SQL").click()
    shown = card.locator("pre").inner_text()
    assert "What became of the requests" in shown
    assert "How do the opens of the most opened files change" in shown, "the small lines have their SQL too"
    card.get_by_role("tab", name="Chart").click()
    row.get_by_role("link").click()
    drawn(page)
    assert page.locator("h1").inner_text() == REPORT
    assert "object=" in page.url
    page.get_by_role("link", name="All files").click()
    drawn(page)
    assert page.locator("h1").inner_text() == "Files"


@pytest.mark.chromium
def test_a_search_is_in_the_address_and_asks_for_part_of_a_name(tab: Tab) -> None:
    page = drawn(tab.open("/files"))
    page.get_by_label("Part of a file's name").fill("REPORT")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**search=REPORT*")
    page.wait_for_function(
        "() => document.querySelectorAll('[data-card=object_outcomes] tbody tr').length === 1"
    )
    page.go_back()
    page.wait_for_function(
        "() => document.querySelectorAll('[data-card=object_outcomes] tbody tr').length > 3"
    )


@pytest.mark.chromium
def test_requests_are_paged_and_saved(tab: Tab) -> None:
    page = drawn(tab.open(f"/files?object={REPORT}"))
    card = page.locator("[data-card=log_requests]")
    assert card.locator("tbody tr").count() == 50
    seen = []
    for place in ("1 to 50", "51 to 100", "101 to 122"):
        card.get_by_text(place).wait_for()
        seen += card.locator("tbody tr td:first-child").all_inner_texts()
        if place != "101 to 122":
            card.get_by_role("button", name="Older").click()
    assert len(seen) == 122
    assert seen == sorted(seen, reverse=True)
    assert card.get_by_role("button", name="Older").is_disabled()
    with page.expect_download() as download:
        card.get_by_role("link", name="CSV of the newest").click()
    assert Path(download.value.path()).read_bytes().count(b"\r\n") == 123
    card.get_by_role("button", name="Newer").click()
    card.get_by_text("51 to 100").wait_for()


@pytest.mark.chromium
def test_hot_links_are_labelled_where_they_are_seen(tab: Tab) -> None:
    page = drawn(tab.open(f"/files?object={LOGO}"))
    assert page.locator(".label.warn", has_text="hot-link: thief.example").count() == 3
    assert "thief.example" in page.locator("[data-card=hotlinks]").inner_text()


@pytest.mark.chromium
@pytest.mark.parametrize("path", ["/files", f"/files?object={REPORT}"])
def test_a_phone_needs_no_sideways_scroll(chromium: Any, address: str, path: str) -> None:
    tab = Tab(chromium, address, viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = drawn(tab.open(path))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tab.context.close()
    assert tab.wrong == []


@pytest.mark.chromium
def test_without_a_log_it_says_what_to_do(chromium: Any, tmp_path: Path) -> None:
    with console(tmp_path / "data") as url:
        tab = Tab(chromium, url)
        page = tab.open("/files")
        page.get_by_text("No access log yet").wait_for()
        assert "footfall import combined" in page.locator("pre").first.inner_text()
        tab.context.close()
        assert tab.wrong == []


def test_the_sql_of_the_how_to_answers(address: str) -> None:
    text = (Path(__file__).parents[1] / "docs/how-to/most-opened-files.md").read_text(encoding="utf-8")
    questions = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert len(questions) == 5
    found = []
    with client(address) as api:
        for question in questions:
            told = api.post("/api/sql", json={"sql": question})
            assert told.status_code == 200, told.text
            found.append(told.json()["rows"])
    assert found[1][0][1:] == [60, 60]
    assert found[3] == [["/big.zip", 3, 1]]
    assert found[4][0][:3] == ["scanner: secrets", 1, 0]
