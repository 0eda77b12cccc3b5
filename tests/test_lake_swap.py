"""Partitions are replaced as a whole: a reader sees the old or the new one, never half of each."""

import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from footfall.adapters.lake_folder import LakeSwap
from footfall.errors import StoreFailed

HOUR = "events/year=2026/month=03/day=01/hour=07"


def put(lake: Path, job: str, value: int, parts: int, *, gone: tuple[str, ...] = ()) -> None:
    """Replace the hour by ``parts`` files of one row each, all with the same value."""
    swap = LakeSwap(lake, job, grace=0.02)
    files = []
    for part in range(parts):
        path = f"{swap.staging}/any-{part}"
        pq.write_table(pa.table({"value": [value], "parts": [parts]}), path)
        files.append(path)
    swap.commit({HOUR: files} if parts else {}, gone)
    swap.close()


def seen(lake: Path) -> tuple[list[int], int]:
    """Read as most programs do: list, then open. Raises FileNotFoundError when it was too late."""
    rows = [pq.read_table(path).to_pylist()[0] for path in sorted((lake / HOUR).glob("*.parquet"))]
    return [row["value"] for row in rows], rows[0]["parts"]


def names(lake: Path) -> list[str]:
    return sorted(path.name for path in (lake / HOUR).iterdir())


def test_names_are_never_those_that_stood_there(tmp_path: Path) -> None:
    put(tmp_path, "a", 1, 2)
    assert names(tmp_path) == ["part-00000.parquet", "part-00001.parquet"]
    put(tmp_path, "b", 2, 3)
    assert names(tmp_path) == ["part-00002.parquet", "part-00003.parquet", "part-00004.parquet"]
    put(tmp_path, "c", 3, 1)
    assert names(tmp_path) == ["part-00005.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events"]


def test_a_reader_beside_it_never_sees_half(tmp_path: Path) -> None:
    put(tmp_path, "first", 0, 3)
    done = threading.Event()
    wrong: list[object] = []
    reads = 0

    def look() -> None:
        nonlocal reads
        while not done.is_set():
            try:
                values, parts = seen(tmp_path)
            except FileNotFoundError:
                continue  # the files went between the listing and the reading: it is told, and reads again
            reads += 1
            if len(set(values)) != 1 or len(values) != parts:
                wrong.append((values, parts))

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(1, 150):
        put(tmp_path, f"job-{number}", number, 1 + number % 4)
    done.set()
    reader.join()
    assert not wrong
    assert reads > 10


def test_an_hour_without_rows_goes(tmp_path: Path) -> None:
    put(tmp_path, "a", 1, 2)
    put(tmp_path, "b", 2, 0, gone=(HOUR, "events/year=2026/month=03/day=01/hour=08"))
    assert not (tmp_path / HOUR).exists()


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where the folder should be")
    with pytest.raises(StoreFailed, match="The lake"):
        LakeSwap(tmp_path / "lake", "a")
