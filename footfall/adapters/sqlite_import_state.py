"""The ImportState port in one SQLite file of the data folder."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, fields, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from footfall.core.record import AppId
from footfall.errors import StateFailed
from footfall.ports import SourceRecord

__all__ = ["SqliteImportState"]

NAMES = [field.name for field in fields(SourceRecord)]
TIMES = ("at", "leased_until")
WAIT_SECONDS = 30.0
LOOKED_AT_ONCE = 500

TABLE = f"""
create table if not exists sources ({", ".join(NAMES)}, primary key (app_id, key)) without rowid;
create index if not exists sources_by_time on sources (at);
"""

LOOK = "select {names} from sources where app_id = ? and key in ({holes})"

CLAIM = f"""
insert into sources ({", ".join(NAMES)}) values ({", ".join(f":{name}" for name in NAMES)})
on conflict do update set {", ".join(f"{name} = excluded.{name}" for name in NAMES)}
where sources.claim = excluded.claim - 1 and (sources.state <> 'begun'
    or sources.owner = excluded.owner or sources.leased_until <= excluded.at)
"""  # noqa: S608 - our own names

RENEW = """
update sources set leased_until = :leased_until
where app_id = :app_id and key = :key and claim = :claim and state = 'begun'
"""

SETTLE = f"""
update sources set {", ".join(f"{name} = :{name}" for name in NAMES)}
where app_id = :app_id and key = :key and claim = :claim and state = 'begun'
"""  # noqa: S608 - our own names

ENTRIES = f"""
select {", ".join(NAMES)} from sources where :app_id is null or app_id = :app_id
order by at desc, key limit :limit
"""  # noqa: S608 - our own names


class SqliteImportState:
    """What is known of sources, in ``path``; any thread of any process may share it."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        with self._faults():
            self._connection = sqlite3.connect(
                path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.executescript(TABLE)

    def look(self, app_id: AppId, keys: Sequence[str]) -> Mapping[str, SourceRecord]:
        """See the port."""
        found: dict[str, SourceRecord] = {}
        with self._lock, self._faults():
            for place in range(0, len(keys), LOOKED_AT_ONCE):
                some = keys[place : place + LOOKED_AT_ONCE]
                sql = LOOK.format(names=", ".join(NAMES), holes=", ".join("?" * len(some)))
                for row in self._connection.execute(sql, [app_id, *some]):
                    found[row[1]] = _record(row)
        return found

    def claim(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """See the port."""
        begun = [
            replace(record, state="begun", claim=record.claim + 1, leased_until=until) for record in records
        ]
        return self._write(CLAIM, begun)

    def renew(self, records: Sequence[SourceRecord], until: datetime) -> Sequence[SourceRecord]:
        """See the port."""
        return self._write(RENEW, [replace(record, leased_until=until) for record in records])

    def settle(self, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        """See the port."""
        return self._write(SETTLE, records)

    def entries(self, limit: int = 100, app_id: AppId | None = None) -> Sequence[SourceRecord]:
        """See the port."""
        with self._lock, self._faults():
            values = {"app_id": app_id, "limit": limit}
            return [_record(row) for row in self._connection.execute(ENTRIES, values)]

    def close(self) -> None:
        """See the port."""
        with self._lock:
            self._connection.close()

    def _write(self, sql: str, records: Sequence[SourceRecord]) -> Sequence[SourceRecord]:
        """Run a conditional statement for each record in one transaction; return whose condition held."""
        with self._lock, self._faults():
            self._connection.execute("begin immediate")
            try:
                written = [
                    record
                    for record in records
                    if self._connection.execute(sql, _values(record)).rowcount == 1
                ]
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")
            return written

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "It may be deleted: contents are then compared again, and nothing is read in twice"
            raise StateFailed(place=self._path, cause=error, hint=hint) from error


def _values(record: SourceRecord) -> dict[str, Any]:
    values = dict(zip(NAMES, astuple(record), strict=True))
    return values | {
        name: values[name].isoformat(timespec="microseconds") for name in TIMES if values[name] is not None
    }


def _record(row: Sequence[Any]) -> SourceRecord:
    values = dict(zip(NAMES, row, strict=True))
    return SourceRecord(
        **values | {name: datetime.fromisoformat(values[name]) for name in TIMES if values[name]}
    )
