"""What is wrong with an installation, and how to mend it: one finding per part."""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from footfall.errors import FootfallError
from footfall.ports import EventLog
from footfall.services.ledger import Ledger, lost_counts, waiting
from footfall.settings import Settings

__all__ = [
    "Finding",
    "check_books",
    "check_folder",
    "check_jobs",
    "check_keys",
    "check_lake",
    "check_logs",
]

State = Literal["ok", "warning", "broken"]
NEARLY_FULL = 0.8
AHEAD = 60_000_000  # microseconds that offsets may be ahead of the clock: the log counts on by records


class Finding(Struct, frozen=True, kw_only=True):
    """One part's state; ``mend`` says what to do when it is not ok."""

    part: str
    state: State
    detail: str
    mend: str = ""


def check_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder can be written, and how much room the disk has."""
    data = settings.data
    if not data.is_dir():
        yield Finding(
            part="data folder",
            state="broken",
            detail=f"{data} is not a folder",
            mend='start "footfall up" once, or name the right one with --data',
        )
        return
    writable = os.access(data, os.W_OK)
    yield Finding(
        part="data folder",
        state="ok" if writable else "broken",
        detail=f"{data.resolve()} {'can' if writable else 'cannot'} be written",
        mend="" if writable else f"give the user that runs footfall write permission on {data}",
    )
    free = shutil.disk_usage(data).free
    low = free < settings.log.min_free_bytes
    yield Finding(
        part="disk",
        state="broken" if low else "ok",
        detail=f"{free / 1e9:.1f} GB free",
        mend="free some room: below log.min_free_bytes the collector answers 503" if low else "",
    )


def check_keys(data: Path) -> Iterator[Finding]:
    """Whether the keys are there and only their owner can read them."""
    folder = data / "keys"
    if not folder.is_dir():
        return
    loose = [
        path.name
        for path in folder.iterdir()
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    yield Finding(
        part="keys",
        state="warning" if loose else "ok",
        detail=f"others can read {', '.join(loose)}" if loose else "readable by their owner only",
        mend=f"chmod 600 {folder}/*" if loose else "",
    )


def check_logs(
    logs: Iterable[EventLog], positions: Mapping[str, int], settings: Settings, now: datetime
) -> Iterator[Finding]:
    """Whether each log can be read, how full it is, how far the loader has come, and what was lost.

    ``now`` is naive UTC.
    """
    names = set()
    for log in logs:
        names.add(log.name)
        try:
            behind, used = waiting(log, positions.get(log.name, 0)), log.size()
            lost = lost_counts([log], positions).get(log.name)
        except FootfallError as error:
            yield Finding(
                part=f"log {log.name}",
                state="broken",
                detail=str(error),
                mend="look at its permissions and the disk's health; keep it, events are in it",
            )
            continue
        share = used / settings.log.max_bytes
        yield Finding(
            part=f"log {log.name}",
            state="warning" if share > NEARLY_FULL else "ok",
            detail=f"{used / 1e6:.1f} MB ({share:.0%} of its limit), {behind:,} events not loaded yet",
            mend="see whether the loader is running and without errors" if share > NEARLY_FULL else "",
        )
        if lost:
            yield _lost(log.name, "was replaced", lost.total())
    for name, gone in lost_counts([], positions).items():
        if name not in names:
            yield _lost(name, "is gone", gone.total())
    latest = _micros(now) + AHEAD
    ahead = [name for name in sorted(names) if positions.get(name, 0) > latest]
    if ahead:
        yield Finding(
            part="clock",
            state="warning",
            detail=f"it was set back: the newest events of {', '.join(ahead)} are of a later time",
            mend="set it right, and delete no log file before: offsets of a new one begin at the time",
        )


def _lost(name: str, what: str, events: int) -> Finding:
    return Finding(
        part=f"log {name}",
        state="warning",
        detail=f"{name}'s file {what}; {events:,} events that it had counted are in the warehouse and "
        "its books, those of the lost file that were not loaded are gone",
        mend="nothing here: new events are loaded; see who or what deletes or restores files in log/",
    )


def _micros(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)


def check_books(ledger: Ledger) -> Iterator[Finding]:
    """Whether what came in equals what became of it."""
    for name, app in ledger.apps.items():
        counted = f"{app.received:,} received = {app.stored:,} stored + {app.duplicate:,} duplicate"
        yield Finding(
            part=f"books of {name}",
            state="ok" if app.balanced else "broken",
            detail=f"{counted} + {app.rejected:,} rejected, {app.pending:,} pending",
            mend=""
            if app.balanced
            else "keep the data folder as it is and report this: it must never happen",
        )


def check_lake(settings: Settings) -> Iterator[Finding]:
    """Whether the lake is there."""
    if not settings.lake.enabled:
        yield Finding(part="lake", state="ok", detail="switched off (lake.enabled)")
        return
    files = list((settings.data / "lake" / "events").glob("year=*/month=*/day=*/hour=*/*.parquet"))
    size = sum(path.stat().st_size for path in files)
    yield Finding(part="lake", state="ok", detail=f"{len(files):,} Parquet files, {size / 1e6:.1f} MB")


def check_jobs(jobs: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Whether the last run of each job by the clock went well; jobs as ``services.jobs`` tells them."""
    for job in jobs:
        last = job["last"]
        bad = last is not None and last["state"] in ("failed", "timed_out")
        yield Finding(
            part=f"job {job['name']}",
            state="warning" if bad else "ok",
            detail=f"last run: {last['state']}, due {last['due_at']}" if last else "never run yet",
            mend=f'"footfall schedule show {job["name"]}" says why' if bad else "",
        )
