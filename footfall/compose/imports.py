"""The imports of one data folder: where objects come from, and what is remembered of sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from threading import Lock
from typing import Any

from footfall.adapters.s3_objects import S3Objects
from footfall.adapters.sqlite_import_state import SqliteImportState
from footfall.compose.clock import utc_now
from footfall.core.record import AppId
from footfall.ports import ImportState, SourceRecord, Warehouse
from footfall.services.imports.files import ImportRules, import_files
from footfall.services.imports.memory import ImportMemory
from footfall.services.imports.sources import find_sources
from footfall.settings import Settings

__all__ = ["Imports"]


class Imports:
    """Imports into ``warehouse``; any thread may call. ``owner`` names this installation.

    The state is kept in the data folder, or in the DynamoDB table ``aws.state_table``, which other
    installations may share.
    """

    def __init__(
        self,
        settings: Settings,
        warehouse: Warehouse,
        owner: str,
        rules_of: Callable[[AppId], ImportRules],
    ) -> None:
        self._settings, self._warehouse = settings, warehouse
        self._owner, self._rules_of = owner, rules_of
        self._lock = Lock()
        self._state: ImportState | None = None
        self._stores: dict[str, S3Objects] = {}

    def run(
        self,
        format: str,
        paths: Sequence[str],
        app: str,
        on_progress: Callable[[Mapping[str, Any]], None],
        *,
        growing: bool = False,
    ) -> Mapping[str, Any]:
        """Import as ``services.imports.files`` says; return the outcome.

        Of files that are ``growing`` the unfinished last line is left for later.
        """
        app_id = AppId(app)
        outcome = import_files(
            format,
            paths,
            self._rules_of(app_id),
            warehouse=self._warehouse,
            clock=utc_now,
            on_progress=lambda progress: on_progress(asdict(progress)),
            find=partial(find_sources, open_store=self._store, growing=growing),
            memory=ImportMemory(self._opened_state(), self._owner, app_id, utc_now),
        )
        return asdict(outcome)

    def entries(self, limit: int = 100, app: str | None = None) -> Sequence[SourceRecord]:
        """Return what was imported, newest first. Raises StateFailed."""
        return self._opened_state().entries(limit, AppId(app) if app else None)

    def close(self) -> None:
        """Release files and connections."""
        if self._state is not None:
            self._state.close()
        for store in self._stores.values():
            store.close()

    def _opened_state(self) -> ImportState:
        with self._lock:
            if self._state is None:
                self._state = _open_state(self._settings)
            return self._state

    def _store(self, bucket: str) -> S3Objects:
        with self._lock:
            if bucket not in self._stores:
                self._stores[bucket] = S3Objects(bucket)
            return self._stores[bucket]


def _open_state(settings: Settings) -> ImportState:
    if not settings.aws.state_table:
        return SqliteImportState(settings.data / "imports.sqlite")
    from footfall.adapters.dynamodb_import_state import DynamoDBImportState  # needs an extra

    return DynamoDBImportState(settings.aws.state_table)
