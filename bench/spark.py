"""Spark against the embedded loader's enrich step, and how a job grows with workers and with input.

    python -m bench spark
    python bench/spark.py [EVENTS]

Each worker is a process with one core and 640 MB (Spark's ``local-cluster``). Ratios are by processor
time, so that what else runs on the machine counts little; events a second by clock are there for the curve.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bench.loader import records
from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.raw_blocks import list_blocks, read_block
from footfall.apps.spark.replay import Replay, replay
from footfall.apps.spark.session import in_arrow, open_session
from footfall.core.decode import decode
from footfall.core.enrich import enrich

BLOCK_EVENTS = 20_000
KEY = b"k" * 32
NOW = datetime(2027, 1, 1, tzinfo=UTC).replace(tzinfo=None)
TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20
QUIET = {"spark.executor.memory": "640m", "spark.log.level": "OFF"}


def archive(folder: Path, events: int) -> Path:
    """Write a raw archive of so many events, one block after the other."""
    rng, made = np.random.default_rng(7), FolderArchive(folder)
    for first in range(0, events, BLOCK_EVENTS):
        made.write(records(first, BLOCK_EVENTS, rng))
    return folder


def embedded(raw: Path) -> float:
    """Return events a core-second of the embedded way over the archive: read, decode, enrich."""
    spent = 0.0
    events = 0
    for number, block in enumerate(list_blocks(str(raw))):
        since = time.process_time()
        read = list(read_block(block.place))
        rows = enrich(decode(read).rows, NOW)
        if number:  # the first fills the lookups' memory
            spent += time.process_time() - since
            events += len(rows)
    return events / spent


def enrich_only(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Do on an executor what ``embedded`` does, and hand the rows to Spark."""
    for batch in batches:
        for place in batch.column(0).to_pylist():
            yield from enrich(decode(list(read_block(place))).rows, NOW).select(["event_id"]).to_batches()


class Processes:
    """Processor seconds and memory of everything below this process, but not of itself."""

    def __init__(self) -> None:
        self.peak = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Processes":
        self._since = sum(seconds for seconds, _ in _below().values())
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        self.seconds = sum(seconds for seconds, _ in _below().values()) - self._since

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            self.peak = max([self.peak, *(memory for _, memory in _below().values() if memory)])


def _below() -> dict[int, tuple[float, int]]:
    """Return for each process below: processor seconds, ended children included, and a Python's memory."""
    stats = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = (
                entry.read_text().rpartition(")")[0],
                entry.read_text().rpartition(")")[2].split(),
            )
        except OSError:
            continue
        memory = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if "python" in name else 0
        stats[int(entry.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS, memory)
    below, found = {os.getpid()}, dict[int, tuple[float, int]]()
    while more := {pid for pid, (parent, _, _) in stats.items() if parent in below} - below:
        below |= more
        found |= {pid: stats[pid][1:] for pid in more}
    return found


class Done(NamedTuple):
    """Events a core-second, events a second by clock, and the largest Python's bytes."""

    core: float
    clock: float
    peak: int


def measured(work: Callable[[], int]) -> Done:
    """Run work, which returns its events."""
    started = time.perf_counter()
    with Processes() as processes:
        events = work()
    return Done(events / processes.seconds, events / (time.perf_counter() - started), processes.peak)


def enrich_in(spark: Any, raw: Path) -> int:
    """Enrich the archive on executors; return the events."""
    places = [(block.place,) for block in list_blocks(str(raw))]
    frame = spark.createDataFrame(spark.sparkContext.parallelize(places, len(places)), "place string")
    return int(in_arrow(frame, enrich_only, "event_id string").count())


def replayed(spark: Any, raw: Path, lake: Path) -> int:
    return replay(spark, Replay(raw=str(raw), lake=lake, key=KEY, file_bytes=4 * MIB), NOW).read


def main() -> None:
    """Run and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1_000_000
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = archive(folder / "small", events // 10), archive(folder / "large", events)
        alone = embedded(small)
        print(f"{'embedded: read, decode, enrich':32} {alone:10,.0f} events/s a core", flush=True)
        for workers in (1, 2):
            with open_session(f"local-cluster[{workers},1,1024]", QUIET) as spark:
                enrich_in(spark, small)  # warm: compilers, lookups, Python workers
                done = measured(partial(enrich_in, spark, large))
                told(
                    f"{workers} workers: read, decode, enrich",
                    done,
                    f"{done.core / alone:.2f} of the embedded",
                )
                for raw in (small, large):
                    done = measured(partial(replayed, spark, raw, folder / f"lake-{workers}-{raw.name}"))
                    told(f"{workers} workers: replay, {raw.name}", done)


def told(what: str, done: Done, more: str = "") -> None:
    """Print a line."""
    print(
        f"{what:32} {done.core:10,.0f} events/s a core, {done.clock:10,.0f} by clock, "
        f"{done.peak / MIB:4,.0f} MB the largest Python {more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
