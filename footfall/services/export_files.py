"""``footfall export parquet|csv``: events as one file, or as a folder partitioned by hour.

Rows are read in stretches of whole hours, each sorted by time, so memory stays flat however long the
history. What is written appears under its name only when it is whole: a run that was killed leaves
nothing there, or what was there before.
"""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from msgspec import Struct

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.formulas import harmless_column
from footfall.errors import BadTarget
from footfall.ports import Warehouse

__all__ = ["CsvFile", "FileOrder", "Written", "export_files"]

ROWS_AT_ONCE = 200_000
ROW_GROUP_ROWS = 65_536
CARD = "_footfall.json"
"""What marks a folder as an export, which the next one may replace; readers of such folders pass over
names that begin with an underscore."""

PACKED = {".gz": "gzip", ".zst": "zstd"}

CHOSEN = """
from events
where created_at >= $first and created_at < $end and ($app::varchar is null or app_id = $app)
"""
HOURS = f"select date_trunc('hour', created_at) as hour, count(*) as rows {CHOSEN} group by 1 order by 1"
ROWS = f"select * {CHOSEN} order by created_at, event_id"

HOUR = timedelta(hours=1)
EARLIEST, LATEST = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - our times have no zone


class FileOrder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to write, and where: days are UTC and included; ``path`` is absolute.

    ``exact`` leaves texts in CSV that begin like a formula as they are.
    """

    kind: Literal["parquet", "csv"]
    path: str
    first: date | None = None
    last: date | None = None
    app: str | None = None
    partitioned: bool = False
    exact: bool = False


class Written(Struct, frozen=True):
    """What an export did."""

    path: str
    rows: int
    files: int
    bytes: int


class Stretch(NamedTuple):
    """Hours that one scan sorts: from ``first`` to before ``end``, with so many rows."""

    first: datetime
    end: datetime
    rows: int


class Sink(Protocol):
    """An open file that takes tables in the columns of events."""

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        ...

    def close(self) -> None:
        """Write what is held, and the file's end."""
        ...


