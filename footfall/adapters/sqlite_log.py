"""The durable event log: one SQLite file (WAL, ``synchronous=FULL``) per collector worker.

One group commit is one row, a block of records as MessagePack: a row per record made the writer
thread hand the interpreter lock back and forth for each of them (figures: docs/why.md).

Whenever a file is opened for writing its offsets go on from the time in microseconds: those of a
file that was deleted, or put back from an older copy, are never used again (docs/why.md).
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from footfall.core.record import AppId, Logged, Offset, Record
from footfall.errors import LogDamaged, LogFailed, LogFull

__all__ = ["SqliteLog"]

APPLICATION_ID = 0x46464C47  # "FFLG", so that a foreign SQLite file is told apart
VERSION = 1
PAGE_BYTES = 8_192
CHECKPOINT_PAGES = 2_048  # 16 MB: a quarter of the checkpoints of the default at the same p99
LOOK_SECONDS = 0.25  # between looks at the disk: each one gives the interpreter lock away
TRIM_BLOCKS = 64  # per transaction, so that the writer never waits long for a trim
PROBE_BYTES = 65_536  # what is written and taken back to learn whether the log could be written
HEADROOM_BYTES = 4 * PAGE_BYTES  # pages that an insert may touch beyond its own bytes
BUSY_SECONDS = 5.0
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
    last   INTEGER PRIMARY KEY AUTOINCREMENT,
    first  INTEGER NOT NULL,
    totals TEXT NOT NULL,
    body   BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS totals (
    app_id TEXT NOT NULL,
    last   INTEGER NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (app_id, last)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (
    only    INTEGER PRIMARY KEY CHECK (only = 0),
    trimmed INTEGER NOT NULL,
    probe   BLOB
);
INSERT OR IGNORE INTO state VALUES (0, 0, NULL);
CREATE TRIGGER IF NOT EXISTS count_events AFTER INSERT ON blocks BEGIN
    INSERT INTO totals (app_id, last, events)
    SELECT entry.key, new.last, entry.value FROM json_each(new.totals) AS entry;
END;
"""

# How many events of each app came up to a block's end? A skip scan: one look per app.
TOTALS = """
WITH RECURSIVE apps (app_id) AS (
    SELECT min(app_id) FROM totals
    UNION ALL
    SELECT (SELECT min(app_id) FROM totals WHERE app_id > apps.app_id)
    FROM apps WHERE apps.app_id IS NOT NULL
)
SELECT apps.app_id, (
    SELECT events FROM totals
    WHERE totals.app_id = apps.app_id AND totals.last <= :upto
    ORDER BY totals.last DESC LIMIT 1
) AS events
FROM apps WHERE apps.app_id IS NOT NULL AND events IS NOT NULL
"""

# Which totals does nobody need once the records up to here are gone? All but each app's newest.
STALE_TOTALS = """
DELETE FROM totals WHERE last <= :upto AND EXISTS (
    SELECT 1 FROM totals AS newer
    WHERE newer.app_id = totals.app_id AND newer.last > totals.last AND newer.last <= :upto
)
"""

# How many records lie behind one offset and up to another?
RECORDS = """
SELECT coalesce(sum(min(last, :upto) - max(first, :after + 1) + 1), 0)
FROM blocks
WHERE last > :after AND first <= :upto
    AND last <= coalesce((SELECT min(last) FROM blocks WHERE last >= :upto), :upto)
"""

END = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'blocks'), 0)"
USED_PAGES = """
SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)
"""


def _microseconds() -> int:
    return time.time_ns() // 1_000


