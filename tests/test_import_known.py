"""What is known is not opened: unchanged, grown, rotated, shared sources; a state lost or wrong."""

import gzip
import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.sqlite_import_state import SqliteImportState
from footfall.errors import ImportOvertaken, StateFailed
from footfall.ports import SourceRecord
from footfall.services.imports import group as import_group
from footfall.services.imports.files import import_files
from footfall.services.imports.memory import LEASE, ImportMemory
from footfall.services.imports.sources import Source, find_sources
from tests.importing import NOW, bring_in, count, rules_of, select

LINE = '192.0.2.{0} - - [17/May/2015:10:{1:02}:03 +0000] "GET /f{2}.pdf HTTP/1.1" 200 {2} "-" "Agent"\n'
Find = Callable[[str, Sequence[str]], Sequence[Source]]


def log(number: int, first: int = 0) -> bytes:
    return b"".join(LINE.format(n % 250, n % 60, n).encode() for n in range(first, first + number))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteImportState]:
    opened = SqliteImportState(tmp_path / "imports.sqlite")
    yield opened
    opened.close()


class Counted(io.FileIO):
    """A file that adds up what is read of it."""

    def __init__(self, path: str, reads: list[int]) -> None:
        super().__init__(path)
        self._reads = reads

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) or b""
        self._reads.append(len(data))
        return data


def counting(reads: list[int]) -> Find:
    """Find files whose reads are added up in bytes."""

    def opened(path: str) -> IO[bytes]:
        return Counted(path, reads)  # type: ignore[return-value]

    def find(format: str, paths: Sequence[str]) -> Sequence[Source]:
        return [
            replace(source, opened=lambda path=source.name: opened(path))
            for source in find_sources(format, paths)
        ]

    return find


