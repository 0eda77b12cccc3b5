"""The books: what came in against what became of it, per app.

The two sides are counted apart: ``received`` by the logs and the imports, the rest by the
warehouse's transactions. That they agree is the proof that nothing was lost.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from footfall.core.record import Offset
from footfall.ports import Books, EventLog, Warehouse

__all__ = ["AppBooks", "Ledger", "read_ledger"]


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
    positions, books = warehouse.standing()
    received: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for log in logs:
        read = log.received(Offset(positions.get(log.name, 0)))
        received.update(read)
        waiting.update(log.received(log.end()))
        waiting.subtract(read)
    received.update(_imported(positions))
    kept = {str(app): entry for app, entry in books.items()}
    none = Books()
    apps = {
        app: AppBooks(
            received=received[app],
            pending=waiting[app],
            stored=kept.get(app, none).stored,
            duplicate=kept.get(app, none).duplicate,
            rejected=kept.get(app, none).rejected,
        )
        for app in sorted({*received, *waiting, *kept})
    }
    return Ledger(
        apps=apps,
        **{
            name: sum(getattr(app, name) for app in apps.values())
            for name in ("received", "stored", "duplicate", "rejected", "pending")
        },
    )


def _imported(positions: Mapping[str, int]) -> Counter[str]:
    """Count the lines that imports have read: sources named ``lines:<app>:<identity>``."""
    counted: Counter[str] = Counter()
    for source, lines in positions.items():
        if source.startswith("lines:"):
            counted[source.split(":")[1]] += lines
    return counted
