"""The store transaction, step by step: one list of effects, in the order of its promises.

Everything happens between ``begin`` and ``commit`` on the writer's connection; whoever fails in
between leaves nothing behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.adapters.duckdb_warehouse.rollups import FOLD_ROWS, ROLLUPS, fold
from footfall.adapters.duckdb_warehouse.seen_filter import SeenFilter
from footfall.adapters.duckdb_warehouse.sessions import assign_sessions, lent
from footfall.core.duplicates import REPEAT_WINDOW
from footfall.errors import NotFound, StoreFailed
from footfall.ports import Batch, Stored

__all__ = ["STATE", "State", "advances", "strike", "write"]

SLICE_ROWS = 100_000
SLICE_COMMITS = 300
"""A slice is what the lake counts in: at 5 commits a second, a minute or 100,000 rows."""

MOST_HOUR_CHANGES = 20_000
ROWS_PER_STATEMENT = 500

# As ``(key >> 64)`` and its rest; the digest is asked for once.
KEYS = """
select (key >> 64)::ubigint as hi, (key & 18446744073709551615)::ubigint as lo
from (select md5_number(length(app_id) || ':' || app_id || event_id) as key from incoming)
"""

# Reading the first half alone takes a third of the time of comparing both.
MET = f"""
select a.n from suspected a join store.seen s on s.hi = a.hi
where s.lo = a.lo
    and s.received_at > a.received_at - interval {int(REPEAT_WINDOW.total_seconds())} seconds
"""  # noqa: S608 - our own number

ROWS = """
insert into store.rows ({names}, slice) select {values}, $slice from labelled
"""

SEEN = "insert into store.seen select hi, lo, received_at from keys"

DUPLICATES = """
insert into store.duplicates select app_id, event_id, received_at, origin, event from repeated
"""

REJECTED = """
insert into store.rejected by name from refused
"""

HOURS = """
insert into store.hour_changes
select date_trunc('hour', created_at) as hour, {slice}, count(*), {version} from fresh group by hour
"""

# The columns that rollups and hours are made of; DuckDB binds each column of a table that is lent.
COUNTED = ["app_id", "visitor_id", "event", "created_at", "is_bot", "origin"]

WAITING = f"""
select {", ".join(f"(select count(*) from {rollup.delta})" for rollup in ROLLUPS)},
    (select count(*) from store.hour_changes)
"""  # noqa: S608 - our own names

FOLD_HOURS = """
create or replace temp table folded as from store.lake_hours;
delete from store.hour_changes;
insert into store.hour_changes from folded;
drop table folded;
"""

BOOKS = """
insert into store.books values {rows}
on conflict do update set stored = stored + excluded.stored,
    duplicate = duplicate + excluded.duplicate, rejected = rejected + excluded.rejected
"""

POSITIONS = """
insert into store.positions values {rows}
on conflict do update set position = excluded.position
"""

STATE = """
update store.state set version = $version, slice = $slice, slice_rows = $slice_rows,
    slice_commits = $slice_commits, fresh_to = $fresh_to
"""


@dataclass(frozen=True, slots=True)
class State:
    """What each commit moves on; ``delta_rows`` counts partial rollup rows not folded yet."""

    version: int = 0
    slice: int = 0
    slice_rows: int = 0
    slice_commits: int = 0
    fresh_to: datetime | None = None

    def after(self, rows: int, newest: datetime | None) -> "State":
        """Return the state that a commit of so many rows leads to."""
        full = self.slice_rows + rows >= SLICE_ROWS or self.slice_commits + 1 >= SLICE_COMMITS
        fresh = max(filter(None, (self.fresh_to, newest)), default=None)
        if full:
            return State(self.version + 1, self.slice + 1, 0, 0, fresh)
        return replace(
            self,
            version=self.version + 1,
            slice_rows=self.slice_rows + rows,
            slice_commits=self.slice_commits + 1,
            fresh_to=fresh,
        )


class Told(NamedTuple):
    """A batch's rows told apart; keys (with ``received_at``) of fresh rows that may come again."""

    fresh: pa.Table
    repeated: pa.Table
    keys: pa.Table | None = None


