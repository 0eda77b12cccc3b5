"""Raw events again through today's rules, into a lake that others go on writing to.

::

    raw archive, a week before FROM to its end -> judged again -> enriched -> once -> the hours FROM .. TO
    the lake's files from FROM on -> a row whose event was made again, or is refused today, goes
                                  -> all others stay

So an import's rows stay, and so does a row whose raw event is not in the archive (yet): nothing goes
without a successor. The rows are made by an empty warehouse, and are those of the embedded path.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, structs

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.judged_again import judged_again
from footfall.core.record import Logged
from footfall.core.schema import EVENTS, column_names
from footfall.core.scrub import ScrubPlan
from footfall.errors import BooksWrong
from footfall.ports import Batch, Stored, Warehouse
from footfall.ports.lakes import HourLake, LakeFile
from footfall.services.imports.layouts import FORMATS
from footfall.services.raw_objects import RawObject
from footfall.services.replay_plan import AHEAD, blocks_for, gathered

__all__ = ["Asked", "Day", "LakeReplayed", "Stores", "replay_lake"]

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone
END = datetime(9999, 1, 1)  # noqa: DTZ001 - likewise
HOUR = timedelta(hours=1)
UNDER_WAY = timedelta(hours=2)
"""Events received since then are left alone: what brings them to lake and archive may not be done."""

FILES_AT_ONCE = 64
THREADS = 8
FILE_ROWS = 400_000  # some 64 MB
KEYS = ("app_id", "event_id", "created_at", "received_at", "origin")
IMPORTED = pa.array(sorted(FORMATS), pa.string())
BETWEEN = "\x1f"  # in no id: scrubbing takes control characters out

MADE = """
select app_id, event_id from events where created_at >= $low and created_at < $high
"""
REFUSED = """
select app_id, coalesce(event_id, rejected_id) as event_id from store.rejected
except select app_id, event_id from events
"""
ROWS = f"""
select (epoch_us(created_at) // 3600000000)::bigint as hour, {", ".join(column_names(EVENTS))}
from events where created_at >= $low and created_at < $high
order by hour, created_at, app_id, event_id
"""  # noqa: S608 - our own names


class Asked(Struct, frozen=True, kw_only=True):
    """Hours of ``created_at`` in [start, end), all when not given; the rest as in ``replay_plan``."""

    start: datetime | None = None
    end: datetime | None = None
    late_days: int | None = None
    gaps: bool = False


class Day(Struct, frozen=True, kw_only=True):
    """Rows of one day within the hours, before and after."""

    day: date
    before: int
    after: int


class LakeReplayed(Struct, frozen=True, kw_only=True):
    """The ledger, in events: ``read`` = ``written`` + ``duplicate`` + ``rejected`` + ``outside``.

    ``outside`` were read for what they tell of others, or came a moment ago. Of the lake's rows
    ``stood`` = ``replaced`` + ``stayed``.
    """

    read: int
    written: int
    duplicate: int
    rejected: int
    outside: int
    stood: int
    replaced: int
    stayed: int
    hours: int
    files: int
    days: list[Day]


@dataclass(frozen=True)
class Stores:
    """Where it comes from and goes to. ``warehouse`` is an empty one, for this replay alone."""

    blocks: Sequence[RawObject]
    read_block: Callable[[str], Iterator[Logged]]
    plan_of: Callable[[str], ScrubPlan]
    warehouse: Warehouse
    lake: HourLake
    read_rows: Callable[[LakeFile, Sequence[str] | None], pa.Table]
    write_rows: Callable[[str, Sequence[pa.RecordBatch], int], int]


def replay_lake(
    asked: Asked,
    stores: Stores,
    now: datetime,
    on_progress: Callable[[str, int, int], None],
    *,
    dry_run: bool = False,
) -> LakeReplayed:
    """Replay; ``now`` becomes ``processed_at``, and ``on_progress`` is told what is done, of how much.

    A dry run only counts. Raises NotFound for days without raw events, BadSource for a damaged block or
    file, BooksWrong, LakeChanged and the stores' errors, with the lake as it was.
    """
    until = now - UNDER_WAY
    read, recent, done = _make(asked, stores, now, until, on_progress)
    change = _Change(stores, asked.start or EPOCH, asked.end or END, until, uuid4().hex)
    swap = None if dry_run else stores.lake.swap(change.job)
    try:
        change.look(_looked_at(asked, stores.lake), swap.staging if swap else None, on_progress)
        written = change.add(swap.staging if swap else None)
        ledger = LakeReplayed(
            read=read, written=written, duplicate=done.duplicate, rejected=done.rejected,
            outside=recent + done.stored - written,
            stood=change.stood, replaced=change.replaced, stayed=change.stood - change.replaced,
            hours=len(change.hours), files=len(change.files), days=change.days(),
        )  # fmt: skip
        _balance(ledger)
        if swap and (change.files or change.touched):
            swap.commit(*change.commitment())
    finally:
        if swap:
            swap.close()
    return ledger


def _make(
    asked: Asked,
    stores: Stores,
    now: datetime,
    until: datetime,
    on_progress: Callable[[str, int, int], None],
) -> tuple[int, int, Stored]:
    """Load the archive into the warehouse; return events read, those too new to be, and what was done."""
    blocks = blocks_for(stores.blocks, asked.start, asked.end, late_days=asked.late_days, gaps=asked.gaps)
    last = (until - EPOCH) // timedelta(microseconds=1)
    read = recent = 0
    done = Stored()
    for number, block in enumerate(blocks):
        on_progress("blocks of raw events", number, len(blocks))
        for records in gathered(stores.read_block(block.key)):
            read += sum(each.record.count for each in records)
            due = [each for each in records if each.record.received_at < last]
            recent += sum(each.record.count for each in records) - sum(each.record.count for each in due)
            judged = [new for each in due for new in judged_again(each, stores.plan_of(each.record.app_id))]
            decoded = decode(judged)
            rows = enrich(decoded.rows, now).cast(EVENTS_SCHEMA)
            done += stores.warehouse.store(Batch(rows, decoded.rejected, {}))
    on_progress("blocks of raw events", len(blocks), len(blocks))
    return read, recent, done


def _looked_at(asked: Asked, lake: HourLake) -> list[LakeFile]:
    """Return the files that may hold rows of these hours: a row is never in a folder before its own."""
    first = (asked.start - AHEAD - EPOCH) // HOUR if asked.start else 0
    last = None
    if asked.end and asked.late_days is not None:
        last = (asked.end + timedelta(days=asked.late_days) - EPOCH) // HOUR
    return [
        file for file in lake.files("events") if first <= file.hour and (last is None or file.hour <= last)
    ]


@dataclass
class _Change:
    """What becomes of the lake's files: ``touched`` are replaced by ``files``, by their folders."""

    stores: Stores
    low: datetime
    high: datetime
    until: datetime
    job: str
    touched: list[LakeFile] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    hours: set[int] = field(default_factory=set)
    stood: int = 0
    replaced: int = 0
    _before: Counter[date] = field(default_factory=Counter)
    _after: Counter[date] = field(default_factory=Counter)

    def look(
        self, files: Sequence[LakeFile], staging: str | None, on_progress: Callable[[str, int, int], None]
    ) -> None:
        """Find the rows that go, and write what stays of their files."""
        made, refused = self._keys(MADE), self._keys(REFUSED)
        with ThreadPoolExecutor(THREADS, "lake") as pool:
            for start in range(0, len(files), FILES_AT_ONCE):
                on_progress("files of the lake", start, len(files))
                some = files[start : start + FILES_AT_ONCE]
                tables = list(pool.map(lambda file: self.stores.read_rows(file, KEYS), some))
                table = pa.concat_tables(tables)
                goes = self._going(table, made, refused)
                at = 0
                for file, rows in zip(some, tables, strict=True):
                    own = goes.slice(at, len(rows))
                    at += len(rows)
                    if pc.any(own).as_py():
                        self._part(file, own, staging)
        on_progress("files of the lake", len(files), len(files))

    def add(self, staging: str | None) -> int:
        """Write the rows that were made; return how many."""
        written = 0
        batches = self.stores.warehouse.scan(ROWS, self._bounds())
        for hour, pieces in groupby(_pieces(batches), key=lambda piece: piece[0]):
            self.hours.add(hour)
            for rows in _filled(piece for _, piece in pieces):
                written += len(rows)
                self._tell(self._after, rows["created_at"])
                self._write(_folder(hour), rows, staging)
        return written

    def commitment(self) -> tuple[dict[str, list[str]], set[str], list[LakeFile]]:
        """Return what the swap is told: new files by folder, folders to be emptied, files that go."""
        partitions: dict[str, list[str]] = {}
        for folder, address in self.files:
            partitions.setdefault(folder, []).append(address)
        return partitions, {_folder(file.hour) for file in self.touched} - partitions.keys(), self.touched

    def days(self) -> list[Day]:
        """Return each day's rows before and after."""
        return [
            Day(day=day, before=self._before[day], after=self._after[day])
            for day in sorted(self._before | self._after)
        ]

    def _bounds(self) -> Mapping[str, datetime]:
        return {"low": self.low, "high": self.high}

    def _keys(self, sql: str) -> pa.Array:
        bounds = self._bounds() if sql is MADE else None
        found = [_key(pa.Table.from_batches([batch])) for batch in self.stores.warehouse.scan(sql, bounds)]
        return pa.concat_arrays(
            [chunk for keys in found for chunk in keys.chunks] or [pa.array([], pa.string())]
        )

    def _going(self, table: pa.Table, made: pa.Array, refused: pa.Array) -> pa.Array:
        """Return which rows go, and count them."""
        keys = _key(table)
        inside = pc.and_(
            _from(table["created_at"], self.low), pc.invert(_from(table["created_at"], self.high))
        )
        due = pc.and_(inside, pc.invert(_from(table["received_at"], self.until)))
        again = pc.or_(pc.is_in(keys, made), pc.and_(due, pc.is_in(keys, refused)))
        goes = pc.and_(again, pc.invert(pc.is_in(table["origin"], IMPORTED))).combine_chunks()
        self.stood += pc.sum(pc.or_(inside, goes)).as_py() or 0
        self.replaced += pc.sum(goes).as_py() or 0
        self._tell(self._before, table.filter(inside)["created_at"])
        self._tell(self._after, table.filter(pc.and_(inside, pc.invert(goes)))["created_at"])
        return goes

    def _tell(self, days: Counter[date], times: pa.ChunkedArray) -> None:
        for each in pc.value_counts(times.cast(pa.date32(), safe=False)).to_pylist():
            days[each["values"]] += each["counts"]

    def _part(self, file: LakeFile, goes: pa.Array, staging: str | None) -> None:
        """Take rows out of a file."""
        self.touched.append(file)
        if not pc.all(goes).as_py():
            rows = self.stores.read_rows(file, None) if staging else None
            self._write(_folder(file.hour), None if rows is None else rows.filter(pc.invert(goes)), staging)

    def _write(self, folder: str, rows: pa.Table | None, staging: str | None) -> None:
        address = f"{staging}/{len(self.files):06d}.parquet"
        if staging and rows is not None:
            self.stores.write_rows(address, rows.to_batches(), len(rows))
        self.files.append((folder, address))


def _key(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["app_id"], table["event_id"], BETWEEN)


def _from(times: pa.ChunkedArray, moment: datetime) -> pa.ChunkedArray:
    return pc.greater_equal(times, pa.scalar(moment, pa.timestamp("us")))


def _folder(hour: int) -> str:
    return f"events/{EPOCH + hour * HOUR:year=%Y/month=%m/day=%d/hour=%H}"


def _pieces(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
    """Cut batches in the order of hours at each new hour."""
    for batch in batches:
        hours = batch.column("hour")
        rows = pa.Table.from_batches([batch.drop_columns(["hour"])]).cast(EVENTS_SCHEMA)
        at = 0
        for end in pc.run_end_encode(hours).run_ends.to_pylist():
            yield hours[at].as_py(), rows.slice(at, end - at)
            at = end


def _filled(pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Gather pieces to as many rows as a file holds."""
    held: list[pa.Table] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += len(piece)
        if count >= FILE_ROWS:
            yield pa.concat_tables(held)
            held, count = [], 0
    if held:
        yield pa.concat_tables(held)


def _balance(ledger: LakeReplayed) -> None:
    """Raise BooksWrong when what was read is not what became of it."""
    if ledger.read != ledger.written + ledger.duplicate + ledger.rejected + ledger.outside:
        raise BooksWrong(**{**structs.asdict(ledger), "stood": 0})
