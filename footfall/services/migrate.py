"""A data folder's raw archive and lake into an installation's buckets: what is there already stays.

The buckets say what is there, by the checksums that S3 reckons itself, so that a run that was killed goes
on where it was. What a complete run brought is not brought again: the lake's hours may have been written
anew since. A file of the lake is named after its folder of origin, for two installations have a part-00000
of one hour; one that is gone here since an earlier run goes there.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from footfall.core.lake_count import Partitions
from footfall.core.raw_block import CHECKSUM, decode_block, lost_block, parse_name
from footfall.errors import BadSource
from footfall.ports.migration import CheckedStore

__all__ = ["Migrated", "Moved", "Piece", "Target", "migrate", "pieces_in"]

What = Literal["raw", "lake"]
THREADS = 8
HOUR = re.compile(r"events/year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/(part-\d+)\.parquet")
HINT = "Run footfall doctor on the data folder, and let the lake be written anew"


class Piece(NamedTuple):
    """A file, its key there, and its bytes."""

    what: What
    path: Path
    key: str
    size: int


class Target(NamedTuple):
    """The buckets; ``origin`` names the data folder among those that were ever moved there."""

    raw: CheckedStore
    lake: CheckedStore
    partitions: Partitions
    origin: str


class Moved(Struct, frozen=True, kw_only=True):
    """One line of the ledger: ``files`` = ``sent`` + ``there``.

    ``verified`` are there by the store's own checksum, with ``events_there`` in them; ``gone`` were there
    and are no more here.
    """

    what: What
    files: int
    events: int
    bytes: int
    sent: int
    there: int
    gone: int
    verified: int
    events_there: int

    @property
    def balanced(self) -> bool:
        """Whether everything that is here is there."""
        return self.files == self.verified and self.events == self.events_there


class Migrated(Struct, frozen=True, kw_only=True):
    """The ledger of a migration."""

    raw: Moved
    lake: Moved


class _Done(NamedTuple):
    sent: bool
    verified: bool
    events: int
    checksum: str


def pieces_in(data: Path, target: Target) -> list[Piece]:
    """Return the files of a data folder's archive and lake; a block's checksum comes before its block."""
    found = []
    for path in sorted((data / "raw").glob("year=*/month=*/day=*/*")):
        if parse_name(path.name.removesuffix(CHECKSUM)):
            key = f"raw/{path.relative_to(data / 'raw').as_posix()}"
            found.append(Piece("raw", path, key, _size(path)))
    found.sort(key=lambda piece: (piece.path.parent, piece.path.suffix != CHECKSUM, piece.path.name))
    parts = sorted((data / "lake").glob("events/*/*/*/*/part-*.parquet"))
    return found + [
        Piece("lake", path, _lake_key(name, target), _size(path))
        for path in parts
        if (name := HOUR.fullmatch(path.relative_to(data / "lake").as_posix()))
    ]


def migrate(
    pieces: Sequence[Piece],
    target: Target,
    known: dict[str, str],
    on_progress: Callable[[int, int], None],
    *,
    dry_run: bool = False,
) -> Migrated:
    """Bring files there that are not there; ``on_progress`` is told the bytes done, and of how many.

    ``known`` are keys and checksums that were verified before; those of this run are added. A file is read
    once: what is counted is what is sent. Raises BadSource for one that is damaged here, with those before
    it sent; and the stores' errors. A dry run sends and deletes nothing.
    """
    total = sum(piece.size for piece in pieces)
    there = {"raw": target.raw.sizes("raw/"), "lake": target.lake.sizes("events/")}
    done_bytes = 0
    outcomes: dict[What, list[tuple[Piece, _Done]]] = {"raw": [], "lake": []}
    with ThreadPoolExecutor(THREADS, "migrate") as pool:

        def bring(piece: Piece) -> _Done:
            store = _store(piece, target)
            return _bring(piece, store, there[piece.what], known.get(piece.key), dry_run=dry_run)

        # A day's checksum files are all there before its first block is.
        for group in _groups(pieces):
            for piece, done in zip(group, pool.map(bring, group), strict=True):
                outcomes[piece.what].append((piece, done))
                done_bytes += piece.size
                on_progress(done_bytes, total)
    known |= {
        piece.key: done.checksum for moved in outcomes.values() for piece, done in moved if done.verified
    }
    gone = _gone(pieces, target, there["lake"], dry_run=dry_run)
    return Migrated(raw=_moved("raw", outcomes["raw"], 0), lake=_moved("lake", outcomes["lake"], gone))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # written anew under another name since it was listed
        return 0


def _store(piece: Piece, target: Target) -> CheckedStore:
    return target.raw if piece.what == "raw" else target.lake


def _groups(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    for piece in pieces:
        kind = (piece.what, piece.path.suffix == CHECKSUM)
        if group and kind != (group[0].what, group[0].path.suffix == CHECKSUM):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _bring(
    piece: Piece, store: CheckedStore, there: Mapping[str, int], known: str | None, *, dry_run: bool
) -> _Done:
    try:
        content = piece.path.read_bytes()
    except FileNotFoundError:  # the platform wrote this hour anew: the next run brings it
        return _Done(sent=False, verified=False, events=0, checksum="")
    checksum = hashlib.sha256(content).hexdigest()
    events = _events(piece, content)
    same_size = there.get(piece.key) == len(content)
    if known == checksum or (same_size and store.checksum(piece.key) == checksum):
        return _Done(sent=False, verified=True, events=events, checksum=checksum)
    if dry_run:
        return _Done(sent=True, verified=False, events=events, checksum=checksum)
    store.put(piece.key, content, checksum)
    verified = store.checksum(piece.key) == checksum
    return _Done(sent=True, verified=verified, events=events, checksum=checksum)


def _events(piece: Piece, content: bytes) -> int:
    """Count a file's events; what is damaged here is not sent. Raises BadSource."""
    if piece.what == "lake":
        try:
            return int(pq.read_metadata(pa.BufferReader(content)).num_rows)
        except pa.ArrowInvalid as error:
            raise BadSource(path=piece.path, format="lake", cause=error, hint=HINT) from error
    if piece.path.suffix == CHECKSUM:
        return 0
    check = piece.path.with_name(piece.path.name + CHECKSUM)
    try:
        told = check.read_text()
    except OSError as error:
        raise lost_block(str(piece.path), f"{check.name} cannot be read ({error.strerror})") from error
    return sum(logged.record.count for logged in decode_block(content, told, str(piece.path)))


