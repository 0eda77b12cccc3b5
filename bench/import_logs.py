"""Access logs into the warehouse against GoAccess reading the same file; prints the ratio and the memory.

Needs ``goaccess``. Usage: ``python bench/import_logs.py [SEED.log[.gz]] [--format s3]
[--lines 1000000] [--rounds 3]``; without a seed the simulator writes one. The seed is repeated with
its days moved on, over two years in all, its addresses and its requests' ids changed. The lake's
Parquet files are not written: GoAccess keeps none. Goal: 3 times GoAccess's lines a second or more.
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
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from footfall.simulate import LogKind, access_log, simulate

# What a repetition changes: the day, the address's second number, and the first six digits of S3's
# and CloudFront's request ids.
CHANGED = re.compile(
    rb"(?<=\[)(?P<day>\d\d/[A-Z][a-z]{2}/\d{4})(?=:)|^(?P<date>\d{4}-\d\d-\d\d)(?=\t)"
    rb"|(?:^|(?<=\] )|(?<=\t))(?P<address>\d{1,3}\.\d{1,3})(?=\.\d{1,3}\.\d{1,3}[ \t])"
    rb"|(?<=[ \t])(?P<id>[0-9A-Fa-f]{6})(?=[0-9A-F]{10} REST\.|[0-9a-f]{10,}==\t)",
    re.MULTILINE,
)
DAYS = 700
GOACCESS = {"combined": "COMBINED", "s3": "AWSS3", "cloudfront": "CLOUDFRONT"}


class Run(NamedTuple):
    """One process's life: seconds of the clock and of processors, and the most memory that it held."""

    seconds: float
    processor: float
    mebibytes: float


def seed_of(path: Path | None, format: LogKind) -> tuple[bytes, bytes]:
    """Return the header lines, if any, and the lines to be repeated."""
    if path is None:
        world = simulate(4_000, 30, 7, date(2024, 2, 1))
        data = b"".join(access_log(world, format, files_only=True))
    else:
        data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    lines = data.splitlines(keepends=True)
    headers = [line for line in lines if line.startswith(b"#")]
    data = b"".join(lines[len(headers) :])
    return b"".join(headers), data if data.endswith(b"\n") else data + b"\n"


def write_log(headers: bytes, data: bytes, target: Path, lines: int) -> int:
    """Repeat the seed until it has as many lines, by other addresses and ever later."""
    pieces, changed, done = [], [], 0
    for match in CHANGED.finditer(data):
        pieces.append(data[done : match.start()])
        changed.append((match.lastgroup, match[0]))
        done = match.end()
    pieces.append(data[done:])
    every, seed_lines = set(changed), data.count(b"\n")
    repetitions = -(-lines // seed_lines)
    with target.open("wb") as file:
        file.write(headers)
        for number in range(repetitions):
            later = timedelta(days=number * DAYS // repetitions)
            moved = {each: shifted(*each, number, later) for each in every}
            words = [moved[each] for each in changed]
            file.write(b"".join(chain.from_iterable(zip(pieces, words, strict=False))))
            file.write(pieces[-1])
    return repetitions * seed_lines


def shifted(kind: str | None, text: bytes, number: int, later: timedelta) -> bytes:
    """Return what stands there in the repetition of that number."""
    if kind == "id":
        return b"%06X" % number
    if kind == "address":
        first, second = text.split(b".")
        return b"%s.%d" % (first, (int(second) + number) % 256)
    if kind == "date":
        return f"{date.fromisoformat(text.decode()) + later}".encode()
    day = datetime.strptime(text.decode(), "%d/%b/%Y").date() + later  # noqa: DTZ007
    return f"{day:%d/%b/%Y}".encode()


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
    processor = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - begin, processor, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure both in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=Path, nargs="?")
    parser.add_argument("--format", choices=GOACCESS, default="combined")
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
        lines = write_log(*seed_of(options.seed, options.format), log, options.lines)
        for number in range(options.rounds):
            report = str(folder / "report.json")
            known = f"--log-format={GOACCESS[options.format]}"
            theirs.append(timed(goaccess, str(log), known, "--no-progress", "-o", report))
            data = folder / f"data-{number}"
            ours.append(timed(str(footfall), "import", options.format, str(log), "--data", str(data)))
            shutil.rmtree(data)
        size = log.stat().st_size / 2**20
    print(f"{lines:,} lines, {size:.0f} MiB, median of {options.rounds}")
    for label, runs in (("goaccess", theirs), ("footfall import", ours)):
        seconds = statistics.median(run.seconds for run in runs)
        peak = max(run.mebibytes for run in runs)
        processor = statistics.median(run.processor for run in runs)
        print(
            f"{label:16} {lines / seconds:>10,.0f} lines/s  {seconds:6.1f} s  "
            f"{processor:6.1f} s of processors  peak {peak:,.0f} MiB"
        )
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True))
    print(f"footfall import / goaccess: {ratio:.2f} (goal: 3)")


if __name__ == "__main__":
    main()
