"""``footfall import``: files of this machine into the warehouse, each line once.

A block's rows, its rejected lines and the place reached in the file are one transaction, so an
import may be killed at any moment and goes on from there; the same bytes are never read in twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.extended import last_header
from footfall.core.enrich import enrich
from footfall.errors import BadSource
from footfall.ports import Batch, Stored, Warehouse
from footfall.services.import_blocks import Block, blocks, find_start, known_content, learn
from footfall.services.import_layouts import FORMATS, Layout, layouts_of
from footfall.services.import_reading import SourceReader
from footfall.services.import_rows import ImportRules, Read, RowReader
from footfall.services.import_sources import find_sources

__all__ = ["FORMATS", "ImportRules", "Imported", "Progress", "enriched", "import_files"]

_one_at_a_time = Lock()  # a process owns its warehouse alone, so this is enough


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: bytes of the files as they lie on disk, and lines read in this run."""

    file: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    lines: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: ``lines`` = ``stored`` + ``duplicate`` + ``rejected``.

    ``skipped_files`` had nothing new, or were found below a folder or glob and are of another
    format; ``notes`` are for a person to read.
    """

    files: int = 0
    lines: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    skipped_files: int = 0
    notes: tuple[str, ...] = ()


class Prepared(NamedTuple):
    """A block that is ready to be stored: its rows as in ``events``, and where the file's reading is."""

    block: Block
    read: Read
    rows: pa.Table
    consumed: int


def import_files(
    format: str,
    paths: Sequence[str],
    rules: ImportRules,
    *,
    warehouse: Warehouse,
    clock: Callable[[], datetime],
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Imported:
    """Import files, folders and globs, packed or not; return what became of the lines.

    All files are looked at before any is read. Imports of one process run one after the other.
    ``clock`` gives UTC. Raises BadSource for an unknown format, a path without files, a named file
    of another format, and damage inside a file (what lies before it is stored); StoreFailed when
    the warehouse refuses. Whatever was committed stays, and the next import goes on behind it.
    """
    if format not in FORMATS:
        raise BadSource(
            path=", ".join(paths),
            format=format,
            cause="there is no such format",
            hint=f"The formats are {', '.join(FORMATS)}",
        )
    layouts, passed_over = layouts_of(format, find_sources(format, paths), rules)
    with _one_at_a_time:
        run = _Run(format, rules, warehouse, clock, on_progress, layouts)
        for layout in layouts:
            run.read(layout)
    return Imported(
        files=run.files,
        lines=run.lines,
        stored=run.sum.stored,
        duplicate=run.sum.duplicate,
        rejected=run.sum.rejected,
        skipped_files=len(layouts) - run.files + len(passed_over),
        notes=(*passed_over, *run.notes),
    )


class _Run:
    """The sums of one call, and what has been committed so far."""

    def __init__(
        self,
        format: str,
        rules: ImportRules,
        warehouse: Warehouse,
        clock: Callable[[], datetime],
        on_progress: Callable[[Progress], None],
        layouts: Sequence[Layout],
    ) -> None:
        self.files, self.lines, self.sum = 0, 0, Stored()
        self.notes: list[str] = []
        self._rules, self._warehouse, self._clock = rules, warehouse, clock
        self._format, self._on_progress = format, on_progress
        self._positions = dict(warehouse.positions())
        self._known = known_content(self._positions)
        self._total = sum(layout.source.size for layout in layouts)
        self._files_total, self._files_done, self._bytes_done = len(layouts), 0, 0

    def read(self, layout: Layout) -> None:
        """Read one file from where its content is known to: the next block while one is stored."""
        source = layout.source
        with SourceReader(source, self._format) as reader:
            start = find_start(reader, self._rules.app_id, self._known)
        before, latin1 = self.lines, 0
        with SourceReader(source, self._format) as reader, ThreadPoolExecutor(1, "import") as ahead:
            rows = _rows_from(layout, reader, start.line_start)
            stream = self._prepared(rows, reader, blocks(reader, start, layout.record_end))
            waiting = ahead.submit(next, stream, None)
            while (prepared := waiting.result()) is not None:
                waiting = ahead.submit(next, stream, None)
                self._store(prepared)
                latin1 += prepared.read.latin1
                self._report(layout, prepared.consumed)
        if latin1:
            self.notes.append(f"{source.name}: {latin1} rows are not UTF-8 and were read as Latin-1")
        self.files += self.lines > before
        self._files_done += 1
        self._bytes_done += layout.source.size
        self._report(layout, 0)

    def _prepared(
        self, rows: RowReader, reader: SourceReader, stream: Iterator[Block]
    ) -> Iterator[Prepared]:
        for block in stream:
            now = self._clock()
            now = now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
            received_at = int(now.replace(tzinfo=UTC).timestamp() * 1_000_000)
            read = rows(block, received_at)
            yield Prepared(block, read, enriched(read.rows, now), reader.consumed())

    def _store(self, prepared: Prepared) -> None:
        counted = _lines_per_app(prepared)
        moved = {prepared.block.position: prepared.block.end}
        for app, lines in counted.items():
            name = f"lines:{app}:imported"
            moved[name] = self._positions.get(name, 0) + lines
        self.sum += self._warehouse.store(Batch(prepared.rows, prepared.read.rejected, moved))
        self.lines += counted.total()
        self._positions.update(moved)
        learn(self._known, moved)

    def _report(self, layout: Layout, consumed: int) -> None:
        self._on_progress(
            Progress(
                layout.source.name,
                self._files_done,
                self._files_total,
                min(self._bytes_done + consumed, self._total),
                self._total,
                self.lines,
            )
        )


def _rows_from(layout: Layout, reader: SourceReader, place: int) -> RowReader:
    """Skip to the byte where reading begins; return the reader of what follows there."""
    if layout.below is None or not place:
        reader.skip(place)
        return layout.rows
    return layout.below(last_header(_parts(reader, place)))


def _parts(reader: SourceReader, count: int) -> Iterator[bytes]:
    while count and (part := reader.read(min(count, 1 << 20))):
        count -= len(part)
        yield part


def enriched(arrived: pa.Table, now: datetime) -> pa.Table:
    """Enrich without correcting the clock: a file is not sent when it is imported; ``now`` is naive UTC."""
    place = arrived.schema.get_field_index("sent_at")
    field = arrived.schema.field(place)
    rows = enrich(arrived.set_column(place, field, pa.nulls(len(arrived), field.type)), now)
    return rows.set_column(rows.schema.get_field_index("sent_at"), field, arrived["sent_at"])


def _lines_per_app(prepared: Prepared) -> Counter[str]:
    """Count what came in; the books compare it with what the warehouse says became of it."""
    counted: Counter[str] = Counter()
    for table in (prepared.rows, prepared.read.rejected):
        for entry in pc.value_counts(table["app_id"]).to_pylist():
            counted[entry["values"]] += entry["counts"]
    return counted
