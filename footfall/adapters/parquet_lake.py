"""The lake: ``events/year=/month=/day=/hour=/part-NNNNN.parquet``, one hour of ``created_at`` each.

An hour has closed parts and at most one open part, which a flush writes anew until it is big
enough; so small files never pile up, and each file is replaced as a whole, so that a reader sees
every row once. What a part holds stands in its own footer: a crash can't part it from its books,
and a lost lake is one whose every hour is due. Which hours have news, the warehouse tells.
"""

import itertools
import json
import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.adapters.disk_sync import sync
from footfall.adapters.lake_file import (
    BYTES_PER_ROW,
    ROW_GROUP_ROWS,
    part_name,
    pieces_of,
    write_lake_file,
)
from footfall.core.record import AppId
from footfall.core.schema import EVENTS, column_names
from footfall.errors import StoreFailed
from footfall.ports import Kept, Warehouse
from footfall.settings import LakeSettings

__all__ = ["ParquetLake"]

ROWS_PER_SCAN = 100_000
"""Rows that one ordered scan sorts: a month of dirty hours is a few scans, and memory is bounded.

A larger part is streamed as its rows arrived, and each row group is sorted by itself: a third of
the processor time, which counts most when the lake grows fastest.
"""

WRITERS = 8
"""Files written at once: most of a small file's time is the disk's, and two syncs take as long as one."""

END = 2**62
STAMP = b"footfall"
FILE = re.compile(r"year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})/part-(\d{5})\.parquet$")
CHANGES = "select hour, slice, rows, version from store.lake_hours order by hour, slice"

SLICES = """
select slice from store.lake_hours
where hour = $hour and slice between $first and $last order by slice
"""

PLACES = """
select distinct r.app_id, r.hour, r.slice, h.version
from store.lake_rows r
join store.lake_hours h on h.hour = r.hour and h.slice = r.slice
where r.event_id = $id
"""

ROWS = f"""
with wanted(part, hour, first, last) as (values {{wanted}})
select w.part, {", ".join(f"r.{name}" for name in column_names(EVENTS))}
from store.lake_rows r
join wanted w on r.hour = w.hour and r.slice between w.first and w.last
where r.created_at >= $low and r.created_at < $high and r.slice >= $first
"""  # noqa: S608 - numbers and times of ours
ORDER = "order by w.part, r.created_at, r.event_id"


class Slice(NamedTuple):
    """News of one hour: rows that a slice of commits brought, and the last commit touching them."""

    number: int
    rows: int
    version: int


class Part(NamedTuple):
    """A file: the slices that it holds, as of which commit, whether it is full, and its size."""

    hour: datetime
    number: int
    first: int
    last: int
    version: int
    rows: int
    closed: bool
    bytes: int = 0


