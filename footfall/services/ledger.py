"""The books: what came in against what became of it, per app.

The two sides are counted apart: ``received`` by the logs and the imports, the rest by the
warehouse's transactions. That they agree is the proof that nothing was lost.

Each of the loader's commits also keeps what the logs have counted up to its read position. So the
count outlives a log file that is deleted, or put back from an older copy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from footfall.core.record import AppId, Logged, Offset
from footfall.ports import Books, EventLog, Warehouse

__all__ = ["AppBooks", "Ledger", "counts_read", "lost_counts", "read_ledger", "waiting"]

COUNTS = "read:"


class AppBooks(Struct, frozen=True, kw_only=True):
    """One app's books, in events; ``pending`` are in the log and not yet read by the loader."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    rejected: int = 0
    pending: int = 0

    @property
    def balanced(self) -> bool:
        """Whether each received event is accounted for once."""
        return self.received == self.stored + self.duplicate + self.rejected


class Ledger(AppBooks, frozen=True, kw_only=True):
    """The books of all apps, and of each."""

    apps: dict[str, AppBooks] = {}


def read_ledger(logs: Iterable[EventLog], warehouse: Warehouse) -> Ledger:
    """Return the books as of one commit of the warehouse.

    ``received`` counts up to the read position that this commit reached; what lies behind it in
    the logs is ``pending``.
    """
    logs = list(logs)
    positions, books = warehouse.standing()
    received: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    for log in logs:
        read = log.received(Offset(positions.get(log.name, 0)))
        received.update(read)
        pending.update(log.received(log.end()))
        pending.subtract(read)
    for lost in lost_counts(logs, positions).values():
        received.update(lost)
    received.update(_imported(positions))
    kept = {str(app): entry for app, entry in books.items()}
    none = Books()
    apps = {
        app: AppBooks(
            received=received[app],
            pending=pending[app],
            stored=kept.get(app, none).stored,
            duplicate=kept.get(app, none).duplicate,
            rejected=kept.get(app, none).rejected,
        )
        for app in sorted({*received, *pending, *kept})
    }
    return Ledger(
        apps=apps,
        **{
            name: sum(getattr(app, name) for app in apps.values())
            for name in ("received", "stored", "duplicate", "rejected", "pending")
        },
    )


def counts_read(log: EventLog, read: Sequence[Logged], positions: Mapping[str, int]) -> dict[str, int]:
    """Return what a commit that reads these records keeps of the log's counts, as further positions.

    ``positions`` are those before it. The counts grow by what was read, so they go on where a lost
    file's ended.
    """
    events: Counter[AppId] = Counter()
    for entry in read:
        events[entry.record.app_id] += entry.record.count
    counts: dict[str, int] = {}
    for app, count in events.items():
        name = f"{COUNTS}{log.name}:{app}"
        if name not in positions:  # a new app, or one from before these counts were kept
            before = log.received(Offset(positions.get(log.name, 0)))
            counts[name] = before.get(app, 0) + count
        else:
            counts[name] = positions[name] + count
    return counts


def waiting(log: EventLog, position: int) -> int:
    """Return how many events of the log lie behind a read position."""
    return sum(log.received(log.end()).values()) - sum(log.received(Offset(position)).values())


def lost_counts(logs: Iterable[EventLog], positions: Mapping[str, int]) -> dict[str, Counter[str]]:
    """Return, by log and app, the events that were read and that no file here has counted.

    Their file was deleted, or an older copy was put back; a log whose file counted all that was
    read of it is left out.
    """
    kept: dict[str, Counter[str]] = {}
    for source, count in positions.items():
        if source.startswith(COUNTS):
            _, log_name, app = source.split(":", 2)
            kept.setdefault(log_name, Counter())[app] = count
    for log in logs:
        if log.name in kept:
            kept[log.name] -= Counter(log.received(Offset(positions.get(log.name, 0))))
    return {name: lost for name, lost in kept.items() if lost}


def _imported(positions: Mapping[str, int]) -> Counter[str]:
    """Count the lines that imports have read: sources named ``lines:<app>:<identity>``."""
    counted: Counter[str] = Counter()
    for source, lines in positions.items():
        if source.startswith("lines:"):
            counted[source.split(":")[1]] += lines
    return counted
