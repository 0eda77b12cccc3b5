"""What the Spark tests compare with: the embedded path over the same requests, and its raw archive."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path

import duckdb

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.parquet_lake import ParquetLake
from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.sqlite_log import SqliteLog
from footfall.core.intake import Policy, take
from footfall.core.record import Offset, Record, Sender
from footfall.core.schema import EVENTS, column_names
from footfall.core.scrub import plan_for
from footfall.ports import Stored
from footfall.services.load import Loader
from footfall.simulate import ndjson, simulate

__all__ = [
    "KEY",
    "NOW",
    "Embedded",
    "embedded",
    "lake_rows",
    "loaded",
    "requests_of",
    "same_rows",
    "taken_in",
]

KEY = b"a key for tests"
PLAN = plan_for({}, KEY)
FIRST = date(2026, 3, 1)
NOW = datetime(2026, 7, 1)  # noqa: DTZ001 - our times are UTC without a zone
CREATED = re.compile(rb'"created_at":"([^"]+)"')
ARCHIVE_EVENTS = 50_000

HOSTILE = [
    b'{"event":"' + b"x" * 5_000 + b'"}',
    b'{"event":"click","properties":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}",
    b'{"event":"click","event_id":"\\ud800","url":"https://shop.example/"}',
    b'{"event":"click","user_id":"a\'; drop table events; --","properties":{"__proto__":{"a":1}}}',
    b'{"event":"signup","user_id":"ada@example.com","properties":{"card":"4111 1111 1111 1111"}}',
    b'{"event":"click","created_at":"9999-99-99","value":"much"}',
    b'{"event":"","url":17}',
    b'{"nothing":"of use"}',
]
LOOP = b'{"event":"click","event_id":"loop %d","anonymous_id":"loop"}'
"""A client that sends one id for ever; named anew before a week is over, for how the embedded path counts
an id that stands twice in a batch depends on where the batch begins.
"""
SIX_DAYS = 6 * 86_400_000_000


def requests_of(users: int, days: int, seed: int = 7, *, size: int = 50) -> Iterator[tuple[int, bytes]]:
    """Yield (received_at, body): a simulated world, with retries, late, broken and hostile events.

    Received is when the youngest of a request's events happened, so that days of receipt follow each
    other; one request in fifty comes again later, one event in a hundred comes three days late.
    """
    chance = random.Random(seed)  # noqa: S311 - a test's
    lines = (line for block in ndjson(simulate(users, days, seed, FIRST)) for line in block.splitlines())
    late: list[bytes] = []
    again: list[bytes] = []
    received = 0
    while body := list(islice(lines, size)):
        kept = [line for line in body if chance.random() > 0.01]
        late += [line for line in body if line not in kept]
        received = max(received + 1, max(map(_created, body)) + 500_000)
        if chance.random() < 0.1:
            kept.append(chance.choice([*HOSTILE, LOOP % (received // SIX_DAYS)]))
        yield received, b"[%b]" % b",".join(kept)
        if chance.random() < 0.02:
            again.append(b"[%b]" % b",".join(kept))
        if chance.random() < 0.02:
            yield received, kept[0][: chance.randrange(1, 40)]  # cut off on the way
        if len(again) > 5:
            yield received, again.pop(0)
        if len(late) > 40:
            yield received + 2, b"[%b]" % b",".join(late[:20])
            del late[:20]
    for rest in again:
        yield received + 3, rest


def _created(line: bytes) -> int:
    match = CREATED.search(line)
    assert match
    return int(datetime.fromisoformat(match[1].decode()).timestamp() * 1_000_000)


@dataclass
class Embedded:
    """A data folder as the platform leaves it: ``raw`` and ``lake``, and what was stored."""

    folder: Path
    stored: Stored
    received: int

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"


def embedded(folder: Path, requests: Iterator[tuple[int, bytes]], *, batch_events: int = 2_000) -> Embedded:
    """Take requests in as the collector does, archive them, load them, and write the lake."""
    received = taken_in(folder, requests)
    return Embedded(folder, loaded(folder, batch_events), received)


def taken_in(folder: Path, requests: Iterator[tuple[int, bytes]]) -> int:
    """Write the log and the raw archive; return the events."""
    folder.mkdir(parents=True, exist_ok=True)
    log = _log(folder)
    received = 0
    policy = Policy(app_id=None, plan=PLAN)
    while some := list(islice(requests, 500)):
        records: list[Record] = []
        for at, body in some:
            sender = Sender(ip="203.0.113.0", country="FR", visitor_hash=f"hash-{at % 97}")
            taken = take(body, policy=policy, origin="native", received_at=at, sender=sender)
            records += taken.records
        received += sum(record.count for record in records)
        log.append(records)
    archive = FolderArchive(folder / "raw")
    after = Offset(0)
    while read := log.read(after, ARCHIVE_EVENTS):
        archive.write(read)
        after = read[-1].offset
    log.close()
    return received


def loaded(folder: Path, batch_events: int) -> Stored:
    """Load the log and write the lake; a batch holds less than a week, as when the loader keeps up."""
    log, warehouse = _log(folder), DuckDBWarehouse(folder)
    stored = Loader(lambda: [log], warehouse, lambda: NOW, batch_events).drain()
    ParquetLake(folder / "lake", warehouse).flush(NOW, everything=True)
    warehouse.close()
    log.close()
    return stored


def _log(folder: Path) -> SqliteLog:
    return SqliteLog(folder / "worker-1.sqlite", max_bytes=1 << 34)


def lake_rows(lake: Path, *, without: Sequence[str] = ("processed_at",)) -> str:
    """Return the relation of a lake's rows for SQL."""
    names = ", ".join(name for name in column_names(EVENTS) if name not in without)
    return f"(select {names} from read_parquet('{lake}/events/*/*/*/*/*.parquet', hive_partitioning=false))"


def same_rows(one: Path, other: Path, *, without: Sequence[str] = ("processed_at",)) -> int:
    """Compare two lakes row by row, with how often each stands there; return the rows."""
    with duckdb.connect() as connection:
        rows = [lake_rows(lake, without=without) for lake in (one, other)]
        for left, right in (rows, rows[::-1]):
            lacking = connection.execute(f"from {left} except all from {right} limit 3").fetchall()
            assert not lacking
        [(count,)] = connection.execute(f"select count(*) from {rows[0]}").fetchall()
        return int(count)