class ParquetLake:
    """The Lake port on a folder. One thread at a time."""

    def __init__(self, folder: Path, warehouse: Warehouse, settings: LakeSettings | None = None) -> None:
        self._folder = folder / "events"
        self._warehouse = warehouse
        self._settings = settings or LakeSettings()
        self._parts: dict[datetime, dict[int, Part]] | None = None
        self._waiting_since: datetime | None = None
        self._seen_version = -1

    def flush(
        self,
        now: datetime,
        *,
        everything: bool = False,
        within_seconds: float | None = None,
        on_progress: Callable[[int, int], None] = lambda *_: None,
    ) -> int:
        """See the port. Due is what waits for ``flush_seconds``, or fills a file. Raises StoreFailed."""
        deadline = None if within_seconds is None else time.monotonic() + within_seconds
        version = self._warehouse.version()
        if version == self._seen_version and self._waiting_since is None and not everything:
            return 0
        try:
            plan = self._plan(version)
            if not plan:
                self._seen_version, self._waiting_since = version, None
                return 0
            self._waiting_since = self._waiting_since or now
            waited = (now - self._waiting_since).total_seconds()
            full = any(part.closed for part in plan)
            if not (everything or full or waited >= self._settings.flush_seconds):
                return 0
            written = files = 0
            for run in _runs(plan):
                if deadline is not None and time.monotonic() >= deadline:
                    return written
                for done in self._write(run):
                    written += done.rows
                    files += 1
                    on_progress(files, len(plan))
        except OSError as error:
            raise StoreFailed(store="The lake", cause=error.strerror or error) from error
        self._seen_version, self._waiting_since = version, None
        return written

    def find(self, event_id: str) -> list[Kept]:
        """See the port.

        A part written after the last commit of a row's slice holds the row; another is looked into.
        """
        found: list[Kept] = []
        for batch in self._warehouse.scan(PLACES, {"id": event_id}):
            for app, hour, number, version in zip(*batch.to_pydict().values(), strict=True):
                folder = self._path(Part(hour, 0, 0, 0, 0, 0, closed=False)).parent
                for path in sorted(folder.glob("part-*.parquet")):
                    part = _read_part(path)
                    if part is None or not part.first <= number <= part.last:
                        continue
                    if part.version >= version or _holds(path, app, event_id):
                        file = path.relative_to(self._folder.parent.parent).as_posix()
                        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
                        found.append(Kept(AppId(app), file, written))
        return found

    def rebuild(self) -> int:
        """Delete all files and write them again from the warehouse; return the rows written."""
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._parts = None
        return self.flush(datetime.fromtimestamp(0, UTC).replace(tzinfo=None), everything=True)

    def _plan(self, version: int) -> list[Part]:
        """Return the parts to write: those with news, and those that follow a part that is full."""
        known = self._known(version)
        plan: list[Part] = []
        for hour, slices in _by_hour(self._warehouse.scan(CHANGES)):
            parts = known.get(hour, {})
            plan += self._plan_hour(hour, slices, parts, version)
        return plan

    def _plan_hour(
        self, hour: datetime, slices: list[Slice], parts: Mapping[int, Part], version: int
    ) -> Iterator[Part]:
        closed = [part for part in parts.values() if part.closed]
        for part in closed:
            held = [each for each in slices if part.first <= each.number <= part.last]
            if any(each.version > part.version for each in held):
                rows = sum(each.rows for each in held)
                yield part._replace(version=version, rows=rows)
        first = max((part.last + 1 for part in closed), default=0)
        number = max((part.number + 1 for part in closed), default=0)
        rest = [each for each in slices if each.number >= first]
        standing = parts.get(number)
        if not rest or (standing and all(each.version <= standing.version for each in rest)):
            return
        yield from self._cut(Part(hour, number, first, END, version, 0, closed=False), rest, parts)

    def _cut(self, part: Part, slices: list[Slice], parts: Mapping[int, Part]) -> Iterator[Part]:
        """Fill parts with slices up to the size at which a file is closed; the last stays open.

        The newest slice may still grow, so it is always in the open part.
        """
        per_row = _bytes_per_row(parts.values())
        for place, each in enumerate(slices):
            part = part._replace(rows=part.rows + each.rows)
            newest = place == len(slices) - 1
            if part.rows * per_row >= self._settings.flush_bytes and not newest:
                yield part._replace(last=each.number, closed=True)
                part = part._replace(number=part.number + 1, first=each.number + 1, rows=0)
        yield part

    def _write(self, run: list[Part]) -> Iterator[Part]:
        """Write the parts of one ordered scan; yield each once it is in its place."""
        missing = dict(enumerate(run))
        for index, done in self._write_rows(run):
            del missing[index]
            self._remember(done)
            yield done
        for part in missing.values():
            # All its rows are gone from the warehouse: erased, or moved to another hour.
            self._path(part).unlink(missing_ok=True)
            self._remember(part._replace(rows=0))
            yield part._replace(rows=0)

    def _write_rows(self, run: list[Part]) -> Iterator[tuple[int, Part]]:
        """Write the files that have rows; yield each with its part's place in ``run``."""
        if run[0].rows > ROWS_PER_SCAN:  # then it is alone, and too large to be held
            for index, pieces in _by_part(self._slice_by_slice(run[0])):
                yield index, self._write_part(run[index], pieces)
            return
        waiting: deque[tuple[int, Future[Part]]] = deque()
        with ThreadPoolExecutor(WRITERS, "lake") as writers:
            for index, pieces in _by_part(self._warehouse.scan(*_rows_of(run, ORDER))):
                waiting.append((index, writers.submit(self._write_part, run[index], list(pieces))))
                if len(waiting) > 2 * WRITERS:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()

    def _slice_by_slice(self, part: Part) -> Iterator[pa.RecordBatch]:
        """Stream a large part's rows as they arrived; a scan at a time, so that memory is bounded."""
        values = {"hour": part.hour, "first": part.first, "last": part.last}
        for batch in self._warehouse.scan(SLICES, values):
            for number in batch.column("slice").to_pylist():
                yield from self._warehouse.scan(*_rows_of([part._replace(first=number, last=number)], ""))

    def _write_part(self, part: Part, batches: Iterable[pa.RecordBatch]) -> Part:
        path = self._path(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        stamp = {name: getattr(part, name) for name in ("first", "last", "version", "closed")}
        rows = write_lake_file(
            temporary,
            batches,
            part.rows,
            sort_groups=part.rows > ROWS_PER_SCAN,
            metadata={STAMP.decode(): json.dumps(stamp)},
        )
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
        return part._replace(rows=rows, bytes=path.stat().st_size)

    def _path(self, part: Part) -> Path:
        hour = part.hour
        folder = f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}"
        return self._folder / folder / part_name(part.number)

    def _remember(self, part: Part) -> None:
        if self._parts is not None:
            self._parts.setdefault(part.hour, {})[part.number] = part

    def _known(self, version: int) -> dict[datetime, dict[int, Part]]:
        """Return the parts on disk, by hour and number; their footers are read once.

        A part from after the warehouse's last commit (it was restored from a copy) counts as old.
        """
        if self._parts is None:
            self._parts = {}
            for path in sorted(self._folder.glob("year=*/month=*/day=*/hour=*/part-*.parquet")):
                part = _read_part(path)
                if part:
                    self._remember(part if part.version <= version else part._replace(version=-1))
        return self._parts