def test_an_unchanged_file_is_not_opened(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path, reads = tmp_path / "a.log", list[int]()
    path.write_bytes(log(50))
    assert bring_in(warehouse, "combined", path, state=state).stored == 50
    again = bring_in(warehouse, "combined", path, state=state, find=counting(reads))
    assert (again.lines, again.skipped_files, reads) == (0, 1, [])
    assert bring_in(warehouse, "combined", path, app="shop", state=state).stored == 50


def test_a_grown_file_is_read_on_from_its_end(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(60_000))
    bring_in(warehouse, "combined", path, state=state)
    for first in (60_000, 60_100, 60_200):
        with path.open("ab") as file:
            file.write(log(100, first))
        reads: list[int] = []
        outcome = bring_in(warehouse, "combined", path, state=state, find=counting(reads))
        assert (outcome.lines, outcome.stored) == (100, 100)
        assert sum(reads) < path.stat().st_size // 10
    [known] = state.entries()
    assert (known.state, known.lines, known.line) == ("done", 100, 60_301)
    with path.open("ab") as file:
        file.write(b"broken\n")
    assert bring_in(warehouse, "combined", path, state=state).rejected == 1
    assert warehouse.rejected()[0].reasons[0].startswith("line 60301 of a.log: ")


def test_a_log_read_on_is_known_by_its_content_too(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    """The chain of positions is followed from the first byte when nothing else is known."""
    path = tmp_path / "a.log"
    for first in range(0, 500, 100):
        with path.open("ab") as file:
            file.write(log(100, first))
        assert bring_in(warehouse, "combined", path, state=state).stored == 100
    packed = tmp_path / "a.log.gz"
    packed.write_bytes(gzip.compress(log(500)))
    assert bring_in(warehouse, "combined", packed).lines == 0
    packed.write_bytes(gzip.compress(log(520)))
    assert bring_in(warehouse, "combined", packed).stored == 20
    assert bring_in(warehouse, "combined", path).lines == 0
    (tmp_path / "other.log").write_bytes(log(450) + log(50, 900))
    assert bring_in(warehouse, "combined", tmp_path / "other.log").stored == 100  # from byte 400 on


def test_a_state_that_was_deleted_doubles_nothing(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(50))
    bring_in(warehouse, "combined", path, state=state)
    new = SqliteImportState(tmp_path / "new.sqlite")
    path.write_bytes(log(70))
    assert bring_in(warehouse, "combined", path, state=new).stored == 20
    assert [record.lines for record in new.entries()] == [20]
    new.close()


def test_a_new_warehouse_beside_an_old_state_is_filled_again(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(50))
    bring_in(warehouse, "combined", path, state=state)
    other = DuckDBWarehouse(tmp_path / "restored")
    assert bring_in(other, "combined", path, state=state).stored == 50
    other.close()


def test_bytes_that_changed_in_place_are_compared(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(50))
    bring_in(warehouse, "combined", path, state=state)
    os.utime(path)
    assert bring_in(warehouse, "combined", path, state=state).lines == 0
    with path.open("r+b") as file:
        file.write(log(50, 100)[: path.stat().st_size])
    os.utime(path, ns=(1, 1))
    assert bring_in(warehouse, "combined", path, state=state).lines > 40


def test_rotation_and_packing_read_nothing_twice(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    path = logs / "access.log"

    def imported() -> int:
        return bring_in(warehouse, "combined", logs, state=state).lines

    path.write_bytes(log(100))
    assert imported() == 100
    with path.open("ab") as file:
        file.write(log(10, 100))
    path.rename(logs / "access.log.1")
    path.write_bytes(log(30, 200))
    assert imported() == 40
    (logs / "access.log.2.gz").write_bytes(gzip.compress((logs / "access.log.1").read_bytes()))
    (logs / "access.log.1").unlink()
    path.rename(logs / "access.log.1")
    path.write_bytes(log(5, 300))
    assert imported() == 5
    shutil.copy(path, logs / "access.log.3")  # copytruncate
    os.truncate(path, 0)
    with path.open("ab") as file:
        file.write(log(200, 400))
    assert imported() == 200
    assert imported() == 0
    assert select(warehouse, "count(*), count(distinct object)", "1") == [(345, 345)]


OPERATIONS = st.lists(
    st.sampled_from(["append", "rotate", "copytruncate", "pack", "forget", "import", "touch", "partial"]),
    max_size=14,
)


@settings(max_examples=12)
@given(OPERATIONS)
def test_every_line_counts_once_whatever_happens_to_the_files(
    tmp_path_factory: pytest.TempPathFactory, operations: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("property")
    logs, written = folder / "logs", 0
    logs.mkdir()
    path = logs / "access.log"
    path.touch()
    store = DuckDBWarehouse(folder / "data")
    state = SqliteImportState(folder / "0.sqlite")
    for number, operation in enumerate([*operations, "append", "import"]):
        last = path.read_bytes()
        if operation == "append":
            with path.open("ab") as file:
                whole = log(1, written)[-40:] if last and not last.endswith(b"\n") else b""
                written += bool(whole)
                file.write(whole + log(7, written))
                written += 7
        elif operation == "partial" and last.endswith(b"\n"):
            with path.open("ab") as file:
                file.write(log(1, written)[:-40])
        elif operation == "rotate" and last.endswith(b"\n"):
            path.rename(logs / f"access.log.{number}")
            path.touch()
        elif operation == "copytruncate" and last.endswith(b"\n"):
            shutil.copy(path, logs / f"access.log.{number}")
            os.truncate(path, 0)
        elif operation == "pack":
            for old in [each for each in logs.iterdir() if each.suffix not in {".log", ".gz"}][:1]:
                (logs / f"{old.name}.gz").write_bytes(gzip.compress(old.read_bytes()))
                old.unlink()
        elif operation == "forget":
            state.close()
            state = SqliteImportState(folder / f"{number + 1}.sqlite")
        elif operation == "touch":
            os.utime(path)
        elif operation == "import":
            growing: Find = lambda format, paths: find_sources(format, paths, growing=True)  # noqa: E731
            bring_in(store, "combined", logs, state=state, find=growing)
    assert select(store, "count(*), count(distinct object)", "1") == [(written, written)]
    assert store.rejected() == []
    state.close()
    store.close()


def test_two_installations_that_share_a_state_share_the_work(
    tmp_path: Path, state: SqliteImportState
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for number in range(40):
        (logs / f"{number:02}.log").write_bytes(log(10, number * 10))
    stores = {name: DuckDBWarehouse(tmp_path / name) for name in ("one", "two")}
    both = [
        threading.Thread(target=import_in_part, args=(stores[name], name, logs, state)) for name in stores
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    objects = [row[0] for store in stores.values() for row in select(store, "object")]
    assert sorted(objects) == sorted(f"/f{number}.pdf" for number in range(400))
    for store in stores.values():
        store.close()


def import_in_part(store: DuckDBWarehouse, owner: str, logs: Path, state: SqliteImportState) -> None:
    for half in ("[0-1]*", "[2-3]*"):
        bring_in(store, "combined", logs / f"{half}.log", state=state, owner=owner)


def test_what_another_has_begun_is_left_until_its_lease_ends(
    tmp_path: Path, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(50))
    [source] = find_sources("combined", [str(path)])
    now = NOW.replace(tzinfo=None)
    theirs = SourceRecord(rules_of().app_id, source.key, "a", source.version, source.size, "two", now)
    [begun] = state.claim([theirs], now + LEASE)
    outcome = bring_in(warehouse, "combined", path, state=state)
    assert (outcome.lines, outcome.skipped_files) == (0, 1)
    assert "read by another installation" in outcome.notes[0]
    state.renew([begun], now)
    assert bring_in(warehouse, "combined", path, state=state).stored == 50
    assert state.settle([replace(begun, state="done")]) == []


def test_who_was_overtaken_stores_nothing_more(
    tmp_path: Path,
    warehouse: DuckDBWarehouse,
    state: SqliteImportState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Halted for longer than its lease, while another took the source."""
    monkeypatch.setattr(import_group, "GROUP_ROWS", 10)
    path = tmp_path / "a.log"
    path.write_bytes(log(50))
    times = iter([NOW, NOW, NOW, *[NOW + LEASE * 2] * 99])

    def find(format: str, paths: Sequence[str]) -> Sequence[Source]:
        [source] = find_sources(format, paths)

        def opened() -> IO[bytes]:
            [mine] = state.look(rules_of().app_id, ["s3://bucket/a.log"]).values()
            later = NOW.replace(tzinfo=None) + LEASE * 2
            if mine.owner == "one":
                assert state.claim([replace(mine, owner="two", at=later)], later + LEASE)
            return path.open("rb")

        return [replace(source, opened=opened, key="s3://bucket/a.log")]

    with pytest.raises(ImportOvertaken, match=r"a\.log"):
        import_files(
            "combined",
            [str(path)],
            rules_of(),
            warehouse=warehouse,
            clock=lambda: NOW,
            find=find,
            memory=ImportMemory(state, "one", rules_of().app_id, lambda: next(times)),
        )
    assert count(warehouse) == 0


def test_a_state_that_fails_is_told_and_loses_nothing(
    tmp_path: Path,
    warehouse: DuckDBWarehouse,
    state: SqliteImportState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: Sequence[SourceRecord]) -> NoReturn:
        raise StateFailed(place="here", cause="no", hint="Mend it")

    monkeypatch.setattr(state, "settle", fail)
    (tmp_path / "a.log").write_bytes(log(5))
    with pytest.raises(StateFailed):
        bring_in(warehouse, "combined", tmp_path / "a.log", state=state)
    assert count(warehouse) == 5
    assert bring_in(warehouse, "combined", tmp_path / "a.log").lines == 0
