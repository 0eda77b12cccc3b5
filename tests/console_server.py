"""The real console over a real warehouse, in this process, for the tests of API and pages."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from footfall.apps.console.server import serve
from footfall.apps.supervisor import free_address
from footfall.compose import Platform
from footfall.settings import Collector, Console, Settings
from footfall.simulate import access_log, ndjson, simulate

DAYS = 20


@contextmanager
def console(
    data: Path,
    *,
    token: str = "",
    files: tuple[tuple[str, Path], ...] = (),
    collector: str = "127.0.0.1:8000",
) -> Iterator[str]:
    """Serve a platform with the files imported, and give the console's address with http://."""
    settings = Settings(
        data=data,
        collector=Collector(address=collector),
        console=Console(address=free_address("127.0.0.1:0"), token=token),
    )
    platform = Platform(settings)
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: serve(platform, stop=stop, ready=ready.set))
    try:
        for format, path in files:
            platform.import_files(format, [str(path)], "shop", lambda _: None)
        thread.start()
        assert ready.wait(10)
        yield f"http://{settings.console.address}"
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        platform.close()


def world(folder: Path) -> tuple[tuple[str, Path], ...]:
    """Write a small world's last days up to today: events and an access log."""
    people = simulate(250, DAYS, 5, (datetime.now(UTC) - timedelta(days=DAYS)).date())
    events, log = folder / "events.ndjson", folder / "access.log"
    events.write_bytes(b"".join(ndjson(people)))
    log.write_bytes(b"".join(access_log(people, "combined")))
    return (("ndjson", events), ("combined", log))


def client(url: str, **headers: str) -> httpx.Client:
    """Return a client that shows every answer as it is."""
    return httpx.Client(base_url=url, headers=headers, timeout=30, follow_redirects=False, trust_env=False)