class SqliteLog:
    """EventLog in one SQLite file; the file's stem is the log's name.

    ``max_bytes`` limits the bytes in use without free pages (pages freed by ``trim`` are used
    again, the file itself does not shrink); with less than ``min_free_bytes`` of free disk nothing
    is taken either. ``writable=False`` is for those who read and trim. The object may be shared
    by threads. The file is opened by the first call, and anew after any error or when another file
    lies in its place, so that nothing needs a restart. ``clock`` gives microseconds since 1970.

    Every method raises LogFailed when the file can't be used now, LogDamaged when it is corrupt or
    not ours.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        min_free_bytes: int = 0,
        writable: bool = True,
        clock: Callable[[], int] = _microseconds,
    ) -> None:
        self.name = path.stem
        self._path = path
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes
        self._writable = writable
        self._clock = clock
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._end = 0
        self._totals: dict[str, int] = {}
        self._used = 0
        self._looked = 0.0
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[Record]).decode

    # Writing

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """Write all records as one block in one commit; see EventLog.

        An empty sequence asks whether the log could be written now: it writes and takes back as
        much as a usual group has.
        """
        if not self._writable:
            raise LogFailed(log=self.name, cause="it was opened for reading")
        body = self._encode(records)
        with self._lock, self._mapped():
            connection = self._connected()
            if not records:
                size = min(PROBE_BYTES, self._max_bytes // 16)
                self._make_sure_of_room(connection, size)
                connection.execute("UPDATE state SET probe = zeroblob(?)", (size,))
                connection.execute("UPDATE state SET probe = NULL")
                return []
            self._make_sure_of_room(connection, len(body))
            counts = Counter[str]()
            for record in records:
                counts[record.app_id] += record.count
            totals = {app: self._totals.get(app, 0) + count for app, count in counts.items()}
            first, last = self._end + 1, self._end + len(records)
            connection.execute(
                "INSERT INTO blocks (last, first, totals, body) VALUES (?, ?, ?, ?)",
                (last, first, msgspec.json.encode(totals).decode(), body),
            )
            self._end = last
            self._totals |= totals
            self._used += len(body) + PAGE_BYTES
        return [Offset(offset) for offset in range(first, last + 1)]

    def trim(self, upto: Offset) -> int:
        """Delete records up to and with ``upto`` in short transactions; return how many went."""
        with self._lock, self._mapped():
            connection = self._connected()
            (trimmed,) = connection.execute("SELECT trimmed FROM state").fetchone()
            (end,) = connection.execute(END).fetchone()
            upto = Offset(min(upto, end))
            if upto <= trimmed:
                return 0
            (gone,) = connection.execute(RECORDS, {"after": trimmed, "upto": upto}).fetchone()
        while self._trim_some(upto):
            time.sleep(0.002)  # the writer's chance: SQLite has no queue for its lock
        with self._lock, self._mapped():
            self._connected().execute(STALE_TOTALS, {"upto": upto})
        return int(gone)

    def _trim_some(self, upto: Offset) -> bool:
        with self._lock, self._mapped(), _transaction(self._connected()) as connection:
            lasts = connection.execute(
                "SELECT last FROM blocks WHERE last <= ? ORDER BY last LIMIT ?", (upto, TRIM_BLOCKS)
            ).fetchall()
            more = len(lasts) == TRIM_BLOCKS
            reached = lasts[-1][0] if more else upto
            connection.execute("DELETE FROM blocks WHERE last <= ?", (reached,))
            connection.execute("UPDATE state SET trimmed = max(trimmed, ?)", (reached,))
        return more

    # Reading

    def read(self, after: Offset, max_events: int) -> list[Logged]:
        """Return records behind ``after`` in order, up to ``max_events`` events; see EventLog."""
        found: list[Logged] = []
        events = 0
        with self._lock, self._mapped():
            connection = self._connected()
            (trimmed,) = connection.execute("SELECT trimmed FROM state").fetchone()
            after = Offset(max(after, trimmed))
            blocks = connection.execute(
                "SELECT first, body FROM blocks WHERE last > ? ORDER BY last", (after,)
            )
            with contextlib.closing(blocks):
                for first, body in blocks:
                    for offset, record in enumerate(self._decode(body), first):
                        if offset <= after:
                            continue
                        events += record.count
                        if found and events > max_events:
                            return found
                        found.append(Logged(self.name, Offset(offset), record))
                    if events >= max_events:
                        break
        return found

    def end(self) -> Offset:
        """Return the last committed offset."""
        with self._lock, self._mapped():
            (end,) = self._connected().execute(END).fetchone()
            return Offset(end)

    def received(self, upto: Offset) -> Mapping[AppId, int]:
        """Count events per app up to ``upto``; below what was trimmed, up to there.

        Costs one index look per app, and the decoding of one block when ``upto`` lies inside it.
        """
        with self._lock, self._mapped():
            connection = self._connected()
            (trimmed,) = connection.execute("SELECT trimmed FROM state").fetchone()
            upto = Offset(max(upto, trimmed))
            first, body = connection.execute(
                "SELECT first, body FROM blocks WHERE last > ? ORDER BY last LIMIT 1", (upto,)
            ).fetchone() or (upto + 1, b"")
            counts = {AppId(app): int(n) for app, n in connection.execute(TOTALS, {"upto": first - 1})}
            if first <= upto:
                for record in self._decode(body)[: upto - first + 1]:
                    counts[record.app_id] = counts.get(record.app_id, 0) + record.count
        return counts

    def size(self) -> int:
        """Return the bytes in use, free pages left out."""
        with self._lock, self._mapped():
            (pages,) = self._connected().execute(USED_PAGES).fetchone()
            return int(pages) * PAGE_BYTES

    def close(self) -> None:
        """Release the file; the next call opens it again."""
        with self._lock:
            self._drop()

    # The connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and not self._writable and self._replaced():
            self._drop()
        if self._connection is None:
            if self._writable and not self._path.exists():
                _create(self._path)
            self._inode = self._path.stat().st_ino
            self._connection = _connect(self._path)
            (end,) = self._connection.execute(END).fetchone()
            self._totals = dict(self._connection.execute(TOTALS, {"upto": end}))
            self._end = max(end, self._clock())
            self._looked = 0.0
        return self._connection

    def _replaced(self) -> bool:
        """Whether the path leads to another file than the open one, or to none."""
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _make_sure_of_room(self, connection: sqlite3.Connection, incoming: int) -> None:
        needed = incoming + HEADROOM_BYTES
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS or self._used + needed > self._max_bytes:
            if self._replaced():
                raise OSError("the file was replaced while it was open")
            disk = os.statvfs(self._path)
            free = disk.f_bavail * disk.f_frsize
            if free < self._min_free_bytes:
                self._looked = 0.0
                cause = f"the disk has {free} bytes free, log.min_free_bytes is {self._min_free_bytes}"
                raise LogFailed(log=self.name, cause=cause)
            (pages,) = connection.execute(USED_PAGES).fetchone()
            self._used = pages * PAGE_BYTES
            self._looked = now
        if self._used + needed > self._max_bytes:
            raise LogFull(log=self.name, limit_bytes=self._max_bytes, used_bytes=self._used)

    @contextlib.contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, msgspec.DecodeError) as error:
            self._drop()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in DAMAGE or isinstance(error, msgspec.DecodeError):
                raise LogDamaged(path=self._path, cause=error) from error
            raise LogFailed(log=self.name, cause=error) from error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # What failed is being reported already; a second error of the same file adds nothing.
            with contextlib.suppress(sqlite3.Error):
                connection.close()


def _create(path: Path) -> None:
    """Make the file under another name first: who looks for logs never sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    for side in ("-wal", "-shm"):  # of a file that is gone: SQLite would write them into this one
        path.with_name(path.name + side).unlink(missing_ok=True)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise LogDamaged(path=path, cause="it is a SQLite file of something else")
        if version != VERSION:
            raise LogDamaged(path=path, cause=f"it has version {version}, this footfall reads {VERSION}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {4 * CHECKPOINT_PAGES * PAGE_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
