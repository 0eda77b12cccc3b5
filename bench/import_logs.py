"""Access logs into the warehouse against GoAccess reading the same file; prints the ratio and the memory.

Needs ``goaccess``. Usage: ``python bench/import_logs.py SEED.log[.gz] [--lines 1000000] [--rounds 3]``.
The seed is repeated with its days moved on. The lake's Parquet files are not written: GoAccess keeps
none. Goal: 3 times GoAccess's lines a second or more.
"""

import argparse
import gzip
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

DAY = re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}):")


class Run(NamedTuple):
    """One process's life: seconds of the clock, and the most memory that it held."""

    seconds: float
    mebibytes: float


def write_log(seed: Path, target: Path, lines: int) -> int:
    """Repeat the seed until it has as many lines; each repetition is a week later."""
    data = seed.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    data = data if data.endswith(b"\n") else data + b"\n"
    written = 0
    with target.open("wb") as file:
        while written < lines:
            weeks = written // max(1, data.count(b"\n"))

            def moved(match: re.Match[bytes], weeks: int = weeks) -> bytes:
                day = datetime.strptime(match[1].decode(), "%d/%b/%Y").date() + timedelta(weeks=weeks)  # noqa: DTZ007
                return f"[{day:%d/%b/%Y}:".encode()

            file.write(DAY.sub(moved, data))
            written += data.count(b"\n")
    return written


def timed(*command: str) -> Run:
    """Run a command to its end, with its output thrown away."""
    begin = time.perf_counter()
    environ = os.environ | {"FOOTFALL_LAKE_ENABLED": "false"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environ)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} failed: {told.decode(errors='replace')}")
    return Run(time.perf_counter() - begin, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure both in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=Path)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    goaccess, footfall = shutil.which("goaccess"), Path(sys.executable).with_name("footfall")
    if goaccess is None:
        sys.exit("goaccess is not installed")
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "access.log"
        lines = write_log(options.seed, log, options.lines)
        for number in range(options.rounds):
            report = str(folder / "report.json")
            theirs.append(timed(goaccess, str(log), "--log-format=COMBINED", "--no-progress", "-o", report))
            data = folder / f"data-{number}"
            ours.append(timed(str(footfall), "import", "combined", str(log), "--data", str(data)))
            shutil.rmtree(data)
        size = log.stat().st_size / 2**20
    print(f"{lines:,} lines, {size:.0f} MiB, median of {options.rounds}")
    for label, runs in (("goaccess", theirs), ("footfall import", ours)):
        seconds = statistics.median(run.seconds for run in runs)
        peak = max(run.mebibytes for run in runs)
        print(f"{label:16} {lines / seconds:>10,.0f} lines/s  {seconds:6.1f} s  peak {peak:,.0f} MiB")
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True))
    print(f"footfall import / goaccess: {ratio:.2f} (goal: 3)")


if __name__ == "__main__":
    main()
