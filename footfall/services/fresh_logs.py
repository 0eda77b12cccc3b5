"""What is new in a bucket of access logs, as files of requests for a job that brings them into a database.

New against old is told twice: an object by its version in the import state, and within one that has
changed by its content, so that only the lines behind the known ones are taken.

The order is the promise: files, dead letters, the job's start, and only then is anything marked as
done. Whoever breaks before that is followed by a call that does the same again: lines come at least
once, and the job writes over a row of the same event_id, so that none is there twice.
"""

import gzip
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from footfall.core.dead_letter import DeadLetter, unreadable_letter
from footfall.core.request_lines import request_lines
from footfall.errors import BadSource, ObjectChanged, ObjectGone, ObjectsRefused
from footfall.ports import ImportState, ObjectStore, SourceRecord, StoredObject
from footfall.ports.delivery import DeadLetters
from footfall.services.deliver import rejected_letters
from footfall.services.imports.blocks import blocks, find_start, known_content
from footfall.services.imports.layouts import layout_of
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.rows import ImportRules
from footfall.services.imports.run import end_of, enriched, rows_from
from footfall.services.imports.sources import Source

__all__ = ["FreshLogs", "FreshTaken", "take_fresh"]

FORMAT = "auto"
GROUP = 100  # objects that are looked up, claimed and read together
THREADS = 4  # that read; each has a block of some megabytes in memory
FILE_ROWS = 65_000  # of one file; the job reads a file whole
LEASE = timedelta(minutes=15)  # no function lives longer
RESERVE_SECONDS = 90.0  # for what comes after reading


class FreshTaken(Struct, frozen=True, kw_only=True):
    """What one call did: objects that it read, lines of them, and those in the queue.

    ``failed`` objects can't be read or hold no access log. ``more`` says that time was up before all was
    read. ``run`` is the job's; empty when there was no news for it.
    """

    objects: int = 0
    lines: int = 0
    letters: int = 0
    failed: int = 0
    more: bool = False
    run: str = ""


@dataclass(frozen=True, slots=True)
class FreshLogs:
    """Where lines come from and go; ``owner`` names this call, and the same call when it is made again.

    Files are put into ``fresh`` below ``folder``; ``start_job`` gives the name of the run that takes
    them from there. ``seconds_left`` is how long the call may still last.
    """

    logs: ObjectStore
    fresh: ObjectStore
    folder: str
    state: ImportState
    letters: DeadLetters
    start_job: Callable[[], str]
    rules: ImportRules
    owner: str
    clock: Callable[[], datetime]
    seconds_left: Callable[[], float]

    @property
    def late(self) -> bool:
        """Whether it is time to end what was begun."""
        return self.seconds_left() < RESERVE_SECONDS


class _Read(NamedTuple):
    """How an object stands after this call, and what of it is in no file yet; ``rows`` counts all."""

    record: SourceRecord
    waiting: bytes
    waiting_rows: int
    rows: int
    letters: list[DeadLetter]


def take_fresh(parts: FreshLogs) -> FreshTaken:
    """Bring what is new to the job, as far as time allows; the next call goes on.

    Raises the errors of the stores and of the job; then nothing is marked as done.
    """
    done: list[_Read] = []
    listed = iter(parts.logs.list())
    with ThreadPoolExecutor(THREADS, "logs") as pool:
        while not parts.late and (group := list(islice(listed, GROUP))):
            read = list(pool.map(partial(_read, parts), _claimed(parts, group)))
            found = [each for each in read if each is not None]
            _put_waiting(parts, found)
            done += [each._replace(waiting=b"") for each in found]
    letters = [letter for each in done for letter in each.letters]
    if letters:
        parts.letters.send(letters)
    run = parts.start_job() if any(each.rows for each in done) else ""
    parts.state.settle([each.record for each in done])
    return FreshTaken(
        objects=len(done),
        lines=sum(each.record.lines for each in done),
        letters=len(letters),
        failed=sum(each.record.state == "failed" for each in done),
        more=parts.late,
        run=run,
    )


