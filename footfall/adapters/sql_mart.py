"""The Mart port on MySQL, MariaDB, PostgreSQL and SQLite, through SQLAlchemy Core.

Rows go in statements of some hundred at once, each in place of the row with its key (``ON DUPLICATE KEY
UPDATE``, ``ON CONFLICT``). Texts are compared byte by byte, so that two ids that differ in case are two.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

try:
    import sqlalchemy as sa
    from sqlalchemy.dialects import mysql
except ImportError as error:
    from footfall.errors import MissingExtra

    raise MissingExtra(feature="footfall export mysql", extra="mysql") from error

from footfall.core.mart import MartColumn, MartKind, MartTable
from footfall.errors import MartLost, MartRefused, MissingExtra
from footfall.ports import MartChange

__all__ = ["NAME_LENGTH", "SqlMart", "mysql_statements"]

VALUES_PER_STATEMENT = 12_000  # SQLite takes 32,766, PostgreSQL 65,535
NAME_LENGTH = 200
DRIVERS = {
    "mysql": ("mysql+pymysql", "mysql"),
    "mariadb": ("mysql+pymysql", "mysql"),
    "postgresql": ("postgresql+pg8000", "postgres"),
    "postgres": ("postgresql+pg8000", "postgres"),
    "sqlite": ("sqlite", "mysql"),
}
BINARY = "utf8mb4_bin"
MEDIUM = 16_777_215  # bytes: beyond MySQL's TEXT

TYPES: dict[MartKind, Callable[[], Any]] = {
    "name": lambda: sa.String(NAME_LENGTH),
    "text": lambda: sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb"),
    "hash": lambda: sa.String(32),
    "day": lambda: sa.Date(),
    "moment": lambda: sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb"),
    "count": lambda: sa.BigInteger(),
    "number": lambda: sa.Double(),
    "flag": lambda: sa.Boolean(),
}


class SqlMart:
    """A mart at a database URL: ``mysql://user:password@host/database``, ``sqlite:///file``, ...

    Raises MartRefused for an address that can't be, MissingExtra when its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError:
            raise MartRefused(
                place="The address", cause=f"{url.partition('://')[0]}: it is no database URL"
            ) from None
        driver, extra = DRIVERS.get(parsed.drivername.partition("+")[0], (None, ""))
        if driver is None:
            known = ", ".join(sorted(DRIVERS))
            raise MartRefused(place=parsed.drivername, cause=f"only {known} are written to")
        name = parsed.drivername if "+" in parsed.drivername else driver
        self._place = parsed.render_as_string(hide_password=True)
        query = {"charset": "utf8mb4"} if driver.startswith("mysql") else {}
        try:
            self._engine = sa.create_engine(
                parsed.set(drivername=name).update_query_dict(query), pool_pre_ping=True, pool_recycle=3_600
            )
        except ImportError as error:
            raise MissingExtra(feature=f"A mart at {parsed.drivername}", extra=extra) from error
        self._tables: dict[str, sa.Table] = {}
        self._metadata = sa.MetaData()
        self._state = sa.Table(
            "footfall_state",
            self._metadata,
            sa.Column("source", sa.String(NAME_LENGTH), primary_key=True),
            sa.Column("version", sa.BigInteger(), nullable=False),
            sa.Column("written_at", sa.DateTime()),
            mysql_charset="utf8mb4",
        )

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()

    def prepare(self, tables: Sequence[MartTable]) -> None:
        """See the port."""
        for table in tables:
            if table.name not in self._tables:
                self._tables[table.name] = _table(table, self._metadata)
        with self._faults():
            self._metadata.create_all(self._engine)
            with self._engine.begin() as connection:
                inspector = sa.inspect(connection)
                for made in self._tables.values():
                    self._add_columns(
                        connection, made, {c["name"] for c in inspector.get_columns(made.name)}
                    )

    def reached(self, source: str) -> int:
        """See the port."""
        query = sa.select(self._state.c.version).where(self._state.c.source == source)
        with self._faults(), self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        return -1 if found is None else int(found)

    def note(self, source: str, version: int) -> None:
        """See the port."""
        with self._faults(), self._engine.begin() as connection:
            connection.execute(self._state.delete().where(self._state.c.source == source))
            connection.execute(
                self._state.insert().values(
                    source=source, version=version, written_at=sa.func.current_timestamp()
                )
            )

    @contextmanager
    def transaction(self) -> Iterator[MartChange]:
        """See the port."""
        with self._faults(), self._engine.begin() as connection:
            yield _Change(connection, self._tables)

    def _add_columns(self, connection: sa.Connection, table: sa.Table, there: set[str]) -> None:
        quote = self._engine.dialect.identifier_preparer.quote
        for column in table.columns:
            if column.name not in there:
                kind = column.type.compile(self._engine.dialect)
                connection.execute(
                    sa.text(f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}")
                )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.DBAPIError) as error:
            cause = " ".join(str(error.orig or error).split())
            lost = (
                error.connection_invalidated
                or isinstance(error, sa.exc.InterfaceError)
                or _unreachable(error)
            )
            raise (MartLost if lost else MartRefused)(place=self._place, cause=cause) from error
        except sa.exc.SQLAlchemyError as error:
            raise MartRefused(place=self._place, cause=" ".join(str(error).split())) from error


