"""``footfall import``: files and objects into the warehouse, each line once.

A block's rows, its rejected lines and the place reached in the source are one transaction, so an
import may be killed at any moment and goes on from there; the same bytes are never read in twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.extended import last_header
from footfall.core.enrich import enrich
from footfall.errors import (
    BadSource,
    FootfallError,
    ObjectChanged,
    ObjectGone,
    ObjectsDenied,
    ObjectsRefused,
)
from footfall.ports import Batch, Stored, Warehouse
from footfall.services.import_ahead import fetched
from footfall.services.import_blocks import Block, Start, blocks, find_start, known_content, learn
from footfall.services.import_group import StoreGroup
from footfall.services.import_layouts import FORMATS, Layout, layout_of, layouts_of
from footfall.services.import_memory import ImportMemory, Reached
from footfall.services.import_reading import SourceReader
from footfall.services.import_rows import ImportRules, Read, RowReader
from footfall.services.import_sources import Source, find_sources

__all__ = ["FORMATS", "ImportRules", "Imported", "Progress", "enriched", "import_files"]

MOST_TOLD = 100
OF_ONE_SOURCE = (BadSource, ObjectChanged, ObjectGone, ObjectsDenied, ObjectsRefused)
"""Errors that are one source's own: the others go on."""

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

    ``skipped_files`` had nothing new, or were found below a folder, prefix or glob and are of
    another format; ``failed_files`` could not be read, or not to their end, and ``errors`` say why.
    ``notes`` are for a person to read.
    """

    files: int = 0
    lines: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    skipped_files: int = 0
    failed_files: int = 0
    errors: tuple[str, ...] = ()
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
    find: Callable[[str, Sequence[str]], Sequence[Source]] = find_sources,
    memory: ImportMemory | None = None,
) -> Imported:
    """Import files, folders, globs and prefixes, packed or not; return what became of the lines.

    Files are all looked at before any is read, objects when they have come. One that cannot be
    read stops no other. Imports of one process run one after the other. ``clock`` gives UTC,
    ``find`` the sources behind the paths; ``memory`` spares the opening of those that are known.

    Raises BadSource for an unknown format, a path with nothing behind it, a named file of another
    format, and when no source could be read (what lies before damage is stored); StoreFailed when
    the warehouse refuses. Whatever was committed stays, and the next import goes on behind it.
    """
    if format not in FORMATS:
        raise BadSource(
            path=", ".join(paths),
            format=format,
            cause="there is no such format",
            hint=f"The formats are {', '.join(FORMATS)}",
        )
    memory = memory or ImportMemory(None, "", rules.app_id, clock)
    with _one_at_a_time:
        sources = find(format, paths)
        news = memory.news(sources, warehouse.positions())
        here = [source for source in news.sources if not source.remote]
        layouts, passed_over = layouts_of(format, here, rules)
        read = [layout.source for layout in layouts]
        read += [source for source in news.sources if source.remote]
        done = Imported(skipped_files=len(sources) - len(read), notes=tuple(passed_over))
        if news.elsewhere:
            note = f"{news.elsewhere} sources are being read by another installation"
            done = replace(done, notes=(*done.notes, note))
        if not read:
            return done
        group = StoreGroup(warehouse, memory.keep, memory.settle)
        run = _Run(format, rules, group, clock, on_progress, read)
        sources_read = _Sources(format, rules, run, group, memory, layouts)
        try:
            return sources_read.through(read, done)
        finally:
            memory.release()


class _Sources:
    """The sources of one call: each read, and told to the memory once its rows are committed."""

    def __init__(
        self,
        format: str,
        rules: ImportRules,
        run: "_Run",
        group: StoreGroup,
        memory: ImportMemory,
        layouts: Sequence[Layout],
    ) -> None:
        self._format, self._rules, self._run = format, rules, run
        self._group, self._memory = group, memory
        self._layouts = {layout.source.key: layout for layout in layouts}
        self._errors: list[FootfallError] = []
        self._passed_over: list[BadSource] = []
        self._read = 0

    def through(self, sources: Sequence[Source], done: Imported) -> Imported:
        """Read them all; return what became of them, added to ``done``.

        Raises the first one's error when none could be read, though all of them were tried.
        """
        for source in fetched(self._memory.claimed(sources)):
            self._read_one(source)
        run = self._run
        run.sum += self._group.commit()
        if not self._read and (refused := [*self._errors, *self._passed_over]):
            raise refused[0]
        passed_over = [
            f"{e.values['path']} was passed over: {e.values['cause']}" for e in self._passed_over
        ]
        return replace(
            done,
            files=run.files,
            lines=run.lines,
            stored=run.sum.stored,
            duplicate=run.sum.duplicate,
            rejected=run.sum.rejected,
            skipped_files=done.skipped_files + len(sources) - run.files - len(self._errors),
            failed_files=len(self._errors),
            errors=tuple(str(error) for error in self._errors[:MOST_TOLD]),
            notes=(*done.notes, *passed_over[:MOST_TOLD], *run.notes),
        )

    def _read_one(self, source: Source) -> None:
        run, memory = self._run, self._memory
        lines, rejected = run.lines, self._group.rejected
        layout = None
        try:
            layout = self._layouts.get(source.key) or layout_of(self._format, source, self._rules)
            reached = run.read(layout, memory.start(source, self._group.positions()))
        except OF_ONE_SOURCE as error:
            if layout is None and not source.named and isinstance(error, BadSource):
                self._passed_over.append(error)
            else:
                self._errors.append(error)
            memory.failed(source, str(error), run.lines - lines, self._group.rejected - rejected)
            run.leave(source)
        else:
            memory.done(source, reached, run.lines - lines, self._group.rejected - rejected)
            self._read += 1


class _Run:
    """The sums of one call, and what has been committed so far."""

    def __init__(
        self,
        format: str,
        rules: ImportRules,
        warehouse: StoreGroup,
        clock: Callable[[], datetime],
        on_progress: Callable[[Progress], None],
        sources: Sequence[Source],
    ) -> None:
        self.files, self.lines, self.sum = 0, 0, Stored()
        self.notes: list[str] = []
        self._rules, self._warehouse, self._clock = rules, warehouse, clock
        self._format, self._on_progress = format, on_progress
        self._positions = dict(warehouse.positions())
        self._known = known_content(self._positions)
        self._total = sum(source.size for source in sources)
        self._files_total, self._files_done, self._bytes_done = len(sources), 0, 0

    def read(self, layout: Layout, start: Start | None = None) -> Reached:
        """Read one source: the next block while one is stored; return where its end is.

        It begins at ``start``, or else where its content is known to.
        """
        source = layout.source
        if start is None:
            with SourceReader(source, self._format) as reader:
                start = find_start(reader, self._rules.app_id, self._known)
        before, latin1 = self.lines, 0
        reached = Reached(start.position or "", start.offset, start.line)
        with SourceReader(source, self._format) as reader, ThreadPoolExecutor(1, "import") as ahead:
            rows = _rows_from(layout, reader, start.line_start)
            stream = self._prepared(rows, reader, blocks(reader, start, layout.record_end))
            waiting = ahead.submit(next, stream, None)
            while (prepared := waiting.result()) is not None:
                waiting = ahead.submit(next, stream, None)
                self._store(prepared)
                latin1 += prepared.read.latin1
                reached = _end_of(prepared.block)
                self._report(source, prepared.consumed)
        if latin1:
            self.notes.append(f"{source.name}: {latin1} rows are not UTF-8 and were read as Latin-1")
        self.files += self.lines > before
        self.leave(source)
        return reached

    def leave(self, source: Source) -> None:
        """Go on with the next source, whether this one was read or not."""
        self._files_done += 1
        self._bytes_done += source.size
        self._report(source, 0)

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

    def _report(self, source: Source, consumed: int) -> None:
        self._on_progress(
            Progress(
                source.name,
                self._files_done,
                self._files_total,
                min(self._bytes_done + consumed, self._total),
                self._total,
                self.lines,
            )
        )


def _end_of(block: Block) -> Reached:
    lines = 1 if block.too_long else block.data.count(b"\n")
    return Reached(block.position, block.end, block.line + lines)


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
