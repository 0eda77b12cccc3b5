"""The Warehouse port on one DuckDB file: opening it, its one writer, and what is asked of it.

The file is opened with file and network access off and the configuration locked, so no SQL,
whoever wrote it, can reach anything but the tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

import duckdb
import pyarrow as pa

from footfall.adapters.duckdb_warehouse import rollups
from footfall.adapters.duckdb_warehouse.faults import store_fault
from footfall.adapters.duckdb_warehouse.reading import Readers
from footfall.adapters.duckdb_warehouse.seen_filter import SeenFilter
from footfall.adapters.duckdb_warehouse.sessions import rebuild_sessions
from footfall.adapters.duckdb_warehouse.tables import DDL, LAYOUT
from footfall.adapters.duckdb_warehouse.transaction import STATE, State, advances, strike, write
from footfall.core.duplicates import REPEAT_WINDOW
from footfall.core.record import AppId, Sender
from footfall.errors import StoreFailed
from footfall.ports import Answer, Batch, Books, RejectedEvent, Sighting, Stored
from footfall.settings import WarehouseSettings

__all__ = ["DuckDBWarehouse"]

CHECKPOINT = "32MB"
"""Size of the write-ahead log at which a commit also writes the file; bounds replay after a crash."""

ROW_GROUP = 20_480
"""Rows that DuckDB compresses as one. A batch that fills groups is written once, outside the
write-ahead log: commits of 50,000 rows took 20 ms instead of 400 ms with the usual 122,880.
"""

VACUUM_TASKS = 10
"""How many runs of small or thinned-out row groups one checkpoint joins, so that none takes long."""

SEEN_AT_ONCE = 65_536

DUPLICATES_FOR = timedelta(days=30)

SIGHTINGS = """
select 'stored' as state, app_id, received_at, origin,
    {'event': event, 'session_id': session_id, 'created_at': created_at::varchar,
     'processed_at': processed_at::varchar} as detail
from events where event_id = $id
union all
select 'duplicate', app_id, received_at, origin, {'event': event} from store.duplicates
where event_id = $id
union all
select 'rejected', app_id, received_at, origin,
    {'rejected_id': rejected_id, 'reasons': array_to_string(reasons, '; ')} from store.rejected
where event_id = $id or rejected_id = $id
order by received_at, state desc
"""

STANDING = """
select false as is_source, app_id as name, stored, duplicate, rejected from store.books
union all
select true, source, position, 0, 0 from store.positions
"""

REJECTED = """
select rejected_id, app_id, event_id, received_at, origin, reasons, body,
    header, ip, country, user_agent, language, visitor_hash
