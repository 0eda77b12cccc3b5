"""Reading the warehouse: one SELECT at a time, read-only, bounded in time and rows.

Four walls stand around a query: DuckDB's configuration is locked with file and network access off;
the statement must be a single SELECT or EXPLAIN; it runs in a read-only transaction (a SELECT may
hold a writing CTE); and a clock interrupts it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa

from footfall.adapters.duckdb_warehouse.faults import query_fault
from footfall.errors import BadQuery
from footfall.ports import Answer
from footfall.settings import WarehouseSettings

__all__ = ["Readers"]

READERS = 6
SCAN_ROWS = 65_536
TAKEN = ("SELECT", "EXPLAIN")


class Readers:
    """A few connections that queries take turns on.

    They are made, and set to count what they read, before the configuration is locked.
    """

    def __init__(
        self, database: duckdb.DuckDBPyConnection, folder: Path, settings: WarehouseSettings
    ) -> None:
        self._database = database
        self._folder = folder
        self._settings = settings
        self._all = [database.cursor() for _ in range(READERS)]
        self._free: LifoQueue[duckdb.DuckDBPyConnection] = LifoQueue()
        for connection in self._all:
            connection.execute("use warehouse; set enable_profiling = 'no_output'")
            self._free.put(connection)

    def close(self) -> None:
        """Stop what runs and release the connections."""
        for connection in self._all:
            connection.interrupt()
            connection.close()

    def answer(self, sql: str, parameters: Mapping[str, object] | None, limit: int | None) -> Answer:
        """Answer one SELECT over the last commit. Raises BadQuery, or StoreFailed for a broken file."""
        most = min(limit if limit is not None else self._settings.query_rows, self._settings.query_rows)
        with self._reader() as connection, self._faults():
            _demand_select(connection, sql)
            connection.execute("begin transaction read only")
            try:
                with _time_limit(connection, self._settings.query_seconds):
                    connection.execute(sql, dict(parameters) if parameters else None)
                    columns = tuple(str(column[0]) for column in connection.description or ())
                    rows = connection.fetchmany(most)
                    # What is left after the limit need not be computed.
                    connection.abort()
                    read = _rows_read(connection)
                [(fresh_to,)] = connection.execute("select fresh_to from store.state").fetchall()
            finally:
                connection.rollback()
        return Answer(columns, rows, sql, read, fresh_to)

    def scan(self, sql: str, parameters: Mapping[str, object] | None) -> Iterator[pa.RecordBatch]:
        """Stream one SELECT as Arrow batches over the commit that is last at the first of them."""
        with self._faults():
            connection = self._database.cursor()
            try:
                connection.execute("use warehouse")
                connection.execute("begin transaction read only")
                relation = connection.sql(sql, params=dict(parameters) if parameters else None)
                yield from relation.to_arrow_reader(SCAN_ROWS)
            finally:
                connection.close()

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            connection = self._free.get(timeout=self._settings.query_seconds)
        except Empty:
            raise BadQuery(cause="too many queries are running; try again") from None
        try:
            yield connection
        finally:
            self._free.put(connection)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, duckdb.Warning) as error:
            raise query_fault(error, self._folder) from error
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            # The binding raises these for parameters and results that it cannot convert.
            raise BadQuery(cause=" ".join(str(error).split())) from error


def _demand_select(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise BadQuery(cause=f"it holds {len(statements)} statements")
    kind = statements[0].type.name
    if kind not in TAKEN:
        raise BadQuery(cause=f"it is a {kind} statement")


@contextmanager
def _time_limit(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _rows_read(connection: duckdb.DuckDBPyConnection) -> int:
    """Sum the rows that the query's table scans read, from its profile."""
    text = connection.get_profiling_information()
    waiting: list[dict[str, Any]] = list(json.loads(text).get("operator") or ()) if text else []
    read = 0
    while waiting:
        operator = waiting.pop()
        read += operator.get("rows_scanned") or 0
        waiting += operator.get("children") or ()
    return read
