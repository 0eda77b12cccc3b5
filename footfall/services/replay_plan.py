"""Which part of the raw archive a job over some hours must read, and whether all of it is there."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar

from footfall.core.duplicates import REPEAT_WINDOW
from footfall.core.record import Logged
from footfall.errors import NotFound

__all__ = ["blocks_for", "gathered", "in_tasks"]

BATCH_EVENTS = 20_000

AHEAD = timedelta(minutes=1)
"""How far a client's clock may run ahead of the receipt (``core.enrich.clock``)."""

TASK_BYTES = 8 << 20  # of packed blocks; some 200,000 events


class RawBlock(Protocol):
    """A block of the archive, as far as a plan needs it."""

    @property
    def day(self) -> date:
        """The day of receipt."""
        ...

    @property
    def size(self) -> int:
        """Its bytes."""
        ...


Block = TypeVar("Block", bound=RawBlock)


def blocks_for(
    blocks: Sequence[Block],
    start: datetime | None,
    end: datetime | None,
    *,
    late_days: int | None = None,
    gaps: bool = False,
) -> list[Block]:
    """Return the blocks that may hold, or tell something of, events created in [start, end).

    Those are the days from a week before (what is a repeat, and where a session began, is known from
    them) to the archive's end, for late events come any time after; ``late_days`` bounds that. Raises
    NotFound when a day of the stretch itself has no block, unless ``gaps`` are expected.
    """
    if start is not None and end is not None and not gaps:
        _check_days({block.day for block in blocks}, start, end)
    first = (start - REPEAT_WINDOW).date() if start else date.min
    last = (end + timedelta(days=late_days)).date() if end and late_days is not None else date.max
    return [block for block in blocks if first <= block.day <= last]


def in_tasks(blocks: Sequence[RawBlock], cores: int) -> int:
    """Return over how many tasks the blocks are spread."""
    size = sum(block.size for block in blocks)
    return max(1, min(len(blocks), max(cores * 2, -(-size // TASK_BYTES))))


def _check_days(there: set[date], start: datetime, end: datetime) -> None:
    days = ((end - timedelta(microseconds=1)).date() - start.date()).days + 1
    absent = [day for n in range(days) if (day := start.date() + timedelta(days=n)) not in there]
    if absent:
        raise NotFound(
            what="day in the raw archive",
            name=", ".join(map(str, absent[:10])) + (" ..." if len(absent) > 10 else ""),
            hint="Put its blocks back, or say --gaps when nothing was received then",
        )


def gathered(records: Iterable[Logged]) -> Iterator[list[Logged]]:
    """Gather raw records to batches of events that are worth a call."""
    held: list[Logged] = []
    events = 0
    for record in records:
        held.append(record)
        events += record.record.count
        if events >= BATCH_EVENTS:
            yield held
            held, events = [], 0
    if held:
        yield held
