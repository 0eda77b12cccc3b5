"""A headless Chromium for the console's pages, and a tab in it that notes what must never happen."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conftest import missing

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launched() -> Iterator[Any]:
    """Give a headless Chromium; skip where it or Playwright is missing."""
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """A page that remembers what must never happen: errors, dialogs, requests elsewhere."""

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        context = {"viewport": {"width": 1440, "height": 900}, **context}
        self.url = url
        self.wrong: list[str] = []
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on(
            "console", lambda message: message.type in {"error", "warning"} and self.note(message.text)
        )
        self.page.on("pageerror", lambda error: self.note(str(error)))
        self.page.on("dialog", lambda dialog: (self.note(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.foreign(request.url) and self.note(request.url))

    def foreign(self, address: str) -> bool:
        return not address.startswith((self.url + "/", "data:", "blob:" + self.url))

    def note(self, what: str) -> None:
        self.wrong.append(what)

    def open(self, path: str = "/") -> Any:
        self.page.goto(self.url + path)
        return self.page

    def settled(self) -> Any:
        """Wait until every card of the overview has its answer and is drawn."""
        self.page.wait_for_function(
            "() => document.querySelectorAll('.grid .card-body').length > 10"
            " && !document.querySelector('.skeleton, [aria-busy], .figure .faint')"
            " && [...document.querySelectorAll('.grid .card-body')].every(body => body.childElementCount)"
            " && document.querySelectorAll('canvas').length >= 3"
        )
        return self.page