from store.rejected
where ($app is null or app_id = $app) and ($id is null or rejected_id = $id)
order by received_at desc, rejected_id desc
limit $most
"""


class DuckDBWarehouse:
    """The warehouse in ``folder/warehouse.duckdb``; spills to ``folder/tmp``. Safe to share by threads."""

    def __init__(self, folder: Path, settings: WarehouseSettings | None = None) -> None:
        self._folder = folder
        self._settings = settings or WarehouseSettings()
        self._write_lock = RLock()
        self._pending: tuple[State, dict[str, int]] = (State(), {})
        self._closed = False
        self._seen: SeenFilter | None = None
        self._open()

    def store(self, batch: Batch) -> Stored:
        """See the port. A batch whose positions are all committed already adds nothing."""
        with self._transaction() as connection:
            if not advances(self._positions, batch.positions):
                return Stored()
            return self._write(connection, batch)

    def retried(self, rejected_ids: Sequence[str], batch: Batch) -> Stored:
        """See the port. Raises NotFound, and stores nothing, when one of them isn't there."""
        with self._transaction() as connection:
            strike(connection, rejected_ids)
            return self._write(connection, batch)

    def positions(self) -> Mapping[str, int]:
        """See the port."""
        return self._positions

    def version(self) -> int:
        """See the port."""
        return self._state.version

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, limit: int | None = None
    ) -> Answer:
        """See the port. ``rows_read`` counts the rows that its table scans read."""
        return self._readers.answer(sql, parameters, limit)

    def scan(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[pa.RecordBatch]:
        """See the port; not bounded in time or rows."""
        return self._readers.scan(sql, parameters)

    def books(self) -> Mapping[AppId, Books]:
        """See the port."""
        rows = self.query("select app_id, stored, duplicate, rejected from store.books order by 1").rows
        return {AppId(app): Books(*counts) for app, *counts in rows}

    def standing(self) -> tuple[Mapping[str, int], Mapping[AppId, Books]]:
        """See the port: one statement sees one commit."""
        positions: dict[str, int] = {}
        books: dict[AppId, Books] = {}
        for is_source, name, *numbers in self.query(STANDING).rows:
            if is_source:
                positions[name] = numbers[0]
            else:
                books[AppId(name)] = Books(*numbers)
        return positions, books

    def find(self, event_id: str) -> list[Sighting]:
        """See the port; duplicates are remembered for 30 days."""
        found = []
        for state, app, received_at, origin, detail in self.query(SIGHTINGS, {"id": event_id}).rows:
            known = {key: value for key, value in detail.items() if value is not None}
            found.append(Sighting(state, AppId(app), event_id, received_at, {"origin": origin} | known))
        return found

    def rejected(
        self, app_id: str | None = None, rejected_id: str | None = None, limit: int = 100
    ) -> list[RejectedEvent]:
        """See the port."""
        rows = self.query(REJECTED, {"app": app_id, "id": rejected_id, "most": limit}).rows
        return [
            RejectedEvent(
                name, AppId(app), event, received_at, origin, tuple(reasons), body, Sender(*sender), header
            )
            for name, app, event, received_at, origin, reasons, body, header, *sender in rows
        ]

    def prune(self, now: datetime) -> int:
        """Forget ids seen more than 7 days ago and duplicates of 30 days; return how many went.

        ``now`` is naive UTC. Rows with an id that is forgotten are stored anew, as promised.
        """
        pruned = 0
        with self._transaction() as connection:
            for table, kept in (("seen", REPEAT_WINDOW), ("duplicates", DUPLICATES_FOR)):
                sql = f"delete from store.{table} where received_at < $before"  # noqa: S608 - our names
                [(gone,)] = connection.execute(sql, {"before": now - kept}).fetchall()
                pruned += gone
            for rollup in rollups.ROLLUPS:
                rollups.fold(connection.execute, rollup)
        with self._write_lock:
            self._seen = None  # made again of what is left
        return pruned

    def rebuild_rollups(self) -> None:
        """Compute sessions and rollups from the rows again: the same, unless something was amiss."""
        with self._transaction() as connection:
            after = self._state.after(0, None)
            rebuild_sessions(connection, after.version)
            for rollup in rollups.ROLLUPS:
                rollups.rebuild(connection.execute, rollup)
            self._advance(connection, after)

    def close(self) -> None:
        """See the port. Closing twice is closing once."""
        with self._write_lock:
            if self._closed:
                return
            self._closed = True
            self._readers.close()
            try:
                self._writer.execute("checkpoint")
            except duckdb.Error as error:
                raise store_fault(error, self._folder) from error
            finally:
                self._writer.close()
                self._database.close()

    def _open(self) -> None:
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {
            "memory_limit": self._settings.memory_limit,
            "temp_directory": str(folder / "tmp"),
            "checkpoint_threshold": CHECKPOINT,
            "max_vacuum_tasks": VACUUM_TASKS,
            "write_buffer_row_group_count": 1,  # by itself DuckDB gathers five, which only takes memory
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
        }
        try:
            self._seen = None
            self._database = duckdb.connect(config=config)
            self._database.execute("set global TimeZone = 'UTC'")
            path = str(folder / "warehouse.duckdb").replace("'", "''")
            self._database.execute(f"attach '{path}' as warehouse (row_group_size {ROW_GROUP})")
            self._writer = self._database.cursor()
            self._writer.execute("use warehouse")
            self._writer.execute("begin")
            self._writer.execute(DDL)
            self._writer.execute("commit")
            self._readers = Readers(self._database, folder, self._settings)
            self._database.execute("set enable_external_access = false; set lock_configuration = true")
            self._remember()
        except duckdb.Error as error:
            raise store_fault(error, folder) from error

    def _remember(self) -> None:
        """Read from the file what is kept in memory beside it."""
        names = ", ".join(State.__slots__)
        sql = f"select layout, {names} from store.state"  # noqa: S608 - our own names
        [(layout, *values)] = self._writer.execute(sql).fetchall()
        if layout != LAYOUT:
            cause = f"its layout is {layout}, and this footfall reads {LAYOUT}"
            raise StoreFailed(store="The warehouse", cause=cause)
        self._state = State(*values)
        rows = self._writer.execute("select source, position from store.positions").fetchall()
        self._positions: dict[str, int] = dict(rows)

    def _write(self, connection: duckdb.DuckDBPyConnection, batch: Batch) -> Stored:
        if self._seen is None:
            self._seen = SeenFilter()
            for ids in connection.sql("select hi from store.seen").to_arrow_reader(SEEN_AT_ONCE):
                self._seen.add(ids.column("hi").to_numpy())
        stored, state = write(connection, batch, self._state, self._seen)
        self._pending = (state, dict(batch.positions))
        return stored

    def _advance(self, connection: duckdb.DuckDBPyConnection, state: State) -> None:
        connection.execute(STATE, {name: getattr(state, name) for name in State.__slots__})
        self._pending = (state, {})

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the writer for one transaction; memory follows only once it is committed."""
        with self._write_lock:
            self._pending = (self._state, {})
            try:
                self._writer.execute("begin")
                yield self._writer
                self._writer.execute("commit")
            except BaseException as error:
                self._give_up(error)
                if isinstance(error, duckdb.Error | pa.ArrowException):
                    raise store_fault(error, self._folder) from error
                raise
            self._state = self._pending[0]
            self._positions = {**self._positions, **self._pending[1]}  # readers hold the old one

    def _give_up(self, error: BaseException) -> None:
        """Roll back; after a fatal error DuckDB refuses all work until the file is opened again."""
        try:
            self._writer.rollback()
        except duckdb.TransactionException:
            pass  # the failed commit has rolled back already
        except duckdb.FatalException as fatal:
            error = fatal
        if isinstance(error, duckdb.FatalException | duckdb.InternalException):
            self._readers.close()
            self._writer.close()
            self._database.close()
            self._open()