def strike(connection: duckdb.DuckDBPyConnection, rejected_ids: Sequence[str]) -> None:
    """Take rejected events off their table and the books. Raises NotFound when one isn't there."""
    ids = sorted(set(rejected_ids))
    found = connection.execute(
        "select app_id, count(*), list(rejected_id) from store.rejected "
        "where rejected_id in (select unnest($ids)) group by app_id",
        {"ids": ids},
    ).fetchall()
    absent = set(ids).difference(*(known for _, _, known in found))
    if absent:
        hint = "It may have been retried already; see footfall rejected list"
        raise NotFound(what="rejected event", name=min(absent), hint=hint)
    connection.execute(
        "delete from store.rejected where rejected_id in (select unnest($ids))", {"ids": ids}
    )
    _upsert(connection, BOOKS, [(app, 0, 0, -count) for app, count, _ in found])


def write(
    connection: duckdb.DuckDBPyConnection, batch: Batch, state: State, seen: SeenFilter
) -> tuple[Stored, State]:
    """Run the steps of one batch within the caller's transaction; return what it did.

    ``seen`` knows at least the ids of ``store.seen``, and learns those of this batch.
    """
    if batch.unique:
        told = Told(batch.rows, batch.rows.slice(0, 0))
    else:
        told = _tell_apart(connection, batch.rows, seen)
    fresh, repeated = told.fresh, told.repeated
    newest = _newest(batch)
    after = state.after(len(fresh), newest)
    if len(fresh):
        _store_rows(connection, told, state.slice, after.version)
    _store_if_any(connection, "repeated", repeated, DUPLICATES)
    _store_if_any(connection, "refused", batch.rejected, REJECTED)
    counted = {"stored": fresh, "duplicate": repeated, "rejected": batch.rejected}
    _keep_books(connection, counted)
    _upsert(connection, POSITIONS, list(batch.positions.items()))
    connection.execute(STATE, {name: getattr(after, name) for name in State.__slots__})
    return Stored(**{name: len(table) for name, table in counted.items()}), after


def _tell_apart(connection: duckdb.DuckDBPyConnection, rows: pa.Table, seen: SeenFilter) -> Told:
    """Split into rows seen for the first time and duplicates; both keep their order."""
    if not len(rows):
        return Told(rows, rows)
    with lent(connection, incoming=rows.select(["app_id", "event_id"]).to_reader()):
        keys = connection.sql(KEYS).to_arrow_table()
    keys = keys.append_column("received_at", rows["received_at"])
    first = _first_of_each(keys)
    numbers = np.flatnonzero(first)
    suspected = numbers[seen.may_hold(keys["hi"].to_numpy()[numbers])]
    if len(suspected):
        named = keys.take(pa.array(suspected)).append_column("n", pa.array(suspected))
        with lent(connection, suspected=named):
            first[connection.execute(MET).fetchnumpy()["n"]] = False
    if not first.all():
        kept = pa.array(first)
        keys, fresh, repeated = keys.filter(kept), rows.filter(kept), rows.filter(pc.invert(kept))
    else:
        fresh, repeated = rows, rows.slice(0, 0)
    # Before the commit: if it fails, the filter knows too much, which costs a look and no row.
    seen.add(keys["hi"].to_numpy())
    return Told(fresh, repeated, keys)


def _first_of_each(keys: pa.Table) -> npt.NDArray[np.bool_]:
    """Say which rows are the first with their key; a whole key is looked at only where halves are equal."""
    first = np.ones(len(keys), dtype=bool)
    hi = keys["hi"].to_numpy()
    order = np.argsort(hi, kind="stable")
    same = np.flatnonzero(hi[order[1:]] == hi[order[:-1]])
    if len(same):
        known: set[tuple[int, int]] = set()
        lo = keys["lo"].to_numpy()
        for place in np.unique(order[np.concatenate([same, same + 1])]).tolist():
            key = (int(hi[place]), int(lo[place]))
            first[place] = key not in known
            known.add(key)
    return first