def _by_part(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """Group a scan's rows by the place of their part, which must be taken before the next is."""
    for index, pieces in itertools.groupby(pieces_of(batches, "part"), key=lambda piece: piece[0]):
        yield index, (rows for _, rows in pieces)


def _rows_of(run: list[Part], order: str) -> tuple[str, dict[str, object]]:
    """Return the scan of some parts' rows; each row leads with its part's place in ``run``."""
    wanted = ", ".join(
        f"({index}, timestamp '{part.hour}', {part.first}, {part.last})" for index, part in enumerate(run)
    )
    return ROWS.format(wanted=wanted) + order, {
        "low": min(part.hour for part in run),
        "high": max(part.hour for part in run) + timedelta(hours=1),
        "first": min(part.first for part in run),
    }


def _by_hour(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[datetime, list[Slice]]]:
    rows = (row for batch in batches for row in zip(*batch.to_pydict().values(), strict=True))
    for hour, group in itertools.groupby(rows, key=lambda row: row[0]):
        yield hour, [Slice(*row[1:]) for row in group]


def _runs(plan: list[Part]) -> Iterator[list[Part]]:
    """Cut the plan into runs that one scan sorts at once."""
    run: list[Part] = []
    rows = 0
    for part in plan:
        if run and rows + part.rows > ROWS_PER_SCAN:
            yield run
            run, rows = [], 0
        run.append(part)
        rows += part.rows
    if run:
        yield run


def _bytes_per_row(parts: Iterable[Part]) -> float:
    parts = [part for part in parts if part.rows]
    rows = sum(part.rows for part in parts)
    # A small file is mostly footer and says little of the size of a large one.
    return sum(part.bytes for part in parts) / rows if rows >= ROW_GROUP_ROWS else BYTES_PER_ROW


def _read_part(path: Path) -> Part | None:
    """Read what a file says of itself; None when it isn't one of ours, or is broken: it is due then."""
    match = FILE.search(path.as_posix())
    try:
        metadata = pq.read_metadata(path)
        stamp = json.loads((metadata.metadata or {})[STAMP])
    except (OSError, KeyError, ValueError, pa.ArrowInvalid):
        return None
    if match is None:
        return None
    year, month, day, hour, number = map(int, match.groups())
    start = datetime(year, month, day, hour)  # noqa: DTZ001 - our times are UTC without a zone
    size = path.stat().st_size
    return Part(start, number, **stamp, rows=metadata.num_rows, bytes=size)


def _holds(path: Path, app_id: str, event_id: str) -> bool:
    wanted = [("event_id", "=", event_id), ("app_id", "=", app_id)]
    return bool(pq.read_table(path, columns=["event_id"], filters=wanted).num_rows)