def _gone(pieces: Sequence[Piece], target: Target, there: Mapping[str, int], *, dry_run: bool) -> int:
    """Delete files of the lake that came from here and are here no more; return how many."""
    here = {piece.key for piece in pieces}
    gone = [key for key in there if key.endswith(f"-{target.origin}.parquet") and key not in here]
    for key in gone:
        if not dry_run:
            target.lake.delete(key)
    return len(gone)


def _lake_key(name: re.Match[str], target: Target) -> str:
    year, month, day, hour, part = name.groups()
    folder = f"year={year}/month={month}/day={day}/hour={hour}"
    if target.partitions == "datehour":
        folder = f"{year}/{month}/{day}/{hour}"
    return f"events/{folder}/{part}-{target.origin}.parquet"


def _moved(what: What, outcomes: Sequence[tuple[Piece, _Done]], gone: int) -> Moved:
    sent = sum(done.sent for _, done in outcomes)
    return Moved(
        what=what,
        files=len(outcomes),
        events=sum(done.events for _, done in outcomes),
        bytes=sum(piece.size for piece, _ in outcomes),
        sent=sent,
        there=len(outcomes) - sent,
        gone=gone,
        verified=sum(done.verified for _, done in outcomes),
        events_there=sum(done.events for _, done in outcomes if done.verified),
    )
