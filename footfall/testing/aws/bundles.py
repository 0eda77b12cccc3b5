"""The bundles that the templates deploy, made for the Python that is here, and held to their limits."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from footfall.errors import AwsFailed
from footfall.testing.aws.account import Bundles
from footfall.testing.aws.function import Bundle, only
from footfall.testing.aws.runtime_packages import link_runtime

__all__ = ["IMPORT_LIMIT_MS", "LIMITS_MIB", "PYTHON", "Building", "Import", "library", "measure_import"]

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
CPUS = {"aarch64": "arm64", "arm64": "arm64"}
LIMITS_MIB = {"door": 50, "columns": 250}
IMPORT_LIMIT_MS = 300
RUNS = 9
MEASURED = """
import time
wall, work = time.perf_counter(), time.process_time()
import footfall.apps.lambdas.collect
print(time.perf_counter() - wall, time.process_time() - work)
"""


@dataclass(frozen=True)
class Import:
    """How long *collect* takes to import, in ms over some runs; ``work`` is the processor's time alone.

    The limit is for the processor's time: on a busy machine the clock tells of the machine.
    """

    least: float
    median: float
    work: float


class Building:
    """Bundles in the making, each in a process of its own; ``ready`` waits for them."""

    def __init__(self, checkout: Path, folder: Path, settings: Path) -> None:
        self._folder = folder
        self._runtime = link_runtime(folder / "runtime")
        words = [f"--settings={settings}", f"--python={PYTHON}"]
        words += [f"--architecture={CPUS.get(platform.machine(), 'x86_64')}"]
        self._made = {
            name: subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "infra.assets", str(folder), *words, "--only", name],
                cwd=checkout,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in LIMITS_MIB
        }

    def ready(self) -> tuple[Bundles, Mapping[str, float]]:
        """Return the bundles, and what each has unpacked in MiB. Raises AwsFailed."""
        sizes = {}
        for name, process in self._made.items():
            told, _ = process.communicate()
            if process.returncode:
                hint = "A wheel that cannot be had, or a bundle over its limit"
                raise AwsFailed(call=f"python -m infra.assets ({name})", code=process.returncode, hint=hint)
            sizes[name] = float(told.split()[-1])
        door, columns = (Bundle(self._folder / name, self._runtime) for name in ("door", "columns"))
        return Bundles(self._folder, door, columns), sizes

    def stop(self) -> None:
        """End what is still being made."""
        for process in self._made.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def measure_import(bundles: Bundles) -> Import:
    """Import *collect* from its bundle some times, each in a new process, and tell how long it took."""
    bundle = bundles.door
    assert bundle
    walls, works = [], []
    for _ in range(RUNS):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-S", "-c", MEASURED],
            env={**os.environ, **only(bundle)},
            cwd=bundle.asset,
            capture_output=True,
            text=True,
            check=True,
        )
        wall, work = map(float, done.stdout.split())
        walls.append(wall * 1_000)
        works.append(work * 1_000)
    return Import(min(walls), median(walls), min(works))


def library(checkout: Path, bundles: Bundles) -> str:
    """Return the path on which the Glue job finds its packages: the zip it is deployed with, and boto3."""
    assert bundles.columns
    script = "import infra.assets; print(infra.assets.mysql_archive())"
    made = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", script], cwd=checkout, capture_output=True, text=True, check=True
    )
    return f"{made.stdout.strip()}{os.pathsep}{bundles.columns.runtime}"
