"""How long each metric takes on ten million rows, as a ratio of the plainest count per day.

Run: python bench/metrics.py [ROWS] [FOLDER] [METRIC...]. Makes a DuckDB file of 300,000 visitors over
90 days (kept in FOLDER and used again). Queries have two threads and the platform's default memory;
"month" asks for 28 of the 90 days. CPU is the processor time of a run: shared out over idle cores it
is the least that the run can take, whatever else the machine does.
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from footfall.core.schema import EVENTS, duckdb_ddl
from footfall.metrics import ROLLUPS, catalogue, metric, render
from footfall.metrics.catalogue import sql_files
from footfall.settings import WarehouseSettings

MONTH = {"from": "2026-02-01", "to": "2026-02-28"}
VALUES = {"funnel": {"steps": "page_view,product_view,add_to_cart,checkout,purchase"}}
PLAIN = "select cast(created_at as date) as day, count(*) as events from events group by day order by day"

# five events a session, 40 s apart; a tenth of the sessions are bots', a twentieth of the rows a log's
MADE = {
    "event_id": "'e' || i",
    "app_id": "case when hash(s, 9) % 10 = 0 then 'blog' else 'shop' end",
    "event": "['page_view', 'product_view', 'page_view', 'add_to_cart', 'page_view', 'click', 'checkout',"
    " 'purchase'][cast(1 + i % 5 + hash(i, 7) % 4 as integer)]",
    "visitor_id": "md5(cast(hash(s, 1) % 300000 as varchar))",
    "created_at": "timestamp '2026-01-01' + to_microseconds(cast(hash(s, 2) % 7776000000000 as bigint))"
    " + to_seconds(40 * (i % 5))",
    "received_at": "timestamp '2026-04-01'",
    "processed_at": "timestamp '2026-04-01'",
    "path": "'/page/' || hash(i, 3) % 500",
    "element": "case when i % 3 = 0 then 'element_' || hash(i, 4) % 40 end",
    "time_spent": "case when i % 3 = 0 then (hash(i, 5) % 300000) / 1000.0 end",
    "browser": "['Chrome', 'Firefox', 'Safari'][cast(1 + hash(s, 6) % 3 as integer)]",
    "device": "['desktop', 'mobile', 'tablet'][cast(1 + hash(s, 8) % 3 as integer)]",
    "country": "['DE', 'NA', 'US', 'FR', 'IN', 'BR'][cast(1 + hash(s, 1) % 6 as integer)]",
    "continent": "['EU', 'AF', 'NA', 'EU', 'AS', 'SA'][cast(1 + hash(s, 1) % 6 as integer)]",
    "is_bot": "hash(s, 10) % 10 = 0",
    "origin": "'native'",
    "properties": "'{\"source_menu\":\"menu_' || i % 7 || '\"}'",
    "user_properties": "case when i % 5 = 0 then '{\"age\":' || 18 + hash(s, 1) % 60 || '}' end",
    "method": "case when i % 20 = 0 then 'GET' end",
    "status": "case when i % 20 = 0 then [200, 206, 404][cast(1 + hash(i, 11) % 3 as integer)] end",
    "bytes": "case when i % 20 = 0 then hash(i, 12) % 1000000 end",
    "object": "case when i % 20 = 0 then 'files/' || hash(i, 13) % 300 || '.pdf' end",
}


def make(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Fill ``events`` in order of time, and the rollups."""
    con.execute(duckdb_ddl("events"))
    columns = ", ".join(f"{MADE.get(column.name, 'null')} as {column.name}" for column in EVENTS)
    con.execute(
        f"insert into events select {columns} from (select i, i // 5 as s from range({rows}) t(i))"
        " order by created_at"
    )
    for name, text in sql_files():
        if name.startswith("_"):
            con.execute(f"create table rollup{name} as {text}")
    con.execute("checkpoint")


def seconds(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, float]:
    """Return the least time and the least processor time of three runs."""
    times, processor = [], []
    for _ in range(3):
        start, used = time.perf_counter(), time.process_time()
        con.execute(sql).fetchall()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
    return min(times), min(processor)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="footfall-bench-"))
    names = sys.argv[3:] or list(catalogue())
    path = folder / f"metrics-{rows}.duckdb"
    memory = WarehouseSettings().memory_limit
    if not path.exists():
        with duckdb.connect(str(path), config={"threads": 2}) as con:
            make(con, rows)
    con = duckdb.connect(str(path), config={"threads": 2, "memory_limit": memory})
    for rollup in ROLLUPS:
        con.execute(f"create or replace temp view {rollup} as from rollup_{rollup}")
    plain, _ = seconds(con, PLAIN)
    print(f"{rows:,} rows, two threads, {memory}; plain count per day {plain:.3f} s")
    asked: dict[str, tuple[frozenset[str], dict[str, str]]] = {
        "no rollups": (frozenset(), {}),
        "all days": (frozenset(ROLLUPS), {}),
        "month": (frozenset(ROLLUPS), MONTH),
    }
    print(f"{'':20}" + "".join(f"{title:>25}" for title in asked))
    print(f"{'metric':20}" + f"{'seconds':>11}{'ratio':>7}{'cpu':>7}" * len(asked))
    for name in names:
        line = f"{name:20}"
        for rollups, days in asked.values():
            sql = render(metric(name), VALUES.get(name, {}) | days, rollups=rollups)
            least, processor = seconds(con, sql)
            line += f"{least:11.3f}{least / plain:7.1f}{processor:7.3f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
