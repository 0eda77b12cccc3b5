"""A lake's tables to MySQL by a JDBC driver of the user's own, which no machine's Python needs to know.

Executors write the rows in batches to tables beside (Spark's JDBC writer knows no upsert); then each day is
merged in one transaction: what stands there of it goes, and its rows come, in place of those of their key.
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from footfall.adapters.sql_mart import NAME_LENGTH, mysql_statements
from footfall.apps.spark.faults import told
from footfall.apps.spark.lake_days import day_of, day_of_lake, days_in, lake_days
from footfall.apps.spark.landing import Hours, at_hand
from footfall.apps.spark.mart import Exported
from footfall.apps.spark.session import MapArrow, in_arrow
from footfall.core.mart import MART, MartKind, MartTable
from footfall.errors import BadQuery, MartLost, MartRefused, MartWrong
from footfall.services.export_mart import rows_of_day

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["driver_class", "export_by_jdbc", "jdbc_address"]

STAGED = "footfall_staged_"
OF_DAY = "export_day"  # which day's export a staged row belongs to
LOCK = "footfall_export"
BATCH_ROWS = 2_000
THERE = """
select count(*) from information_schema.tables
where table_schema = database() and table_name = '{name}'
"""
# Without keys: a task that is done again writes its rows again, and the merge takes them once.
BESIDE = """
create table `footfall_staged_{name}` (index (export_day))
as select '0000-00-00' as export_day, t.* from `{name}` t limit 0
"""
CLEAR = "delete from `{name}` where {of_day}"
MERGE = """
insert into `{name}` ({columns})
select {columns} from `footfall_staged_{name}` where export_day = '{day}'
on duplicate key update {values}
"""
COUNT = "select count(*) from `{name}` where {of_day}"
LOST = "08"  # how the SQL states of a broken connection begin
KINDS: Mapping[MartKind, tuple[str, pa.DataType]] = {
    "name": ("string", pa.string()),
    "text": ("string", pa.string()),
    "hash": ("string", pa.string()),
    # As text, for a JDBC time is shifted by the zone of whoever writes it.
    "day": ("string", pa.string()),
    "moment": ("string", pa.string()),
    "count": ("bigint", pa.int64()),
    "number": ("double", pa.float64()),
    "flag": ("boolean", pa.bool_()),
}


def driver_class(jar: Path) -> str:
    """Return the class that a driver's jar names. Raises BadQuery for a file that is no driver."""
    try:
        with zipfile.ZipFile(jar) as packed:
            named = packed.read("META-INF/services/java.sql.Driver").decode().split()
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise BadQuery(cause=f"--jdbc-driver {jar} is no jar of a JDBC driver ({error})") from error
    return named[0]


def export_by_jdbc(spark: "SparkSession", lake: str, url: str, driver: str, hours: Hours) -> Exported:
    """Do what ``mart.export_lake`` does, through the driver of this class, which all machines have.

    Raises what it raises; what a run that was killed left beside, the next one removes.
    """
    days = lake_days(spark, lake, hours)
    with told(), _connected(spark, url, driver) as database:
        database.prepare()
        try:
            expected = [_stage(days, table, url, driver) for table in MART]
            numbers = sorted(row.day for row in days.select("day").collect())
            done = [
                database.merge(day, [counts.get(day, 0) for counts in expected])
                for day in (str(day_of(number)) for number in numbers)
            ]
        finally:
            database.drop_staged()
    return Exported(days=len(done), rows=sum(done), verified=sum(done))


def _stage(days: "DataFrame", table: MartTable, url: str, driver: str) -> dict[str, int]:
    """Write a table's rows beside it; return how many there are of each day."""
    columns = ", ".join(f"`{column.name}` {KINDS[column.kind][0]}" for column in table.columns)
    rows = in_arrow(days, _rows_of(table), f"`{OF_DAY}` string, {columns}")
    place, account = jdbc_address(url)
    with at_hand(rows) as kept:
        counts = {row[OF_DAY]: row["count"] for row in kept.groupBy(OF_DAY).count().collect()}
        kept.write.option("batchsize", BATCH_ROWS).jdbc(
            place, f"{STAGED}{table.name}", mode="append", properties={**account, "driver": driver}
        )
    return counts


def _rows_of(table: MartTable) -> MapArrow:
    schema = pa.schema([(column.name, KINDS[column.kind][1]) for column in table.columns])

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for day, files in days_in(batch):
                with day_of_lake(files) as lake_day:
                    for rows in rows_of_day(lake_day, table, day):
                        yield _plain(rows, table, schema, day)

    return read


