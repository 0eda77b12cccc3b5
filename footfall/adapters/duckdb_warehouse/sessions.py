"""Sessions kept up to date within the store transaction: look up, swap, relabel.

The new rows' runs and the stored sessions that they touch (within the gap) are merged by
``core.session_merge``; stored rows whose session's id changed are relabelled. What the table holds
equals ``core.sessions.sessions_of`` over all rows, for any order of arrival.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.session_merge import HIT_COLUMNS, PIECE_SCHEMA, merge_pieces, runs_of
from footfall.core.sessions import SESSION_GAP

__all__ = ["assign_sessions", "lent", "rebuild_sessions"]

Ints = npt.NDArray[np.int64]

GAP = f"interval {int(SESSION_GAP.total_seconds())} seconds"
CLUSTER_GAP = timedelta(hours=6)
MOST_CLUSTERS = 8

PIECES = ", ".join(PIECE_SCHEMA.names)

# As core.sessions.session_id_of has it.
SESSION_ID = (
    "md5(epoch_us(started_at) || ':' || is_bot::tinyint || ':' || length(app_id) || ':' || app_id "
    "|| visitor_id)"
)

# The bounds are handed in: as subqueries they made DuckDB read every column of all sessions near.
TOUCHED = f"""
select {", ".join(f"s.{name}" for name in PIECE_SCHEMA.names)}, s.session_id, s.rowid as place, r.n
from store.sessions s join runs r
    on r.visitor_id = s.visitor_id and r.app_id = s.app_id and r.is_bot = s.is_bot
        and r.started_at <= s.ended_at + {GAP} and r.ended_at >= s.started_at - {GAP}
where s.ended_at >= $low and s.started_at <= $high
"""  # noqa: S608 - our own names

IDS = f"select {SESSION_ID} from pieces"  # noqa: S608 - our own names

DELETE = "delete from store.sessions where rowid in (select place from touched)"

INSERT = f"insert into store.sessions select {PIECES}, session_id from named"  # noqa: S608 - our own names

RELABEL = """
create or replace temp table relabelled as
select r.rowid as place, m.new_id, date_trunc('hour', r.created_at) as hour, r.slice
from store.rows r
join moved m on r.session_id = m.old_id
where not r.given_session and r.created_at between $low and $high
"""

RELABELLED = """
update store.rows set session_id = l.new_id from relabelled l where store.rows.rowid = l.place;
insert into store.hour_changes select hour, slice, 0, {version} from relabelled group by hour, slice;
drop table relabelled;
"""

DAYS = "select distinct created_at::date as day from store.rows order by day"


class Span(NamedTuple):
    """A stretch of time that holds sessions to relabel."""

    low: datetime
    high: datetime


@contextmanager
def lent(connection: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Let SQL see Arrow tables by these names for a while."""
    for name, table in tables.items():
        connection.register(name, table)
    try:
        yield
    finally:
        for name in tables:
            connection.unregister(name)


def assign_sessions(connection: duckdb.DuckDBPyConnection, rows: pa.Table, version: int) -> pa.Array:
    """Merge the rows into the sessions table; return the id of each row's session.

    Stored rows whose session grew at its start, or was bridged, get its new id.
    """
    runs = runs_of(rows.select(list(HIT_COLUMNS)))
    touched, theirs = _touched(connection, runs.pieces)
    alone = np.ones(len(runs.pieces), dtype=bool)
    alone[theirs] = False
    apart = runs.pieces.filter(pa.array(alone))
    meeting = runs.pieces.take(pa.array(theirs))
    merged = merge_pieces(pa.concat_tables([meeting, touched.select(PIECE_SCHEMA.names)]))
    pieces = pa.concat_tables([apart, merged.pieces]).combine_chunks()
    with lent(connection, pieces=pieces.to_reader()):
        ids = connection.sql(IDS).to_arrow_table().column(0).combine_chunks()
    if len(touched):
        with lent(connection, touched=touched):
            connection.execute(DELETE)
    with lent(connection, named=pieces.append_column("session_id", ids).to_reader()):
        connection.execute(INSERT)
    _relabel(connection, touched, ids.take(pa.array(len(apart) + merged.number[len(meeting) :])), version)
    number = np.cumsum(alone) - 1
    number[theirs] = len(apart) + merged.number[: len(meeting)]
    return ids.take(pa.array(number[runs.number]))


