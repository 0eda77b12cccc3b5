"""``python -m footfall.apps.platform``: loader, console, API and upkeep; owns the warehouse."""

import logging
import signal
import sys
import threading
from datetime import UTC, datetime

import structlog

from footfall.apps.console.server import serve
from footfall.apps.parent import stop_without_parent
from footfall.compose import Platform, utc_now
from footfall.errors import FootfallError
from footfall.settings import load_settings

__all__ = ["main"]

UPKEEP_SECONDS = 1.0
LOG_LINE: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,  # without the values of variables: they may be people's data
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
]


def main() -> int:
    """Run until SIGTERM, SIGINT or the parent's end; 0 after a clean stop, 2 for bad settings."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="platform: %(levelname)s %(message)s")
    structlog.configure(processors=LOG_LINE)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: stop.set())
    stop_without_parent(stop.set)
    try:
        settings = load_settings()
        platform = Platform(
            settings,
            console=f"http://{settings.console.address}",
            collector=f"http://{settings.collector.address}",
        )
    except FootfallError as error:
        logging.error("%s", error)
        return 2
    try:
        return _run(platform, stop)
    finally:
        platform.close()


def _run(platform: Platform, stop: threading.Event) -> int:
    interval = platform.settings.loader.interval_seconds
    threads = [
        threading.Thread(target=platform.loader.run, args=(stop, interval), name="loader"),
        threading.Thread(target=_keep_up, args=(platform, stop), name="upkeep"),
    ]
    for thread in threads:
        thread.start()
    try:
        serve(platform, stop=stop)
    except FootfallError as error:
        logging.error("%s", error)
        return 2
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    platform.loader.drain()
    if platform.settings.lake.enabled:
        platform.lake.flush(utc_now(), everything=True)
    return 0


def _keep_up(platform: Platform, stop: threading.Event) -> None:
    upkeep = platform.upkeep()
    while not stop.wait(UPKEEP_SECONDS):
        upkeep.step(utc_now())
        platform.expire_salts(datetime.now(UTC).date())


if __name__ == "__main__":
    sys.exit(main())