def _plain(rows: pa.RecordBatch, table: MartTable, schema: pa.Schema, day: date) -> pa.RecordBatch:
    columns = [pa.repeat(pa.scalar(str(day)), len(rows))]
    for column, field in zip(table.columns, schema, strict=True):
        values = rows.column(column.name).cast(field.type)
        columns.append(pc.utf8_slice_codeunits(values, 0, NAME_LENGTH) if column.kind == "name" else values)
    return pa.record_batch(columns, names=[OF_DAY, *schema.names])


def jdbc_address(url: str) -> tuple[str, dict[str, str]]:
    """Return the JDBC address of a mart, and the account. Raises MartRefused for one of another kind."""
    parsed = urlsplit(url)
    if parsed.scheme.partition("+")[0] not in ("mysql", "mariadb") or not parsed.hostname:
        cause = "a JDBC driver is used for mysql://USER:PASSWORD@HOST:PORT/DATABASE only"
        raise MartRefused(place=parsed.scheme or "The address", cause=cause)
    place = f"{parsed.hostname}:{parsed.port or 3306}{parsed.path}"
    # What the one driver needs to take this address, and the other to send rows together.
    options = "permitMysqlScheme=true&rewriteBatchedStatements=true&useBulkStmts=true"
    account = {"user": unquote(parsed.username or ""), "password": unquote(parsed.password or "")}
    return f"jdbc:mysql://{place}?{options}", account


@contextmanager
def _connected(spark: "SparkSession", url: str, driver: str) -> Iterator["_Database"]:
    """Connect from the driver's process, by Java as Spark does. Raises MartLost, MartRefused."""
    from py4j.protocol import Py4JJavaError  # needs the extra

    place, account = jdbc_address(url)
    shown = place.partition("?")[0]
    java: Any = spark.sparkContext._jvm
    try:
        java.org.apache.spark.sql.execution.datasources.jdbc.DriverRegistry.register(driver)
        connection = java.java.sql.DriverManager.getConnection(place, account["user"], account["password"])
        try:
            yield _Database(connection, shown)
        finally:
            connection.close()
    except Py4JJavaError as error:
        thrown: Any = error.java_exception
        if not hasattr(thrown, "getSQLState"):
            raise
        cause = " ".join(str(thrown.getMessage()).split())
        lost = str(thrown.getSQLState() or "").startswith(LOST)
        raise (MartLost if lost else MartRefused)(place=shown, cause=cause) from error


class _Database:
    """A connection's work; all statements are made of our own names."""

    def __init__(self, connection: Any, place: str) -> None:
        self._connection, self._place = connection, place

    def prepare(self) -> None:
        """Make the tables that are not there, and those beside, empty. Raises MartRefused."""
        if self._number(f"select get_lock('{LOCK}', 0)") != 1:
            raise MartRefused(place=self._place, cause="another export writes there now")
        self.drop_staged()
        for table in MART:
            if not self._number(THERE.format(name=table.name)):
                for statement in mysql_statements(table):
                    self._do(statement)
            self._do(BESIDE.format(name=table.name))

    def drop_staged(self) -> None:
        """Remove the tables beside."""
        for table in MART:
            self._do(f"drop table if exists `{STAGED}{table.name}`")

    def merge(self, day: str, expected: Sequence[int]) -> int:
        """Put a day's rows in place of those that stand there; return them. Raises MartWrong."""
        self._connection.setAutoCommit(False)
        try:
            for table, rows in zip(MART, expected, strict=True):
                self._merge(table, day, rows)
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        finally:
            self._connection.setAutoCommit(True)
        return sum(expected)

    def _merge(self, table: MartTable, day: str, rows: int) -> None:
        names = [f"`{column.name}`" for column in table.columns]
        taken = {
            "name": table.name,
            "columns": ", ".join(names),
            "values": ", ".join(f"{name} = values({name})" for name in names),
            "of_day": f"`{table.time}` >= '{day}' and `{table.time}` < date_add('{day}', interval 1 day)",
            "day": day,
        }
        self._do(CLEAR.format(**taken))
        self._do(MERGE.format(**taken))
        found = self._number(COUNT.format(**taken))
        if found != rows:
            raise MartWrong(table=table.name, day=day, found=found, expected=rows)

    def _do(self, statement: str) -> None:
        made = self._connection.createStatement()
        try:
            made.executeUpdate(statement)
        finally:
            made.close()

    def _number(self, query: str) -> int:
        made = self._connection.createStatement()
        try:
            found = made.executeQuery(query)
            found.next()
            return int(found.getLong(1))
        finally:
            made.close()
