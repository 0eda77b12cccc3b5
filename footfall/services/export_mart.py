"""``footfall export mysql``: brings a relational mart up to date, day by day, and counts it after.

What the mart holds of this warehouse stands in the mart itself, so a run that was killed, or whose
connection was lost, is simply run again: a day is one transaction, and writing it twice changes nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import pyarrow as pa

from footfall.core.mart import MART, MartTable
from footfall.errors import MartLost, MartWrong
from footfall.ports import Mart, MartChange, Warehouse

__all__ = ["Exported", "Scanned", "export_mart", "rows_of_day", "write_whole_day"]

TRIES = 6
FIRST_PAUSE = 0.5

DAYS = "select distinct hour::date as day from store.lake_hours where version > $since order by 1"
CHANGED = """
select hour, slice from store.lake_hours
where version > $since and hour >= $first and hour < $end
"""


class Scanned(Protocol):
    """Rows that a mart's SQL asks: a warehouse, or something that has its ``store.lake_rows``."""

    def scan(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[pa.RecordBatch]:
        """See the port Warehouse."""
        ...


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did: days written, rows written, and rows that were counted in the mart after."""

    days: int = 0
    rows: int = 0
    verified: int = 0
    up_to: int = 0


def export_mart(
    warehouse: Warehouse,
    mart: Mart,
    source: str,
    *,
    whole: bool = False,
    on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> Exported:
    """Write what changed since the last export (or everything), verify it, and note the version.

    ``source`` names this installation in the mart. A lost connection is tried again for half a minute
    before MartLost goes up; MartWrong says that a day's rows are not what was written.
    """
    mart.prepare(MART)
    reached = warehouse.version()
    since = -1 if whole else mart.reached(source)
    if since > reached:  # the warehouse is a younger one than the mart has seen
        since = -1
    days = [row for batch in warehouse.scan(DAYS, {"since": since}) for row in batch.to_pylist()]
    done = Exported(up_to=reached)
    for number, entry in enumerate(days):
        day = entry["day"]
        on_progress({"day": f"{day}", "days_done": number, "days_total": len(days), "rows": done.rows})
        written, verified = _patiently(partial(_write_day, warehouse, mart, day, since), pause)
        done = Exported(done.days + 1, done.rows + written, done.verified + verified, reached)
    mart.note(source, reached)
    return done


def write_whole_day(
    rows: Scanned, mart: Mart, day: date, pause: Callable[[float], None] = time.sleep
) -> tuple[int, int]:
    """Write all of a day in one transaction; return rows written and rows counted in the mart after.

    Tries again, and raises, as ``export_mart`` does.
    """
    return _patiently(partial(_write_day, rows, mart, day, -1), pause)


def _patiently(work: Callable[[], tuple[int, int]], pause: Callable[[float], None]) -> tuple[int, int]:
    for attempt in range(TRIES):
        try:
            return work()
        except MartLost:
            if attempt == TRIES - 1:
                raise
            pause(FIRST_PAUSE * 2**attempt)
    raise AssertionError("not reached")


def _write_day(warehouse: Scanned, mart: Mart, day: date, since: int) -> tuple[int, int]:
    """Write a day's rows in one transaction and count them; return rows written and rows counted."""
    with mart.transaction() as change:
        done = [_write_table(warehouse, change, table, day, since) for table in MART]
    return sum(written for written, _ in done), sum(counted for _, counted in done)


def _write_table(
    warehouse: Scanned, change: MartChange, table: MartTable, day: date, since: int
) -> tuple[int, int]:
    if not table.changes:
        change.clear(table, day)
        written = change.upsert(table, _rows(warehouse, table, day))
        return written, _counted(change, table, day, written, written)
    low = _held(warehouse, table, day)
    written = change.upsert(table, _rows(warehouse, table, day, since))
    found, high = change.count(table, day), _held(warehouse, table, day)
    if not low <= found <= high:  # rows went from the warehouse, or somebody wrote to the mart
        change.clear(table, day)
        written += change.upsert(table, _rows(warehouse, table, day))
        high = _held(warehouse, table, day)
    return written, _counted(change, table, day, low, high)


def _counted(change: MartChange, table: MartTable, day: date, low: int, high: int) -> int:
    found = change.count(table, day)
    if not low <= found <= high:
        raise MartWrong(table=table.name, day=day, found=found, expected=high)
    return found


def _held(warehouse: Scanned, table: MartTable, day: date) -> int:
    sql, values = _asked(table, day)
    counting = f"select count(*) as n from ({sql})"  # noqa: S608 - our own SQL
    return sum(row["n"] for batch in warehouse.scan(counting, values) for row in batch.to_pylist())


def rows_of_day(rows: Scanned, table: MartTable, day: date) -> Iterator[pa.RecordBatch]:
    """Return a day's rows of a table, for who writes them in another way."""
    return _rows(rows, table, day)


def _rows(warehouse: Scanned, table: MartTable, day: date, since: int = -1) -> Iterator[pa.RecordBatch]:
    return warehouse.scan(*_asked(table, day, since))


def _asked(table: MartTable, day: date, since: int = -1) -> tuple[str, dict[str, object]]:
    first = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - our times are UTC without a zone
    values: dict[str, object] = {"first": first, "end": first + timedelta(days=1)}
    if table.changes:
        values["since"] = since
    return table.sql.replace("{changed}", CHANGED), values