def export_files(
    warehouse: Warehouse,
    order: FileOrder,
    on_progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Written:
    """Write the chosen events and return what was written. Raises BadTarget with nothing left behind.

    Each stretch of hours is as of when it is read: events that arrive meanwhile may be in or not.
    """
    target = Path(order.path)
    _demand_free(target, order)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    tables = _tables(warehouse, order, on_progress)
    try:
        rows, files = (_write_folder if order.partitioned else _write_file)(draft, tables, order)
        size = sum(path.stat().st_size for path in (draft.rglob("*") if order.partitioned else [draft]))
        _put_in_place(draft, target)
    except OSError as error:
        hint = "Look at the folder's permissions and the disk's room"
        raise BadTarget(path=target, cause=error.strerror or error, hint=hint) from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink(missing_ok=True)
    return Written(str(target), rows, files, size)


def _demand_free(target: Path, order: FileOrder) -> None:
    """Refuse a place that holds something else than an earlier export."""
    if not target.parent.is_dir():
        raise BadTarget(path=target, cause=f"there is no folder {target.parent}", hint="Make it first")
    if order.first and order.last and order.first > order.last:
        cause = f"{order.first} is after {order.last}"
        raise BadTarget(path=target, cause=cause, hint="Give --from before --to")
    if order.partitioned:
        theirs = target.exists() and not target.is_dir()
        theirs = theirs or (target.is_dir() and any(target.iterdir()) and not (target / CARD).is_file())
        if theirs:
            hint = "Name a new folder, an empty one, or one of an earlier export"
            raise BadTarget(path=target, cause="something else is there", hint=hint)
    elif target.is_dir():
        raise BadTarget(path=target, cause="it is a folder", hint="Name a file, or add --partitioned")


def _tables(
    warehouse: Warehouse, order: FileOrder, on_progress: Callable[[Mapping[str, Any]], None]
) -> Iterator[pa.Table]:
    """Yield the rows ordered by time, each table within one hour where hours are kept apart."""
    first = datetime(*order.first.timetuple()[:3]) if order.first else EARLIEST  # noqa: DTZ001
    end = datetime(*order.last.timetuple()[:3]) + timedelta(days=1) if order.last else LATEST  # noqa: DTZ001
    chosen = {"first": first, "end": end, "app": order.app}
    hours = [row for batch in warehouse.scan(HOURS, chosen) for row in batch.to_pylist()]
    total, done = sum(row["rows"] for row in hours), 0
    for stretch in _stretches((row["hour"], row["rows"]) for row in hours):
        limits = {"first": max(first, stretch.first), "end": min(end, stretch.end), "app": order.app}
        for batch in warehouse.scan(ROWS, limits):
            on_progress({"rows_done": done, "rows_total": total, "hour": f"{stretch.first:%Y-%m-%d %H:00}"})
            table = pa.Table.from_batches([batch.cast(EVENTS_SCHEMA)])
            yield from _by_hour(table) if order.partitioned else [table]
            done += len(batch)


def _stretches(hours: Iterable[tuple[datetime, int]]) -> Iterator[Stretch]:
    held: Stretch | None = None
    for hour, rows in hours:
        if held is not None and held.rows + rows <= ROWS_AT_ONCE:
            held = Stretch(held.first, hour + HOUR, held.rows + rows)
            continue
        if held is not None:
            yield held
        held = Stretch(hour, hour + HOUR, rows)
    if held is not None:
        yield held


def _by_hour(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table that is ordered by time where the hour changes."""
    hours = pc.run_end_encode(pc.floor_temporal(table["created_at"], unit="hour").combine_chunks())
    start = 0
    for end in hours.run_ends.to_pylist():
        yield table.slice(start, end - start)
        start = end


def _write_file(draft: Path, tables: Iterator[pa.Table], order: FileOrder) -> tuple[int, int]:
    rows = 0
    with _opened(draft, order) as sink:
        for table in tables:
            sink.write(table)
            rows += len(table)
    return rows, 1


def _write_folder(draft: Path, tables: Iterator[pa.Table], order: FileOrder) -> tuple[int, int]:
    """Write ``year=/month=/day=/hour=/part-00000``, the layout of the lake."""
    draft.mkdir()
    rows = files = 0
    standing: datetime | None = None
    with ExitStack() as stack:
        for table in tables:
            hour: datetime = table["created_at"][0].as_py().replace(minute=0, second=0, microsecond=0)
            if hour != standing:
                stack.close()
                folder = draft / f"year={hour:%Y}/month={hour:%m}/day={hour:%d}/hour={hour:%H}"
                folder.mkdir(parents=True)
                sink = stack.enter_context(_opened(folder / f"part-00000.{order.kind}", order))
                standing, files = hour, files + 1
            sink.write(table)
            rows += len(table)
    card = {"kind": order.kind, "app": order.app, "rows": rows, "files": files}
    (draft / CARD).write_text(json.dumps(card) + "\n", encoding="utf-8")
    return rows, files


@contextmanager
def _opened(path: Path, order: FileOrder) -> Iterator[Sink]:
    """Give a file to write to; at the block's end its bytes are on disk."""
    ending = "" if order.partitioned else Path(order.path).suffix
    packed = PACKED.get(ending) if order.kind == "csv" else None
    with pa.output_stream(path, compression=packed) as stream:
        sink: Sink = CsvFile(stream, order.exact) if order.kind == "csv" else _ParquetFile(stream)
        try:
            yield sink
        finally:
            sink.close()
    _sync(path)


class _ParquetFile:
    """Gathers rows to whole row groups."""

    def __init__(self, stream: Any) -> None:
        self._writer = pq.ParquetWriter(stream, EVENTS_SCHEMA, compression="zstd", version="2.6")
        self._held: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        self._held.append(table)
        self._rows += len(table)
        if self._rows >= ROW_GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        if self._held:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(pa.concat_tables(self._held), row_group_size=2 * ROW_GROUP_ROWS)
        self._held, self._rows = [], 0


class CsvFile:
    """An open CSV file: times are ISO 8601 with Z; null is an empty field, an empty text is ``""``.

    ``exact`` as in FileOrder.
    """

    def __init__(self, stream: Any, exact: bool) -> None:
        self._exact = exact
        self._schema = pa.schema([(name, _written_type(kind)) for name, kind in _types()])
        self._writer = pa_csv.CSVWriter(stream, self._schema)

    def write(self, table: pa.Table) -> None:
        """Add rows in the columns of events."""
        columns = [_column_text(table[name], self._exact) for name in table.column_names]
        self._writer.write_table(pa.table(columns, self._schema))

    def close(self) -> None:
        """Write what is held; the stream stays open."""
        self._writer.close()


def _types() -> Iterator[tuple[str, pa.DataType]]:
    for field in EVENTS_SCHEMA:
        yield field.name, field.type


def _written_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) else kind


def _column_text(column: pa.ChunkedArray, exact: bool) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")  # %S has the microseconds
    if pa.types.is_string(column.type) and not exact:
        return harmless_column(column)
    return column


def _put_in_place(draft: Path, target: Path) -> None:
    """Give the finished draft its name; a folder that is replaced stands aside until it has it."""
    if not (draft.is_dir() and target.is_dir()):
        draft.replace(target)
    else:
        old = draft.with_suffix(".old")
        target.replace(old)
        draft.replace(target)
        shutil.rmtree(old)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
