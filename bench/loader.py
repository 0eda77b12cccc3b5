"""Loader throughput: events a second from a log to committed rows, against DuckDB's bare insert.

    python bench/loader.py [EVENTS] [EVENTS_A_BATCH]

The log is prepared first and not timed. The ratio is of one run on one machine, by processor time,
so that what else runs there counts little.
"""

import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.record import AppId, Logged, Offset, Record, Sender
from footfall.core.schema import duckdb_ddl
from footfall.ports import Batch

EVENTS_A_REQUEST = 20
START = 1_790_000_000_000_000
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
]


def records(first: int, count: int, rng: np.random.Generator) -> list[Logged]:
    """Return the log's records of ``count`` events, 60,000 a second by their own time."""
    made = []
    for request in range(first, first + count, EVENTS_A_REQUEST):
        visitor = int(rng.integers(0, 40_000))
        at = START + request * 1_000_000 // 60_000
        events = [
            {
                "event": "page_view" if number % 3 else "click",
                "event_id": f"{request + number:032x}",
                "anonymous_id": f"visitor-{visitor}",
                "created_at": (at + number) / 1_000_000,
                "url": f"https://www.shop.example/products/{(visitor + number) % 500}?utm_source=news",
                "title": f"Product {(visitor + number) % 500}",
                "referrer": "https://www.google.com/",
                "time_spent": number * 1.5,
                "properties": {"price": number, "menu": "main"},
            }
            for number in range(EVENTS_A_REQUEST)
        ]
        sender = Sender(f"10.{visitor % 250}.0.0", "GB", AGENTS[visitor % 3], "en-GB", f"h{visitor}")
        body = msgspec.json.encode(events)
        record = Record(
            kind="events",
            app_id=AppId("shop"),
            origin="native",
            received_at=at,
            count=EVENTS_A_REQUEST,
            sender=sender,
            body=body,
        )
        made.append(Logged("w1", Offset(request // EVENTS_A_REQUEST + 1), record))
    return made


def main() -> None:
    """Run and print."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    rng = np.random.default_rng(7)
    now = datetime.now(UTC).replace(tzinfo=None)
    spent = {"decode": 0.0, "enrich": 0.0, "store": 0.0, "bare insert": 0.0}
    wall, slowest = 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        warehouse = DuckDBWarehouse(Path(folder))
        bare = duckdb.connect(str(Path(folder) / "bare.duckdb"))
        bare.execute(duckdb_ddl("rows"))
        for first in range(0, total, batch):
            read = records(first, batch, rng)
            clock = [time.process_time()]
            started = time.perf_counter()
            decoded = decode(read)
            clock.append(time.process_time())
            rows = enrich(decoded.rows, now)
            clock.append(time.process_time())
            stored = warehouse.store(Batch(rows, decoded.rejected, {"w1": read[-1].offset}))
            clock.append(time.process_time())
            took = time.perf_counter() - started
            wall, slowest = wall + took, max(slowest, took)
            assert stored.stored == batch
            insert(bare, rows)
            clock.append(time.process_time())
            for name, since, until in zip(spent, clock, clock[1:], strict=False):
                spent[name] += until - since
        [(held,)] = warehouse.query("select count(*) from events").rows
        assert held == total
        warehouse.close()
        bare.close()
    loader = spent["decode"] + spent["enrich"] + spent["store"]
    for name, seconds in spent.items():
        print(f"{name:12} {total / seconds:12,.0f} events/s of processor time")
    print(f"{'loader':12} {total / loader:12,.0f} events/s of processor time, {total / wall:,.0f} by clock")
    print(f"ratio to the bare insert {spent['bare insert'] / loader:.2f}; slowest batch {slowest:.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:,.0f} MB, generator and bare insert included")


def insert(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> None:
    """Insert as plainly as DuckDB can, one commit a batch."""
    connection.register("batch", rows)
    connection.execute("insert into rows from batch")
    connection.unregister("batch")


if __name__ == "__main__":
    main()
