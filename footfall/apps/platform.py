"""``python -m footfall.apps.platform``: loader, console, API, upkeep and jobs; owns the warehouse."""

import gc
import logging
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import structlog

from footfall.apps.console.server import serve
from footfall.apps.parent import stop_without_parent
from footfall.compose import Platform, utc_now
from footfall.errors import FootfallError
from footfall.services.watch import Stopped, Watcher
from footfall.settings import load_settings

__all__ = ["main"]

UPKEEP_SECONDS = 1.0
LAKE_SECONDS = 20.0  # of the last flush; what it leaves is written after the next start
GC_THRESHOLDS = (100_000, 50, 1_000)  # a batch makes many objects and no cycles: a tenth of decoding
LOG_LINE: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,  # without the values of variables: they may be people's data
    structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
]


def main() -> int:
    """Run until SIGTERM, SIGINT or the parent's end, and return the exit code.

    0 after a clean stop, 1 when something was left for the next start, 2 when it could not start.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="platform: %(levelname)s %(message)s")
    structlog.configure(processors=LOG_LINE)
    gc.set_threshold(*GC_THRESHOLDS)
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
    code = 1
    try:
        code = _run(platform, stop)
    finally:
        closed = _done("closing the stores", platform.close)
    return code if closed else code or 1


def _run(platform: Platform, stop: threading.Event) -> int:
    interval = platform.settings.loader.interval_seconds
    ready = threading.Event()
    threads = [
        threading.Thread(target=platform.loader.run, args=(stop, interval), name="loader"),
        threading.Thread(target=_keep_up, args=(platform, stop), name="upkeep"),
        threading.Thread(target=_watch, args=(platform, stop), name="watch"),
        threading.Thread(target=_run_jobs, args=(platform, ready, stop), name="schedule"),
    ]
    for thread in threads:
        thread.start()
    try:
        serve(platform, stop=stop, ready=ready.set)
    except FootfallError as error:
        logging.error("%s", error)
        return 2
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    done = _done("loading what was taken in last", platform.loader.drain)
    if platform.settings.lake.enabled:
        flush = partial(platform.lake.flush, utc_now(), everything=True, within_seconds=LAKE_SECONDS)
        done &= _done("writing the lake", flush)
    return 0 if done else 1


def _done(what: str, work: Callable[[], object]) -> bool:
    """Do one of the last things; whether it could be done. What is left the next start makes good."""
    try:
        work()
    except FootfallError as error:
        logging.error("stopped before %s was done; the next start goes on with it: %s", what, error)
        return False
    return True


def _keep_up(platform: Platform, stop: threading.Event) -> None:
    upkeep = platform.upkeep()
    while not stop.wait(UPKEEP_SECONDS):
        upkeep.step(utc_now())
        platform.expire_salts(datetime.now(UTC).date())


def _watch(platform: Platform, stop: threading.Event) -> None:
    """Go on importing the sources of the setting ``watch``; at the end leave what is under way."""
    watcher = Watcher(platform.settings.watch, platform.import_files, stop.is_set)
    with suppress(Stopped):
        while not stop.wait(UPKEEP_SECONDS):
            watcher.step()


def _run_jobs(platform: Platform, ready: threading.Event, stop: threading.Event) -> None:
    """Run jobs once their processes can reach the API, and once no command runs one by itself."""
    while not stop.wait(UPKEEP_SECONDS):
        if not ready.is_set():
            continue
        with platform.scheduler() as scheduler:
            if scheduler is not None:
                scheduler.run(stop)


if __name__ == "__main__":
    sys.exit(main())