def _store_rows(connection: duckdb.DuckDBPyConnection, told: Told, slice_number: int, version: int) -> None:
    execute, fresh = connection.execute, told.fresh
    given = fresh["session_id"]
    labels = pc.coalesce(given, assign_sessions(connection, fresh, version))
    place = fresh.column_names.index("session_id")
    labelled = fresh.set_column(place, "session_id", labels)
    _insert(connection, labelled.append_column("given_session", pc.is_valid(given)), slice_number)
    if told.keys is not None:
        with lent(connection, keys=told.keys):
            execute(SEEN)
    with lent(connection, fresh=fresh):
        for rollup in ROLLUPS:
            execute(f"insert into {rollup.delta} {rollup.of('fresh')}")
            if _count(connection, rollup.delta) > FOLD_ROWS:
                fold(execute, rollup)
        execute(HOURS.format(slice=slice_number, version=version))
        if _count(connection, "store.hour_changes") > MOST_HOUR_CHANGES:
            execute(FOLD_HOURS)


def _insert(connection: duckdb.DuckDBPyConnection, rows: pa.Table, slice_number: int) -> None:
    """Insert the rows; a column with one value throughout goes as that value, which costs little."""
    held = [name for name in rows.column_names if rows[name].null_count < len(rows)]
    alone = {name: rows[name][0].as_py() for name in held if _is_one_value(rows[name])}
    names = ", ".join(held)
    values = ", ".join(f"${name}" if name in alone else name for name in held)
    # A reader, not a table: DuckDB scans it on one thread, which costs half the time of two.
    with lent(connection, labelled=rows.to_reader()):
        connection.execute(ROWS.format(names=names, values=values), alone | {"slice": slice_number})


def _is_one_value(column: pa.ChunkedArray) -> bool:
    if column.null_count or column[0] != column[-1]:
        return False
    return bool(pc.all(pc.equal(column, column[0])).as_py())


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [(count,)] = connection.execute(f"select count(*) from {table}").fetchall()  # noqa: S608 - our names
    return int(count)


def _store_if_any(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table, sql: str) -> None:
    if len(table):
        with lent(connection, **{name: table}):
            connection.execute(sql)


def _keep_books(connection: duckdb.DuckDBPyConnection, counted: Mapping[str, pa.Table]) -> None:
    apps: dict[str, dict[str, Any]] = {}
    for name, table in counted.items():
        for entry in pc.value_counts(table["app_id"]).to_pylist():
            books = apps.setdefault(entry["values"], {"stored": 0, "duplicate": 0, "rejected": 0})
            books[name] += entry["counts"]
    _upsert(connection, BOOKS, [(app, *books.values()) for app, books in apps.items()])


def _upsert(connection: duckdb.DuckDBPyConnection, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for all rows: a statement costs milliseconds, a row next to nothing."""
    for at in range(0, len(rows), ROWS_PER_STATEMENT):
        some = rows[at : at + ROWS_PER_STATEMENT]
        holes = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
        connection.execute(sql.format(rows=holes), [value for row in some for value in row])


def _newest(batch: Batch) -> datetime | None:
    moments = [pc.max(table["received_at"]).as_py() for table in (batch.rows, batch.rejected)]
    return max(filter(None, moments), default=None)


def advances(committed: Mapping[str, int], positions: Mapping[str, int]) -> bool:
    """Whether a batch's read positions lie beyond the committed ones; without any it is taken.

    Raises StoreFailed when some do and others fall back: its rows cannot be told apart.
    """
    beyond = [source for source, position in positions.items() if position > committed.get(source, 0)]
    behind = [source for source, position in positions.items() if position < committed.get(source, 0)]
    if beyond and behind:
        cause = f"the batch reads {behind[0]} again, from before the committed position"
        raise StoreFailed(store="The warehouse", cause=cause)
    return bool(beyond) or not positions
