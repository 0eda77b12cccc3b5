"""What the import tests share: an import into a real warehouse, and its books checked each time."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from footfall.core.record import AppId
from footfall.core.scrub import plan_for
from footfall.ports import ImportState, Warehouse
from footfall.services.imports.files import Imported, ImportRules, Progress, import_files
from footfall.services.imports.memory import ImportMemory
from footfall.services.imports.sources import Source, find_sources
from footfall.services.ledger import read_ledger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def salt_of(day: date) -> bytes:
    return blake2b(day.isoformat().encode()).digest()


def rules_of(app: str = "default") -> ImportRules:
    return ImportRules(AppId(app), plan_for({}, b"a key for tests"), salt_of, lambda _: None)


def bring_in(
    warehouse: Warehouse,
    format: str,
    *paths: Path | str,
    app: str = "default",
    seen: list[Progress] | None = None,
    state: ImportState | None = None,
    owner: str = "one",
    find: Callable[[str, Sequence[str]], Sequence[Source]] = find_sources,
) -> Imported:
    """Import, and hold the outcome and the ledger to their promises."""
    outcome = import_files(
        format,
        [str(path) for path in paths],
        rules_of(app),
        warehouse=warehouse,
        clock=lambda: NOW,
        on_progress=(lambda _: None) if seen is None else seen.append,
        find=find,
        memory=ImportMemory(state, owner, AppId(app), lambda: NOW),
    )
    assert outcome.lines == outcome.stored + outcome.duplicate + outcome.rejected
    assert all(books.balanced for books in read_ledger([], warehouse).apps.values())
    return outcome


def select(warehouse: Warehouse, columns: str, order: str = "event_id") -> list[tuple[Any, ...]]:
    return warehouse.query(f"select {columns} from events order by {order}").rows


def count(warehouse: Warehouse) -> int:
    return int(warehouse.query("select count(*) from events").rows[0][0])
