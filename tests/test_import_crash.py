"""Imports killed at random moments, ten times each: at the end the rows are exactly one import's."""

import gzip
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aws_emulator import aws_emulator, make_bucket

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.sqlite_import_state import SqliteImportState
from tests.importing import select

LINE = '192.0.2.{0} - - [17/May/2015:10:{1:02}:03 +0000] "GET /f{2}.pdf HTTP/1.1" 200 {2} "-" "Agent {0}"\n'
KILLS = 10
ROOT = Path(__file__).parents[1]

# Blocks and groups are small, so that there are many moments to be killed at; a report is a line.
IMPORTER = """
import sys
from pathlib import Path
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.s3_objects import S3Objects
from footfall.adapters.sqlite_import_state import SqliteImportState
from footfall.services.imports import blocks as import_blocks
from footfall.services.imports import bundle as import_bundle
from footfall.services.imports import group as import_group
from footfall.services.imports.sources import find_sources
from tests.importing import bring_in

class Shown(list):
    def append(self, progress):
        print(progress.lines, flush=True)

import_blocks.BLOCK_BYTES, import_blocks.LINE_BYTES = 60_000, 10_000
import_group.GROUP_ROWS, import_bundle.BUNDLE_BYTES = 800, 20_000
store = DuckDBWarehouse(Path(sys.argv[1]))
state = SqliteImportState(Path(sys.argv[1]) / "imports.sqlite")
find = lambda format, paths: find_sources(format, paths, S3Objects)
bring_in(store, "combined", sys.argv[2], seen=Shown(), state=state, find=find)
state.close()
store.close()
"""


def log(number: int, first: int = 0) -> bytes:
    return b"".join(LINE.format(n % 250, n % 60, n).encode() for n in range(first, first + number))


def killed_and_finished(data: Path, source: str) -> int:
    """Import again and again, killed at random until it has been ten times; return how often it was."""
    chance, killed = random.Random(7), 0  # noqa: S311
    while True:
        process = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, str(data), source],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env=os.environ.copy(),
        )
        assert process.stdout is not None
        with process.stdout:
            if killed < KILLS:
                for _ in range(chance.randrange(4)):
                    process.stdout.readline()
                time.sleep(chance.random() * 0.1)
                process.kill()
            process.stdout.read()
        code = process.wait()
        if code == 0:
            return killed
        assert code == -9
        killed += 1


def holds_exactly(data: Path, lines: int) -> None:
    store = DuckDBWarehouse(data)
    state = SqliteImportState(data / "imports.sqlite")
    try:
        books = store.books()["default"]  # type: ignore[index]
        assert (books.stored, books.duplicate, books.rejected) == (lines, 0, 0)
        whole = [(lines, sum(range(lines)))]
        assert select(store, "count(distinct object), sum(bytes)", "1") == whole
        assert {record.state for record in state.entries(10_000)} == {"done"}
    finally:
        state.close()
        store.close()


@pytest.mark.crash
def test_files_killed_ten_times(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.log").write_bytes(log(12_000))
    (logs / "b.log.gz").write_bytes(gzip.compress(log(6_000, 12_000)))
    for number in range(40):
        (logs / f"c{number:02}.log").write_bytes(log(50, 18_000 + 50 * number))
    assert killed_and_finished(tmp_path / "data", str(logs)) == KILLS
    holds_exactly(tmp_path / "data", 20_000)


@pytest.fixture
def bucket() -> Iterator[str]:
    with aws_emulator():
        client = make_bucket("logs")
        client.put_object(Bucket="logs", Key="a.log", Body=log(12_000))
        client.put_object(Bucket="logs", Key="b.log.gz", Body=gzip.compress(log(6_000, 12_000)))
        for number in range(40):
            client.put_object(Bucket="logs", Key=f"c{number:02}", Body=log(50, 18_000 + 50 * number))
        yield "s3://logs/"


@pytest.mark.crash
def test_objects_killed_ten_times(tmp_path: Path, bucket: str) -> None:
    assert killed_and_finished(tmp_path / "data", bucket) == KILLS
    holds_exactly(tmp_path / "data", 20_000)
