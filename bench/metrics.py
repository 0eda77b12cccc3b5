"""How long each metric takes on ten million rows, as a ratio of the plainest count per day.

Run: python bench/metrics.py [ROWS] [FOLDER]. Makes a DuckDB file of 300,000 visitors over 90 days
(kept in FOLDER and used again), with two threads and 1 GB of memory like the platform's default.
"""

import sys
import tempfile
import time
from pathlib import Path

import duckdb

from footfall.core.schema import EVENTS, duckdb_ddl
from footfall.metrics import ROLLUPS, catalogue, render
from footfall.metrics.catalogue import sql_files

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


def seconds(con: duckdb.DuckDBPyConnection, sql: str) -> float:
    """Return the better of two runs."""
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        con.execute(sql).fetchall()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="footfall-bench-"))
    path = folder / f"metrics-{rows}.duckdb"
    fresh = not path.exists()
    con = duckdb.connect(str(path), config={"threads": 2, "memory_limit": "1GB"})
    if fresh:
        make(con, rows)
    for rollup in ROLLUPS:
        con.execute(f"create or replace temp view {rollup} as from rollup_{rollup}")
    plain = seconds(con, PLAIN)
    print(f"{rows:,} rows, two threads; plain count per day {plain:.3f} s")
    print(f"{'metric':22}{'seconds':>9}{'ratio':>8}{'with rollups':>14}{'ratio':>8}")
    for name, metric in catalogue().items():
        values = VALUES.get(name, {})
        alone = seconds(con, render(metric, values))
        kept = seconds(con, render(metric, values, rollups=frozenset(ROLLUPS)))
        print(f"{name:22}{alone:9.3f}{alone / plain:8.1f}{kept:14.3f}{kept / plain:8.1f}", flush=True)


if __name__ == "__main__":
    main()
