"""The embedded path on the sample: a collector of this machine, its loader, imports, and MySQL's export."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa

from footfall.adapters.key_file import installation_key
from footfall.compose import Platform
from footfall.core.intake import DEFAULT_APP
from footfall.errors import NotFound
from footfall.ports import RejectedEvent
from footfall.settings import load_settings
from footfall.testing.aws.sample import APPS, SHOP, Sample, send
from footfall.testing.aws.servers import free_port

__all__ = ["Embedded", "Refused", "embedded"]

READY_SECONDS = 30.0
Refused = tuple[tuple[str, ...], str]
"""Reasons, and the scrubbed body."""


@dataclass(frozen=True)
class Embedded:
    """What this machine made of the sample; ``key`` is the installation's.

    ``events`` came by HTTP, ``as_file`` are the same ones (without the refused) imported as a file; both
    are rows of the warehouse. ``refused`` are those of the requests by event id, ``lost_lines`` those of
    the logs.
    """

    key: bytes
    events: pa.Table
    as_file: pa.Table
    refused: dict[str, Refused]
    lost_lines: dict[str, Refused]


def embedded(data: Path, sample: Sample, mysql: str, on_sent: Callable[[int], object]) -> Embedded:
    """Send, import and export; ``mysql`` is the address of an empty database for the export."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "footfall.toml").write_text(APPS)
    logs, events = data / "access-logs", data / "events.ndjson"
    events.write_bytes(b"\n".join(sample.accepted))
    for key, log in sample.logs.items():
        place = logs / key
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(log)
    with _collector(data) as url:
        send(url, sample, on_sent)
    platform = Platform(load_settings(flags={"data": data}))
    try:
        platform.loader.drain()
        platform.import_files("ndjson", [str(events)], DEFAULT_APP, lambda _: None)
        platform.import_files("s3", [str(logs)], DEFAULT_APP, lambda _: None)
        platform.export_mart(mysql, False, lambda _: None)
        return Embedded(
            installation_key(data / "keys"),
            _rows(platform, SHOP, "native"),
            _rows(platform, DEFAULT_APP, "ndjson"),
            {each.event_id or "": (each.reasons, each.body) for each in _refused(platform, SHOP)},
            {each.rejected_id: (each.reasons, each.body) for each in _refused(platform, DEFAULT_APP)},
        )
    finally:
        platform.close()


def _rows(platform: Platform, app: str, origin: str) -> pa.Table:
    query = "select * from events where app_id = $app and origin = $origin"
    return pa.Table.from_batches(platform.warehouse.scan(query, {"app": app, "origin": origin}))


def _refused(platform: Platform, app: str) -> list[RejectedEvent]:
    return platform.warehouse.rejected(app, limit=1_000_000)


@contextmanager
def _collector(data: Path) -> Iterator[str]:
    """Run a collector in a process of its own; give its address."""
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall.apps.collector"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "FOOTFALL_DATA": str(data),
            "FOOTFALL_COLLECTOR_ADDRESS": address,
            "FOOTFALL_LOG_MIN_FREE_BYTES": "0",
        },
        cwd=data,
    )
    try:
        _wait_for(f"http://{address}", process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    parts = urlsplit(url)
    deadline = time.monotonic() + READY_SECONDS
    while True:
        asking = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
        with suppress(OSError, http.client.HTTPException), closing(asking):
            asking.request("GET", "/readyz")
            if asking.getresponse().status == 200:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotFound(what="collector", name=url, hint=f"It ended with {process.poll()}")
        time.sleep(0.05)
