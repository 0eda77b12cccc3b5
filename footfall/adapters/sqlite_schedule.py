"""The ScheduleStore port on ``schedule.sqlite``: what commands write, the running platform sees at once.

That a job has one open run is an index of the database's own, so no race between processes can break it.
The file is its owner's only: a command line may hold a database's password.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from footfall.core.alerting import Standing
from footfall.core.schedule import Job, Run, State
from footfall.errors import BadSchedule, NotFound, StoreFailed

__all__ = ["SqliteSchedule"]

BUSY_SECONDS = 10.0

TABLES = """
create table if not exists jobs (
    name text primary key, command text not null, cron text not null, timezone text not null,
    folder text not null, time_limit real not null, created_at text not null, next_at text not null,
    paused integer not null
);
create table if not exists runs (
    id integer primary key autoincrement, job text not null references jobs(name) on delete cascade,
    state text not null, cause text not null, due_at text not null, attempt integer not null,
    started_at text, finished_at text, exit_code integer, said text not null
);
create unique index if not exists one_open_run on runs(job) where state in ('queued', 'running');
create index if not exists runs_of_job on runs(job, id);
create table if not exists standings (
    subject text primary key, failures integer not null, since text, told_at text, open integer not null
);
"""

JOB = Job.__struct_fields__
RUN = Run.__struct_fields__
NEW_RUN = tuple(name for name in RUN if name != "id")
STANDING = Standing.__struct_fields__

TRIM = """
delete from runs where id in (
    select id from (
        select id, row_number() over (partition by job order by id desc) as age from runs
        where state not in ('queued', 'running')
    ) where age > ?
)
"""


class SqliteSchedule:
    """The jobs of one data folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreFailed(store=f"The schedule {path}", cause=error) from error
        with self._faults():
            self._database = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        self._database.row_factory = sqlite3.Row
        try:
            with self._faults():
                self._database.execute("pragma journal_mode = wal")
                self._database.execute("pragma foreign_keys = on")
                self._database.executescript(TABLES)
        except StoreFailed:
            self._database.close()
            raise

    def put(self, job: Job) -> None:
        """See the port."""
        values = {**dict(_fields(job)), "command": json.dumps(job.command)}
        with self._change() as database:
            if database.execute("select 1 from jobs where name = ?", [job.name]).fetchone():
                hint = f'Choose another name, or first "footfall schedule remove {job.name}"'
                raise BadSchedule(cause=f"there is a job {job.name!r} already", hint=hint)
            database.execute(_insert("jobs", JOB), list(values.values()))

    def jobs(self) -> list[Job]:
        """See the port."""
        return [_job(row) for row in self._rows("select * from jobs order by name")]

    def job(self, name: str) -> Job:
        """See the port."""
        for row in self._rows("select * from jobs where name = ?", [name]):
            return _job(row)
        raise _unknown(name)

    def change(self, name: str, *, paused: bool, next_at: datetime) -> Job:
        """See the port."""
        with self._change() as database:
            statement = "update jobs set paused = ?, next_at = ? where name = ?"
            database.execute(statement, [paused, next_at.isoformat(), name])
        return self.job(name)

    def remove(self, name: str) -> None:
        """See the port."""
        with self._change() as database:
            if not database.execute("delete from jobs where name = ?", [name]).rowcount:
                raise _unknown(name)
            database.execute("delete from standings where subject = ?", [name])

    def enter(self, run: Run, next_at: datetime | None = None) -> Run | None:
        """See the port."""
        with self._change() as database:
            if next_at is not None:
                statement = "update jobs set next_at = ? where name = ?"
                database.execute(statement, [next_at.isoformat(), run.job])
            try:
                kept = [value for name, value in _fields(run) if name != "id"]
                made = database.execute(_insert("runs", NEW_RUN), kept)
            except sqlite3.IntegrityError as error:
                if not database.execute("select 1 from jobs where name = ?", [run.job]).fetchone():
                    raise _unknown(run.job) from error
                return None
        return msgspec.structs.replace(run, id=made.lastrowid or 0)

    def turn(self, run: Run, was: State) -> bool:
        """See the port."""
        places = ", ".join(f"{name} = :{name}" for name in NEW_RUN)
        statement = f"update runs set {places} where id = :id and state = :was"  # noqa: S608 - our own names
        with self._change() as database:
            return database.execute(statement, {**dict(_fields(run)), "was": was}).rowcount == 1

    def open_runs(self) -> list[Run]:
        """See the port."""
        return [
            _run(row)
            for row in self._rows("select * from runs where state in ('queued', 'running') order by id")
        ]

    def runs(self, name: str | None = None, limit: int = 50) -> list[Run]:
        """See the port."""
        where, values = ("where job = ?", [name]) if name is not None else ("", [])
        query = f"select * from runs {where} order by id desc limit ?"  # noqa: S608 - our own words
        return [_run(row) for row in self._rows(query, [*values, limit])]

    def trim(self, keep: int) -> int:
        """See the port."""
        with self._change() as database:
            return database.execute(TRIM, [keep]).rowcount

    def standing(self, subject: str) -> Standing:
        """See the port."""
        for row in self._rows("select * from standings where subject = ?", [subject]):
            return msgspec.convert({name: row[name] for name in STANDING}, Standing, strict=False)
        return Standing()

    def stand(self, subject: str, standing: Standing) -> None:
        """See the port."""
        with self._change() as database:
            statement = _insert("standings", ("subject", *STANDING)).replace(
                "insert", "insert or replace", 1
            )
            database.execute(statement, [subject, *(value for _, value in _fields(standing))])

    def close(self) -> None:
        """See the port."""
        with self._turn:
            self._database.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._turn, self._faults():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """Begin a transaction; it commits at the block's end, and is taken back when it raises."""
        with self._turn, self._faults():
            self._database.execute("begin immediate")
            try:
                yield self._database
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreFailed(store=f"The schedule {self._path}", cause=error) from error


def _insert(table: str, names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"insert into {table} ({', '.join(names)}) values ({places})"  # noqa: S608 - our own names


def _fields(struct: Job | Run | Standing) -> Iterator[tuple[str, object]]:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        yield name, value.isoformat() if isinstance(value, datetime) else value


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in JOB}
    return msgspec.convert({**values, "command": json.loads(row["command"])}, Job, strict=False)


def _run(row: sqlite3.Row) -> Run:
    return msgspec.convert({name: row[name] for name in RUN}, Run, strict=False)


def _unknown(name: str) -> NotFound:
    return NotFound(what="job", name=name, hint='"footfall schedule list" names them')