def _claimed(parts: FreshLogs, listed: Sequence[StoredObject]) -> Sequence[SourceRecord]:
    """Claim what is new; an object that another call is reading is left to it."""
    now, app = parts.clock(), parts.rules.app_id
    seen = parts.state.look(app, [f"{parts.logs.name}/{each.key}" for each in listed])
    wanted = []
    for each in listed:
        address = f"{parts.logs.name}/{each.key}"
        known = seen.get(address)
        if known and known.version == each.etag and known.state != "begun":
            continue
        known = known or SourceRecord(app, address, address, each.etag, each.size, parts.owner, now)
        wanted.append(replace(known, version=each.etag, size=each.size, owner=parts.owner, at=now))
    return parts.state.claim(wanted, now + LEASE) if wanted else ()


def _read(parts: FreshLogs, record: SourceRecord) -> _Read | None:
    """Read one object from where its known content ends; None when it went, changed, or time was up."""
    if parts.late:
        return None
    key = record.key.removeprefix(f"{parts.logs.name}/")
    opened = partial(parts.logs.open, key, record.version)
    source = Source(record.name, record.key, record.version, record.size, False, opened)
    reading = _Reading(parts, record)
    try:
        reading.read(source)
    except (ObjectGone, ObjectChanged):
        return None
    except (BadSource, ObjectsRefused) as error:
        reading.fail(str(error))
    return reading.result()


class _Reading:
    """One object while it is read: blocks become files, and what is refused becomes letters."""

    def __init__(self, parts: FreshLogs, record: SourceRecord) -> None:
        self._parts = parts
        self._record = replace(record, state="done", lines=0, rejected=0, error="")
        self._waiting: list[bytes] = []
        self._waiting_rows, self._rows = 0, 0
        self._letters: list[DeadLetter] = []

    def read(self, source: Source) -> None:
        """Read it to its end, or until time is up. Raises BadSource, after what could be read."""
        rules, before = self._parts.rules, self._record
        layout = layout_of(FORMAT, source, rules)
        with SourceReader(source, FORMAT) as reader:
            known = {before.position: before.offset} if before.position else {}
            start = find_start(reader, rules.app_id, known_content(known))
        with SourceReader(source, FORMAT) as reader:
            rows = rows_from(layout, reader, start.line_start)
            for block in blocks(reader, start, layout.record_end):
                now = self._parts.clock()
                read = rows(block, int(now.replace(tzinfo=UTC).timestamp() * 1_000_000))
                lines, count = request_lines(enriched(read.rows, now))
                self._add(lines, count)
                self._letters += rejected_letters(read.rejected)
                reached = end_of(block)
                self._record = replace(
                    self._record,
                    position=reached.position,
                    offset=reached.offset,
                    line=reached.line,
                    lines=self._record.lines + read.rows.num_rows + read.rejected.num_rows,
                    rejected=self._record.rejected + read.rejected.num_rows,
                )
                if self._parts.late:
                    self._record = replace(self._record, state="begun")
                    return

    def fail(self, why: str) -> None:
        """Keep that the object, in this version, is not to be read again, and tell why."""
        record = self._record
        self._record = replace(record, state="failed", error=why)
        self._letters.append(unreadable_letter(record.name, record.version, b"", why))

    def result(self) -> _Read:
        """Return how it ended; an object that is to be gone on with is free for whoever comes next."""
        now = self._parts.clock()
        record = replace(self._record, at=now, leased_until=now if self._record.state == "begun" else None)
        waiting = b"".join(self._waiting)
        return _Read(record, waiting, self._waiting_rows, self._rows, self._letters)

    def _add(self, lines: bytes, count: int) -> None:
        if not count:
            return
        self._waiting.append(gzip.compress(lines, 5, mtime=0))  # members one behind the other are a file
        self._waiting_rows += count
        self._rows += count
        if self._waiting_rows >= FILE_ROWS:
            _put(self._parts, b"".join(self._waiting))
            self._waiting, self._waiting_rows = [], 0


def _put_waiting(parts: FreshLogs, read: Sequence[_Read]) -> None:
    """Put what small objects gave into files of some size."""
    data, rows = b"", 0
    for each in read:
        data, rows = data + each.waiting, rows + each.waiting_rows
        if rows >= FILE_ROWS:
            _put(parts, data)
            data, rows = b"", 0
    if data:
        _put(parts, data)


def _put(parts: FreshLogs, data: bytes) -> None:
    """Write a file under a name made of its content: the same lines again are the same file."""
    name = blake2b(data, digest_size=16).hexdigest()
    parts.fresh.put(f"{parts.folder}{name}.ndjson.gz", data)