def _unreachable(error: Any) -> bool:
    """Whether a driver's error says that the server can't be reached now.

    MySQL: 1205 lock wait, 1213 deadlock, 2003 can't connect, 2006 gone away, 2013 lost, 2055 lost.
    """
    arguments = getattr(error.orig, "args", ())
    code = arguments[0] if arguments else None
    return code in (1205, 1213, 2003, 2006, 2013, 2055) or isinstance(error.orig, OSError)


def mysql_statements(table: MartTable) -> list[str]:
    """Return what makes a table and its indexes in MySQL, for who has another driver."""
    made, dialect = _table(table, sa.MetaData()), mysql.dialect()
    making: list[Any] = [sa.schema.CreateTable(made), *map(sa.schema.CreateIndex, made.indexes)]
    return [str(statement.compile(dialect=dialect)) for statement in making]


def _table(table: MartTable, metadata: sa.MetaData) -> sa.Table:
    by_time = [] if table.time in table.keys else [sa.Index(f"{table.name}_{table.time}", table.time)]
    return sa.Table(
        table.name,
        metadata,
        *map(_column, table.columns),
        *by_time,
        mysql_charset="utf8mb4",
        mysql_collate=BINARY,
    )


def _column(column: MartColumn) -> "sa.Column[Any]":
    return sa.Column(
        column.name,
        TYPES[column.kind](),
        primary_key=column.key,
        nullable=not column.key,
        comment=column.doc,
    )


class _Change:
    """A transaction's work; see MartChange."""

    def __init__(self, connection: sa.Connection, tables: dict[str, sa.Table]) -> None:
        self._connection = connection
        self._tables = tables

    def upsert(self, table: MartTable, rows: Iterator[pa.RecordBatch]) -> int:
        names = [column.name for column in table.columns]
        at_once = VALUES_PER_STATEMENT // len(names)
        written = 0
        for batch in rows:
            columns = [
                self._plain(batch.column(name), column)
                for name, column in zip(names, table.columns, strict=True)
            ]
            values = list(zip(*columns, strict=True))
            for at in range(0, len(values), at_once):
                some = values[at : at + at_once]
                self._connection.exec_driver_sql(
                    self._statement(table, names, len(some)), tuple(value for row in some for value in row)
                )
            written += len(values)
        return written

    def clear(self, table: MartTable, day: date) -> None:
        made = self._tables[table.name]
        self._connection.execute(made.delete().where(*self._of_day(table, day)))

    def count(self, table: MartTable, day: date) -> int:
        made = self._tables[table.name]
        query = sa.select(sa.func.count()).select_from(made).where(*self._of_day(table, day))
        return int(self._connection.execute(query).scalar_one())

    def _of_day(self, table: MartTable, day: date) -> list[Any]:
        column = self._tables[table.name].c[table.time]
        if table.time == "day":
            return [column == day]
        first = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - our times are UTC without a zone
        return [column >= first, column < first + timedelta(days=1)]

    def _plain(self, values: pa.Array, column: MartColumn) -> list[Any]:
        if column.kind in ("name", "text") and self._connection.dialect.name == "postgresql":
            values = pc.replace_substring(values, "\x00", "\ufffd")  # which its text can't hold
        if column.kind == "name":
            values = pc.utf8_slice_codeunits(values, 0, NAME_LENGTH)
        return list(values.to_pylist())

    def _statement(self, table: MartTable, names: Sequence[str], rows: int) -> str:
        dialect = self._connection.dialect
        quote = dialect.identifier_preparer.quote
        hole = "?" if dialect.paramstyle == "qmark" else "%s"
        row = f"({', '.join([hole] * len(names))})"
        others = [name for name in names if name not in table.keys]
        if dialect.name in ("mysql", "mariadb"):
            end = "ON DUPLICATE KEY UPDATE " + ", ".join(f"{quote(n)} = VALUES({quote(n)})" for n in others)
        else:
            keys = ", ".join(map(quote, table.keys))
            end = f"ON CONFLICT ({keys}) DO UPDATE SET " + ", ".join(
                f"{quote(n)} = excluded.{quote(n)}" for n in others
            )
        into = f"INSERT INTO {quote(table.name)} ({', '.join(map(quote, names))})"
        return f"{into} VALUES {', '.join([row] * rows)} {end}"
