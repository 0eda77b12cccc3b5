"""One source after the other, block by block: read ahead, made into rows, stored with its position.

Which sources, and what becomes of one that fails, is ``files``'s.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.extended import last_header
from footfall.core.enrich import enrich
from footfall.ports import Batch, Stored
from footfall.services.imports.blocks import (
    Block,
    Start,
    blocks,
    find_start,
    known_content,
    learn,
    line_ends,
)
from footfall.services.imports.bundle import Bundle, Piece, piece_of
from footfall.services.imports.group import StoreGroup
from footfall.services.imports.layouts import Layout
from footfall.services.imports.memory import Reached
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.rows import ImportRules, RowReader
from footfall.services.imports.sources import Source

__all__ = ["Progress", "Run", "end_of", "enriched", "rows_from"]

BLOCKS_AHEAD = 4  # with fewer, reading waits for the warehouse; with more, memory only grows


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: bytes of the files as they lie on disk, and lines read in this run."""

    file: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    lines: int


class Prepared(NamedTuple):
    """A block that is ready to be stored: its rows as in ``events``, and where the file's reading is.

    It holds neither the block's bytes nor its rows as they arrived: while it waits, the next is made.
    """

    reached: Reached
    rows: pa.Table
    rejected: pa.Table
    unique: bool
    latin1: int
    consumed: int


class Run:
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
        """Read one source: the next blocks while a group is stored; return where its end is.

        It begins at ``start``, or else where its content is known to.
        """
        source = layout.source
        if start is None:
            with SourceReader(source, self._format) as reader:
                start = find_start(reader, self._rules.app_id, self._known)
        before, latin1 = self.lines, 0
        reached = Reached(start.position or "", start.offset, start.line)
        with SourceReader(source, self._format) as reader, ThreadPoolExecutor(1, "import") as ahead:
            rows = rows_from(layout, reader, start.line_start)
            stream = self._prepared(rows, reader, blocks(reader, start, layout.record_end))
            waiting = deque(ahead.submit(next, stream, None) for _ in range(BLOCKS_AHEAD))
            while (prepared := waiting.popleft().result()) is not None:
                waiting.append(ahead.submit(next, stream, None))
                self._store(prepared)
                latin1 += prepared.latin1
                reached = prepared.reached
                self._report(source, prepared.consumed)
        if latin1:
            self.notes.append(f"{source.name}: {latin1} rows are not UTF-8 and were read as Latin-1")
        self.files += self.lines > before
        self.leave(source)
        return reached

    def read_bundle(self, bundle: Bundle, rows: RowReader) -> bool:
        """Store a bundle's lines; False, with nothing done, when a line in it needs a look of its own."""
        prepared = self._prepare(rows, bundle.block, 0)
        if len(prepared.rejected) or len(prepared.rows) != sum(bundle.lines):
            return False
        prepared = prepared._replace(unique=prepared.unique and not bundle.may_come_again)
        self._store(prepared, bundle.positions)
        self.files += sum(map(bool, bundle.lines))
        for piece in bundle.pieces:
            self.leave(piece.source)
        return True

    def piece_of(self, source: Source, log: str) -> Piece | None:
        """Return a small new source as a piece of a bundle of logs of one format; see ``bundle``."""
        sure = log == self._format
        return piece_of(source, log, self._rules.app_id, self._known, sure=sure)

    def leave(self, source: Source) -> None:
        """Go on with the next source, whether this one was read or not."""
        self._files_done += 1
        self._bytes_done += source.size
        self._report(source, 0)

    def _prepared(
        self, rows: RowReader, reader: SourceReader, stream: Iterator[Block]
    ) -> Iterator[Prepared]:
        for block in stream:
            yield self._prepare(rows, block, reader.consumed())

    def _prepare(self, rows: RowReader, block: Block, consumed: int) -> Prepared:
        now = self._clock()
        now = now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
        received_at = int(now.replace(tzinfo=UTC).timestamp() * 1_000_000)
        read = rows(block, received_at)
        rows = enriched(read.rows, now)
        return Prepared(end_of(block), rows, read.rejected, read.unique, read.latin1, consumed)

    def _store(self, prepared: Prepared, reached: Mapping[str, int] | None = None) -> None:
        counted = _lines_per_app(prepared)
        moved = dict(reached or {prepared.reached.position: prepared.reached.offset})
        for app, lines in counted.items():
            name = f"lines:{app}:imported"
            moved[name] = self._positions.get(name, 0) + lines
        batch = Batch(prepared.rows, prepared.rejected, moved, prepared.unique)
        self.sum += self._warehouse.store(batch)
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


def end_of(block: Block) -> Reached:
    """Return where reading goes on behind a block."""
    lines = 1 if block.too_long else line_ends(block.data)
    return Reached(block.position, block.end, block.line + lines)


def rows_from(layout: Layout, reader: SourceReader, place: int) -> RowReader:
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
    for table in (prepared.rows, prepared.rejected):
        for entry in pc.value_counts(table["app_id"]).to_pylist():
            counted[entry["values"]] += entry["counts"]
    return counted
