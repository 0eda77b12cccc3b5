"""Spark against the embedded loader's enrich step, and how a job grows with workers and with input.

    python -m bench spark
    python bench/spark.py [EVENTS]

Each worker is a process with one core and 640 MB (Spark's ``local-cluster``). Ratios are by processor time
of all processes, driver and compilers too, so that what else runs on the machine counts little; events a
second by clock are there for the curve. Steps are measured warm, as a job of hours runs; memory in a
session of its own for each size of input, from the first byte on.
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
from footfall.apps.spark.session import in_arrow, open_session, spark_ddl
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.services.replay_plan import in_tasks

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


def enrich_only(names: list[str], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Do on an executor what ``embedded`` does, and hand some columns of the rows to Spark."""
    for batch in batches:
        for place in batch.column(0).to_pylist():
            yield from enrich(decode(list(read_block(place))).rows, NOW).select(names).to_batches()


class Usage(NamedTuple):
    """What a process used: processor seconds, ended children included, and its memory now, in bytes."""

    kind: str
    seconds: float
    memory: int


class Processes:
    """Processor seconds of everything below this process, and the most memory of each kind of process."""

    def __init__(self) -> None:
        self.peak = {"executor": 0, "python": 0}
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Processes":
        self._since = sum(each.seconds for each in _below())
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        self.seconds = sum(each.seconds for each in _below()) - self._since

    def _look(self) -> None:
        while not self._ended.wait(0.2):
            for each in _below():
                if each.kind in self.peak:
                    self.peak[each.kind] = max(self.peak[each.kind], each.memory)


def _below() -> list[Usage]:
    """Return what each process below this one used."""
    found: dict[int, tuple[int, Usage]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        kind = "executor" if b"CoarseGrainedExecutor" in command else "other"
        kind = "python" if b"pyspark" in command and b"daemon" in command else kind
        seconds, memory = sum(map(int, fields[11:15])) / TICKS, int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        found[int(entry.name)] = (int(fields[1]), Usage(kind, seconds, memory))
    below = {os.getpid()}
    while more := {pid for pid, (parent, _) in found.items() if parent in below} - below:
        below |= more
    return [found[pid][1] for pid in below - {os.getpid()} if pid in found]


class Done(NamedTuple):
    """Events a core-second, events a second by clock, and the largest executor's and Python's bytes."""

    core: float
    clock: float
    executor: int
    python: int


def measured(work: Callable[[], int]) -> Done:
    """Run work, which returns its events."""
    started = time.perf_counter()
    with Processes() as processes:
        events = work()
    clock = events / (time.perf_counter() - started)
    return Done(events / processes.seconds, clock, processes.peak["executor"], processes.peak["python"])


def enrich_in(spark: Any, raw: Path, names: list[str], events: int) -> int:
    """Enrich the archive on executors, spread over tasks as a replay is; return the events.

    Java reads every column that is handed to it.
    """
    blocks = list_blocks(str(raw))
    tasks = in_tasks(blocks, spark.sparkContext.defaultParallelism)
    places = [(block.place,) for block in blocks]
    frame = spark.createDataFrame(spark.sparkContext.parallelize(places, tasks), "place string")
    schema = spark_ddl(pa.schema([EVENTS_SCHEMA.field(name) for name in names]))
    rows = in_arrow(frame, partial(enrich_only, names), schema)
    rows.write.format("noop").mode("overwrite").save()
    return events


def replayed(spark: Any, raw: Path, lake: Path) -> int:
    return replay(spark, Replay(raw=str(raw), lake=str(lake), key=KEY, file_bytes=4 * MIB), NOW).read


def main() -> None:
    """Run and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 1_000_000
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = archive(folder / "small", events // 10), archive(folder / "large", events)
        alone = embedded(large)
        print(f"{'embedded: read, decode, enrich':32} {alone:10,.0f} events/s a core", flush=True)
        for workers in (1, 2):
            with open_session(f"local-cluster[{workers},1,1024]", QUIET) as spark:
                for step, names in (("enrich", ["event_id"]), ("enrich, all columns", EVENTS_SCHEMA.names)):
                    work = partial(enrich_in, spark, large, names, events)
                    work()  # warm: compilers, lookups, Python workers
                    done = measured(work)
                    told(f"{workers} workers: {step}", done, f"{done.core / alone:.2f} of the embedded")
                done = measured(partial(replayed, spark, large, folder / f"lake-{workers}"))
                told(f"{workers} workers: replay", done)
        for raw in (small, large):
            with open_session("local-cluster[1,1,1024]", QUIET) as spark:
                done = measured(partial(replayed, spark, raw, folder / f"lake-{raw.name}"))
                told(f"from the start: replay, {raw.name}", done)


def told(what: str, done: Done, more: str = "") -> None:
    """Print a line."""
    print(
        f"{what:32} {done.core:10,.0f} events/s a core, {done.clock:10,.0f} by clock, largest executor "
        f"{done.executor / MIB:4,.0f} MB, Python {done.python / MIB:4,.0f} MB {more}",
        flush=True,
    )


if __name__ == "__main__":
    main()