def _touched(connection: duckdb.DuckDBPyConnection, runs: pa.Table) -> tuple[pa.Table, Ints]:
    """Return the stored sessions that lie near a run, and the numbers of the runs near one.

    All other runs are sessions of their own, for runs of one visitor are apart by more than the gap.
    """
    near = {
        "low": pc.min(runs["started_at"]).as_py() - SESSION_GAP,
        "high": pc.max(runs["ended_at"]).as_py() + SESSION_GAP,
    }
    with lent(connection, runs=runs.append_column("n", pa.array(np.arange(len(runs))))):
        met = connection.sql(TOUCHED, params=near).to_arrow_table()
    _, first = np.unique(met["place"].to_numpy(), return_index=True)
    return met.take(pa.array(first)), np.unique(met["n"].to_numpy())


def _relabel(
    connection: duckdb.DuckDBPyConnection, touched: pa.Table, new_ids: pa.Array, version: int
) -> None:
    """Give stored rows the id of the session that theirs became part of.

    Few rows, but anywhere in a long table: they are looked up by stretches of time, so that one
    old and one new session do not mean reading all that lies between.
    """
    table = touched.select(["session_id", "started_at", "ended_at"]).append_column("new_id", new_ids)
    table = table.filter(pc.not_equal(table["session_id"], table["new_id"])).sort_by("started_at")
    if not len(table):
        return
    spans = [
        Span(*edge)
        for edge in zip(*(table[n].to_pylist() for n in ("started_at", "ended_at")), strict=True)
    ]
    with lent(connection, moved=table.rename_columns(["old_id", "started_at", "ended_at", "new_id"])):
        for span in _clusters(spans):
            connection.execute(RELABEL, {"low": span.low, "high": span.high})
            connection.execute(RELABELLED.format(version=version))


def _clusters(spans: list[Span]) -> list[Span]:
    """Join spans that lie near each other; past a few stretches all the rest is one."""
    clusters: list[Span] = []
    for span in spans:
        last = clusters[-1] if clusters else None
        if last and (span.low - last.high <= CLUSTER_GAP or len(clusters) == MOST_CLUSTERS):
            clusters[-1] = Span(last.low, max(last.high, span.high))
        else:
            clusters.append(span)
    return clusters


def rebuild_sessions(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Compute all sessions from the rows, day by day, and relabel rows whose id is not what follows."""
    connection.execute("delete from store.sessions")
    columns = ", ".join(HIT_COLUMNS)
    for (day,) in connection.execute(DAYS).fetchall():
        rows = connection.sql(
            f"select {columns}, rowid as place, session_id, given_session "  # noqa: S608 - our own names
            "from store.rows where created_at >= $day and created_at < $day + interval 1 day",
            params={"day": day},
        ).to_arrow_table()
        ids = assign_sessions(connection, rows, version)
        wrong = pc.and_(
            pc.invert(rows["given_session"]),
            pc.fill_null(pc.not_equal(rows["session_id"], ids), fill_value=True),
        )
        table = pa.table({"place": rows["place"], "new_id": ids}).filter(wrong)
        with lent(connection, wrong=table):
            connection.execute(
                """
                create or replace temp table relabelled as
                select w.place, w.new_id, date_trunc('hour', r.created_at) as hour, r.slice
                from wrong w join store.rows r on r.rowid = w.place
                """
            )
            connection.execute(RELABELLED.format(version=version))
