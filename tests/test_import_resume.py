"""Known again by content: killed, grown, renamed, packed and repeated files; blocks of bounded size."""

import gzip
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.errors import BadSource
from footfall.services.imports import blocks as import_blocks
from footfall.services.imports.blocks import blocks, find_start, known_content
from footfall.services.imports.files import Progress
from tests.importing import bring_in, count, select

LINE = '192.0.2.{0} - - [17/May/2015:10:{1:02}:03 +0000] "GET /f{2}.pdf HTTP/1.1" 200 {2} "-" "Agent {0}"'


def log(number: int, first: int = 0) -> bytes:
    return b"".join(LINE.format(n % 250, n % 60, n).encode() + b"\n" for n in range(first, first + number))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


def test_the_same_bytes_add_nothing_under_any_name(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    data = log(50)
    (tmp_path / "a.log").write_bytes(data)
    (tmp_path / "b.log").write_bytes(data)
    (tmp_path / "a.log.gz").write_bytes(gzip.compress(data[:300]) + gzip.compress(data[300:]))
    with pa.CompressedOutputStream(str(tmp_path / "a.log.zst"), "zstd") as stream:
        stream.write(data)
    assert bring_in(warehouse, "combined", tmp_path / "a.log").stored == 50
    for name in ("a.log", "b.log", "a.log.gz", "a.log.zst", "*.log*"):
        outcome = bring_in(warehouse, "combined", tmp_path / name)
        assert (outcome.lines, outcome.files, outcome.skipped_files > 0) == (0, 0, True)
    assert bring_in(warehouse, "combined", tmp_path / "a.log", app="shop").stored == 50


def test_the_same_content_twice_in_one_call_is_one(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    (tmp_path / "logs" / "old").mkdir(parents=True)
    (tmp_path / "logs" / "a.log").write_bytes(log(20))
    (tmp_path / "logs" / "old" / "b.log.gz").write_bytes(gzip.compress(log(20)))
    (tmp_path / "logs" / ".hidden").write_bytes(log(20, first=90))
    (tmp_path / "logs" / "README").write_text("what these are\n")
    outcome = bring_in(warehouse, "combined", tmp_path / "logs")
    assert (outcome.files, outcome.lines, outcome.skipped_files) == (1, 20, 2)
    assert "README was passed over" in outcome.notes[0]


def test_a_grown_file_gives_its_new_lines_only(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(log(30))
    bring_in(warehouse, "combined", path)
    path.write_bytes(log(30) + log(12, first=30) + b"broken\n")
    outcome = bring_in(warehouse, "combined", path)
    assert (outcome.lines, outcome.stored, outcome.rejected) == (13, 12, 1)
    assert warehouse.rejected()[0].reasons[0].startswith("line 43 of a.log: ")


def test_a_file_with_the_same_head_is_another_file(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    (tmp_path / "a.log").write_bytes(log(30))
    (tmp_path / "b.log").write_bytes(log(10) + log(25, first=100))
    bring_in(warehouse, "combined", tmp_path / "a.log")
    assert bring_in(warehouse, "combined", tmp_path / "b.log").stored == 35


def test_equal_rows_of_different_files_all_count(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    for name, last in (("a.csv", "x"), ("b.csv", "y")):
        (tmp_path / name).write_text(f"element,time_spent\nsame,1\nsame,1\n{last},2\n")
        assert bring_in(warehouse, "csv", tmp_path / name).stored == 3


def test_a_line_cut_at_the_end_of_the_file_is_finished_later(
    tmp_path: Path, warehouse: DuckDBWarehouse
) -> None:
    path, data = tmp_path / "a.log", log(3)
    path.write_bytes(data[:-60])
    assert bring_in(warehouse, "combined", path).rejected == 1
    path.write_bytes(data)
    outcome = bring_in(warehouse, "combined", path)
    assert (outcome.lines, outcome.stored) == (1, 1)
    path.write_bytes(data + data[:-1])
    assert bring_in(warehouse, "combined", path).stored == 3
    path.write_bytes(data + data)
    assert bring_in(warehouse, "combined", path).lines == 0
    assert count(warehouse) == 6


def test_damage_is_an_error_that_keeps_what_was_read(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = tmp_path / "a.log.gz"
    good = log(40_000)
    packed = gzip.compress(good)
    path.write_bytes(packed[: len(packed) * 3 // 4])
    with pytest.raises(BadSource, match="cannot be read to its end"):
        bring_in(warehouse, "combined", path)
    before = count(warehouse)
    assert before > 0
    path.write_bytes(packed)
    assert bring_in(warehouse, "combined", path).stored == 40_000 - before


def test_lines_above_the_limit_are_rejected_and_the_rest_goes_on(
    tmp_path: Path, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_blocks, "LINE_BYTES", 400)
    monkeypatch.setattr(import_blocks, "BLOCK_BYTES", 1_000)
    path = tmp_path / "a.log"
    path.write_bytes(
        log(5) + b"x" * 700 + b"\n" + log(5, first=5) + b"y" * 9_000 + b"\n" + log(5, first=10)
    )
    outcome = bring_in(warehouse, "combined", path)
    assert (outcome.lines, outcome.stored, outcome.rejected) == (17, 15, 2)
    numbers = sorted(event.reasons[0].partition(" of")[0] for event in warehouse.rejected())
    assert numbers == ["line 12", "line 6"]
    assert bring_in(warehouse, "combined", path).lines == 0


def test_progress_ends_at_the_whole(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    seen: list[Progress] = []
    (tmp_path / "a.log").write_bytes(log(30))
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(log(30, first=30)))
    bring_in(warehouse, "combined", tmp_path / "a.log", tmp_path / "b.log.gz", seen=seen)
    assert seen[-1].bytes_done == seen[-1].bytes_total
    assert (seen[-1].files_done, seen[-1].files_total, seen[-1].lines) == (2, 2, 60)
    assert [each.bytes_done for each in seen] == sorted(each.bytes_done for each in seen)


def test_two_imports_at_once_count_each_line_once(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    (tmp_path / "a.log").write_bytes(log(3_000))
    both = [
        threading.Thread(target=bring_in, args=(warehouse, "combined", tmp_path / "a.log"))
        for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert count(warehouse) == 3_000
    assert warehouse.books()["default"].duplicate == 0  # type: ignore[index]


IMPORTER = """
import sys
from pathlib import Path
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.services.imports import blocks as import_blocks, group as import_group
from tests.importing import bring_in

class Shown(list):
    def append(self, progress):
        print(progress.lines, flush=True)

import_blocks.BLOCK_BYTES, import_blocks.LINE_BYTES = 100_000, 10_000
import_group.GROUP_ROWS = 500
store = DuckDBWarehouse(Path(sys.argv[1]))
bring_in(store, "combined", sys.argv[2], seen=Shown())
store.close()
"""


@pytest.mark.crash
def test_kill_9_half_way_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed after its second block, after its fourth behind that, then left to finish."""
    path, data = tmp_path / "a.log", tmp_path / "data"
    path.write_bytes(log(20_000))
    for reports in (2, 4, None):
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(data), str(path)],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout:
            if reports is None:
                lines = [int(line) for line in process.stdout]
                assert process.wait() == 0
                assert 0 < lines[-1] < 20_000  # it went on, and did not begin again
            else:
                for _ in range(reports):
                    assert process.stdout.readline()
                process.kill()
                process.wait()
    store = DuckDBWarehouse(data)
    try:
        books = store.books()["default"]  # type: ignore[index]
        assert (books.stored, books.duplicate, books.rejected) == (20_000, 0, 0)
        assert select(store, "count(distinct object), sum(bytes)", "1") == [(20_000, sum(range(20_000)))]
        assert bring_in(store, "combined", path).lines == 0
    finally:
        store.close()


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30),
    st.integers(0, 900),
    st.integers(40, 200),
    st.booleans(),
)
def test_blocks_are_the_file_however_it_grew(lines: list[bytes], cut: int, size: int, ended: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    positions: dict[str, int] = {}
    read: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_blocks, "BLOCK_BYTES", size)
        patch.setattr(import_blocks, "LINE_BYTES", 38)
        for content in (data[: data.rfind(b"\n", 0, cut) + 1], data, data):
            start = find_start(io.BytesIO(content), "app", known_content(positions))
            stream = io.BytesIO(content)
            stream.seek(start.line_start)
            for block in blocks(stream, start):
                assert content[block.offset : block.end] == block.data
                assert block.line == content[: block.offset].count(b"\n") + 1
                assert len(block.data) <= size
                positions[block.position] = block.end
                read.append(block.data)
    assert b"".join(read) == data
