"""``footfall import``: files and objects into the warehouse, each line once.

A block's rows, its rejected lines and the place reached in the source are one transaction, so an
import may be killed at any moment and goes on from there; the same bytes are never read in twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.errors import (
    BadSource,
    FootfallError,
    ObjectChanged,
    ObjectGone,
    ObjectsDenied,
    ObjectsRefused,
    SourceUnreadable,
)
from footfall.ports import Warehouse
from footfall.services.imports.ahead import fetched
from footfall.services.imports.bundle import Bundle, Piece
from footfall.services.imports.group import StoreGroup
from footfall.services.imports.layouts import FORMATS, Layout, layout_of, layouts_of
from footfall.services.imports.memory import ImportMemory
from footfall.services.imports.rows import FileContext, ImportRules, RowReader, log_rows
from footfall.services.imports.run import Progress, Run, end_of
from footfall.services.imports.sources import Source, find_sources

__all__ = ["FORMATS", "ImportRules", "Imported", "Progress", "import_files"]

MOST_TOLD = 100
OF_ONE_SOURCE = (BadSource, ObjectChanged, ObjectGone, ObjectsDenied, ObjectsRefused)
"""Errors that are one source's own: the others go on."""

_one_at_a_time = Lock()  # a process owns its warehouse alone, so this is enough


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
        names = {error.values["path"] for error in passed_over}
        read = [source for source in news.sources if source.remote or source.name not in names]
        done = Imported(skipped_files=len(sources) - len(read), notes=_told(passed_over))
        if news.elsewhere:
            note = f"{news.elsewhere} sources are being read by another installation"
            done = replace(done, notes=(*done.notes, note))
        if not read:
            return done
        group = StoreGroup(warehouse, memory.keep, memory.settle)
        run = Run(format, rules, group, clock, on_progress, read)
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
        run: Run,
        group: StoreGroup,
        memory: ImportMemory,
        layouts: Sequence[Layout],
    ) -> None:
        self._format, self._rules, self._run = format, rules, run
        self._group, self._memory = group, memory
        self._layouts = {layout.source.key: layout for layout in layouts}
        self._errors: list[FootfallError] = []
        self._passed_over: list[FootfallError] = []  # of another format, and not named
        self._log = format  # of the bundle: as the last log that was told by its first lines
        self._pieces: list[Piece] = []
        self._read = 0

    def through(self, sources: Sequence[Source], done: Imported) -> Imported:
        """Read them all; return what became of them, added to ``done``.

        Raises the first one's error when none could be read, though all of them were tried.
        """
        for source in fetched(self._memory.claimed(sources)):
            self._gather(source)
        self._read_bundle()
        run = self._run
        run.sum += self._group.commit()
        if not self._read and (refused := [*self._errors, *self._passed_over]):
            raise refused[0]
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
            notes=(*done.notes, *_told(self._passed_over), *run.notes),
        )

    def _gather(self, source: Source) -> None:
        """Read a source, or put it into the bundle of small ones that are read together.

        One that begins like another in the bundle may go on where that ends, so that comes first.
        """
        pieces = self._pieces
        piece = None if self._memory.knows(source) else self._run.piece_of(source, self._log)
        if pieces and (piece is None or any(piece.head == other.head for other in pieces)):
            self._read_bundle()
            piece = piece and self._run.piece_of(source, self._log)
        if piece is None:
            self._read_one(source)
            return
        self._pieces.append(piece)
        if Bundle(self._pieces).is_full:
            self._read_bundle()

    def _read_bundle(self) -> None:
        bundle, self._pieces = Bundle(self._pieces), []
        if len(bundle.pieces) < 2 or not self._run.read_bundle(bundle, self._bundle_rows()):
            for piece in bundle.pieces:
                self._read_one(piece.source)
            return
        self._read += len(bundle.pieces)
        for piece, lines in zip(bundle.pieces, bundle.lines, strict=True):
            self._memory.done(piece.source, end_of(piece.block), lines, 0)

    def _bundle_rows(self) -> RowReader:
        return log_rows(LOG_FORMATS[self._log], FileContext(self._rules, self._log, ""))

    def _read_one(self, source: Source) -> None:
        run, memory = self._run, self._memory
        lines, rejected = run.lines, self._group.rejected
        try:
            layout = self._layouts.get(source.key) or layout_of(self._format, source, self._rules)
            self._log = layout.log or self._log
            reached = run.read(layout, memory.start(source, self._group.positions()))
        except OF_ONE_SOURCE as error:
            readable = isinstance(error, BadSource) and not isinstance(error, SourceUnreadable)
            (self._passed_over if readable and not source.named else self._errors).append(error)
            memory.failed(source, str(error), run.lines - lines, self._group.rejected - rejected)
            run.leave(source)
        else:
            memory.done(source, reached, run.lines - lines, self._group.rejected - rejected)
            self._read += 1


def _told(passed_over: Sequence[FootfallError]) -> tuple[str, ...]:
    """Return a note for each source of another format, up to a number that can be read."""
    return tuple(
        f"{error.values['path']} was passed over: {error.values['cause']}"
        for error in passed_over[:MOST_TOLD]
    )
