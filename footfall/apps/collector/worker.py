"""One collector worker: its log, its group commit, its server, from the first claim to the clean end."""

import asyncio
import functools
import gc
import ipaddress
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from footfall.adapters.key_file import daily_salt, installation_key
from footfall.adapters.log_slot import Claim, claim_log
from footfall.adapters.sqlite_log import SqliteLog
from footfall.apps.collector.app import Collector
from footfall.apps.collector.counters import Counters, Row
from footfall.apps.collector.door import Door, Intake
from footfall.apps.collector.pace import Pace
from footfall.apps.collector.reading import Slow
from footfall.core.access import Access
from footfall.core.record import AppId
from footfall.errors import LogDamaged, LogFailed
from footfall.ports import CountryLookup
from footfall.services.collect import Committed, GroupCommit
from footfall.settings import Settings

__all__ = ["Setup", "run"]

CONNECTIONS = 4_096
PARENT_LOOK_SECONDS = 0.5
DRAIN_SECONDS = 1.0  # for answers on their way; what is handed over is committed in any case
GC_THRESHOLDS = (50_000, 20, 100)  # requests make no cycles; looking for some took a tenth of the time
SWITCH_SECONDS = 0.001  # the loop and the writer thread share one lock: take turns quickly
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the parent made ready for its workers."""

    settings: Settings
    access: Access
    address: tuple[str, int]
    counters: Counters
    country_of: CountryLookup


def run(setup: Setup, *, number: int, parent: int) -> int:
    """Serve until a stop signal or until ``parent`` is gone; return the exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(setup, number, parent))


async def _serve(setup: Setup, number: int, parent: int) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for name in STOP_SIGNALS:
        loop.add_signal_handler(name, stop.set)
    log, claims = _claimed_log(setup.settings)
    row = setup.counters.row(number)
    commit = GroupCommit(log, loop, observe=_Observer(row))
    server = _server(_door(setup, commit, row), setup.address)
    serving = asyncio.ensure_future(server.serve())
    serving.add_done_callback(lambda _: stop.set())
    watching = asyncio.ensure_future(_watch(parent, stop))
    await stop.wait()
    watching.cancel()
    failed = serving.done()
    server.stop()  # type: ignore[no-untyped-call]
    await asyncio.wait([serving], timeout=DRAIN_SECONDS)
    in_time = await asyncio.to_thread(commit.close, DRAIN_SECONDS)
    await asyncio.sleep(0.01)  # those who waited for the last commit are answered
    log.close()
    for claim in claims:
        claim.release()
    logging.shutdown()
    # The server's threads may wait for connections that never end; what counts is on disk.
    os._exit(1 if failed or not in_time else 0)


def _claimed_log(settings: Settings) -> tuple[SqliteLog, list[Claim]]:
    """Claim the lowest log that is free and sound; a damaged one stays claimed and untouched."""
    claims: list[Claim] = []
    while True:
        claims.append(claim_log(Path(settings.data) / "log"))
        log = SqliteLog(
            claims[-1].path,
            max_bytes=settings.log.max_bytes,
            min_free_bytes=settings.log.min_free_bytes,
        )
        try:
            log.end()
        except LogDamaged as error:
            logger.error("%s", error)
            continue
        except LogFailed as error:
            logger.warning("%s", error)  # served with 503 until it can be opened
        return log, claims


def _door(setup: Setup, commit: GroupCommit, row: Row) -> Door:
    limits = setup.settings.collector
    keys = Path(setup.settings.data) / "keys"
    return Door(
        limits=limits,
        access=setup.access,
        commit=commit,
        intake=Intake(
            functools.partial(daily_salt, keys),
            functools.partial(installation_key, keys),
            setup.country_of,
            {AppId(name): app.scrub for name, app in setup.settings.apps.items()},
            [ipaddress.ip_network(network) for network in limits.trusted_proxies],
        ),
        slow=Slow(asyncio.get_running_loop()),
        counters=setup.counters,
        row=row,
        clock=_microseconds,
        pace=Pace(limits.rate_limit) if limits.rate_limit else None,
    )


def _server(door: Door, address: tuple[str, int]) -> Server:
    return Server(
        Collector(door),
        address=address[0],
        port=address[1],
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(max_buffer_size=131_072),
        log_level=LogLevels.error,
    )


def _microseconds() -> int:
    return time.time_ns() // 1_000


async def _watch(parent: int, stop: asyncio.Event) -> None:
    """End with the parent: when it was killed nobody else would end us."""
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_LOOK_SECONDS)
    stop.set()


class _Observer:
    """Counts commits, and says once when the log begins to refuse and once when it takes again."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._refusing = False

    def __call__(self, committed: Committed) -> None:
        refused = committed.error is not None
        self._row.committed(committed.seconds, committed.requests, refused)
        if committed.log_bytes is not None:
            self._row.log_bytes(committed.log_bytes)
        if refused != self._refusing:
            self._refusing = refused
            logger.warning("%s", committed.error or "the log takes events again")
