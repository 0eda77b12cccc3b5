"""The ImportState port: SQLite, and DynamoDB spoken over HTTP."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aws_emulator import aws_emulator

from footfall.adapters.dynamodb_import_state import DynamoDBImportState
from footfall.adapters.sqlite_import_state import SqliteImportState
from footfall.errors import StateFailed
from footfall.testing.import_state import ImportStateContract

_numbers = itertools.count(1)


class TestSqlite(ImportStateContract):
    @pytest.fixture
    def open_state(self, tmp_path: Path) -> Callable[[], SqliteImportState]:
        return lambda: SqliteImportState(tmp_path / "imports.sqlite")


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.mark.usefixtures("aws")
class TestDynamoDB(ImportStateContract):
    @pytest.fixture
    def open_state(self) -> Callable[[], DynamoDBImportState]:
        table = f"imports-{next(_numbers)}"
        return lambda: DynamoDBImportState(table)


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "imports.sqlite"
    path.write_bytes(b"no database at all, of any kind" * 100)
    with pytest.raises(StateFailed, match="It may be deleted"):
        SqliteImportState(path)
