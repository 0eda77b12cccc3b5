"""A log full of attacks, from its import to every page, table and file: shown as text, never run."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from console_server import client, console
from console_tab import Tab, launched
from installation import run_footfall

from footfall.apps.cli.output import _visible

pytestmark = pytest.mark.chromium

RUN = "window.ran=1"
HTML = f"/<img src=x onerror={RUN}>.png"
PATHS = [
    HTML,
    f'/"><script>{RUN}</script>.pdf',
    f"/'-({RUN})-'.pdf",
    f"/${{{RUN}}}{{{{{RUN}}}}}.pdf",
    f"/<svg/onload={RUN}>.pdf",
    f"/</title></textarea><iframe srcdoc='<script>parent.{RUN}</script>'>.pdf",
    f"/javascript:{RUN}//.pdf",
    "/\x1b[2J\x1b]0;owned\x07.pdf",
    "/\u202efdp.exe",
    "/" + "a" * 8_000 + ".pdf",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
]
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"


def line(place: int, path: bytes, status: int = 200) -> bytes:
    referrer = f"https://evil.example/<script>{RUN}</script>".encode()
    when = f"[17/Mar/2026:10:{place % 60:02}:03 +0000]".encode()
    asked = b'"GET ' + path.replace(b'"', b'\\"') + b' HTTP/1.1"'
    sender = b"192.0.2.%d - - " % place
    return b" ".join(
        (sender + when, asked, b"%d 99" % status, b'"' + referrer + b'"', b'"' + AGENT.encode() + b'"')
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("hostile") / "access.log"
    paths = [path.encode() for path in PATHS] + [b"/latin-\xe9\xff.pdf", quote(HTML).encode()]
    lines = [line(place, path) for place, path in enumerate(paths * 2)]
    lines += [line(99, b"/.env", 404), line(99, b"/wp-login.php", 404)]
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[str]:
    with console(tmp_path_factory.mktemp("data"), files=(("combined", log),)) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with launched() as browser:
        yield browser


def objects(address: str) -> list[str]:
    with client(address) as api:
        answer = api.get("/api/metrics/top_objects?limit=1000&bots=true").json()
    return [row[0] for row in answer["rows"]]


def drawn(page: Any, cards: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('.grid .card-body').length >= count"
        " && !document.querySelector('.skeleton, [aria-busy]')",
        arg=cards,
    )


def harmless(tab: Tab) -> None:
    assert tab.page.evaluate("window.ran") is None
    assert tab.page.locator("main img, main script:not([src]), main iframe, main svg[onload]").count() == 0
    assert tab.wrong == []


def test_every_page_shows_them_and_runs_none(chromium: Any, address: str) -> None:
    tab = Tab(chromium, address)
    page = tab.open("/files?bots=true")
    drawn(page, 8)
    shown = page.locator("[data-card=object_outcomes]").inner_text()
    for path in PATHS[:7]:
        assert path in shown
    assert "\\x1b[2J\\x1b]0;owned" in shown
    assert "\\u202efdp.exe" in shown
    for mark in "\x1b\u202e\x9b":
        assert mark not in page.locator("main").inner_text()
    for name in ("Table", "SQL", "Chart"):
        for button in page.get_by_role("tab", name=name).all():
            button.click()
        harmless(tab)
    page.locator("[data-card=opens_over_time] canvas").hover()
    harmless(tab)
    for path in ("/", "/ledger", "/trace", "/sql?q=SELECT object, referrer FROM events", "/connect"):
        tab.open(path)
        page.wait_for_timeout(700)
        harmless(tab)
    page.goto(f"{address}/sql?q=SELECT object, url, referrer FROM events")
    page.get_by_role("button", name="Run").click()
    page.locator("tbody tr").first.wait_for()
    harmless(tab)
    tab.context.close()


def test_each_file_has_its_page(chromium: Any, address: str) -> None:
    tab = Tab(chromium, address)
    for name in objects(address):
        page = tab.open(f"/files?{'&'.join(('bots=true', 'object=' + quote(name, safe='')))}")
        drawn(page, 7)
        page.locator("[data-card=log_requests] tbody tr").first.wait_for()
        assert page.locator("[data-card=log_requests] tbody tr").count() in (1, 2, 4), name[:80]
        assert page.evaluate("document.documentElement.scrollWidth") <= 1440
        harmless(tab)
    tab.context.close()


def test_probes_are_labelled_on_the_page(chromium: Any, address: str) -> None:
    tab = Tab(chromium, address)
    page = tab.open("/files?bots=true&object=/.env")
    page.locator(".label.bad", has_text="scanner: secrets").wait_for()
    page.get_by_label("Count bots").uncheck()
    page.get_by_text("No (more) requests for this file").wait_for()
    tab.context.close()
    assert tab.wrong == []


def test_csv_files_hold_no_formula(address: str) -> None:
    with client(address) as api:
        for name in ("top_objects", "object_outcomes", "object_trend", "log_requests"):
            text = api.get(f"/api/metrics/{name}.csv?limit=1000&bots=true").text
            cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
            assert any(cell.startswith("'=cmd|") for cell in cells), name
            assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]


def test_the_command_line_prints_what_a_terminal_cannot_obey(tmp_path: Path, log: Path) -> None:
    data = tmp_path / "data"
    assert run_footfall(data, "import", "combined", str(log)).returncode == 0
    for command in (
        ["metric", "top_objects", "--set", "limit=1000"],
        ["sql", "select object, url from events"],
    ):
        told = run_footfall(data, *command, *(["--set", "bots=true"] if command[0] == "metric" else []))
        assert told.returncode == 0, told.stderr
        assert "\\x1b[2J" in told.stdout
        for mark in "\x1b\u202e\x9b\x07":
            assert mark not in told.stdout
        as_json = run_footfall(data, *command, "--format", "json")
        assert "\x1b" not in as_json.stdout
        assert json.loads(as_json.stdout)
    csv_file = run_footfall(data, "metric", "top_objects", "--set", "limit=1000", "--format", "csv")
    assert "\n'=cmd|" in csv_file.stdout


def test_what_is_written_out_can_be_told_from_what_was_there() -> None:
    assert _visible("a\x1b\x9b\u202eb\té 日本") == "a\\x1b\\x9b\\u202eb\té 日本"
