"""What goes into a function's asset: our package, and wheels for Lambda's Python, without Docker or CDK.

Two assets: ``door`` for collect, which answers people and must start fast, and ``columns`` for what
works on Arrow. Versions are those of ``requirements/dev.txt``. ``python -m infra.assets`` makes them by
themselves, for another Python too: the emulation runs them on the Python that is here.
"""

import argparse
import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["ASSETS", "Asset", "build", "main", "mysql_archive"]

ROOT = Path(__file__).parents[1]
PYTHON = "3.12"
# Lambda's Amazon Linux 2023 has glibc 2.34, so wheels for any older one run there.
PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
CPUS = {"arm64": "aarch64", "x86_64": "x86_64"}


class Asset(NamedTuple):
    """``packages`` are installed with what they need; ``leave_out`` are globs below the asset's root."""

    packages: tuple[str, ...]
    leave_out: tuple[str, ...]
    limit_mib: int


OURS_LEFT_OUT = (
    "footfall/apps/cli",
    "footfall/apps/console",
    "footfall/simulate",
    "footfall/testing",
    "footfall/adapters/duckdb_warehouse",
)
# Lambda brings boto3; pyarrow is built with services that no function of ours calls.
LEFT_OUT = (
    "boto3*", "botocore*", "s3transfer*", "jmespath*", "bin", "**/__pycache__", "**/tests",
    "pyarrow/include", "pyarrow/src", "pyarrow/libarrow_flight*", "pyarrow/libarrow_python_flight*",
    "pyarrow/_flight*", "pyarrow/_substrait*", "pyarrow/**/*.pyx",
    "pyarrow/**/*.pxd", "pyarrow/**/*.pxi",
)  # fmt: skip

ASSETS = {
    "door": Asset(
        ("msgspec", "google-re2", "tzdata", "maxminddb", "aws-lambda-powertools"),
        (*OURS_LEFT_OUT, *LEFT_OUT),
        50,
    ),
    "columns": Asset(
        (
            "msgspec", "google-re2", "tzdata", "maxminddb", "aws-lambda-powertools",
            "pyarrow", "numpy", "ua-parser[regex]", "crawler-user-agents", "opensearch-py", "sqlglot",
        ),
        (*OURS_LEFT_OUT, *LEFT_OUT),
        250,
    ),
}  # fmt: skip


def build(name: str, out: Path, *, architecture: str, settings: Path, python: str = PYTHON) -> float:
    """Fill ``out`` with an asset and return its size in MiB.

    ``settings`` becomes footfall.toml at its root; ``python`` is the version that runs it. Raises
    RuntimeError when pip finds no wheel or the asset is larger than it may be.
    """
    asset = ASSETS[name]
    shutil.copytree(ROOT / "footfall", out / "footfall", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(settings, out / "footfall.toml")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("\n".join(_pins(python)))
        pins.flush()
        platforms = [f"--platform={each}_{CPUS[architecture]}" for each in PLATFORMS]
        said = subprocess.run(  # noqa: S603 - our own pip, with arguments of this file
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-compile",
                "--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms,
                "--constraint", pins.name, "--target", str(out), *asset.packages,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if said.returncode:
        raise RuntimeError(f"the wheels of the asset {name} cannot be had: {said.stderr.strip()}")
    for pattern in asset.leave_out:
        for path in out.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _compile(out, python)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 2**20
    if size > asset.limit_mib:
        raise RuntimeError(f"the asset {name} has {size:.0f} MiB; {asset.limit_mib} are allowed")
    return size


def _pins(python: str) -> Iterator[str]:
    """Yield NAME==VERSION of everything that is locked for a version of Python."""
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    old = _number(python) < _number(PYTHON)
    for pin, marker in re.findall(r"^([A-Za-z0-9._-]+==[^\s;\\]+)(?: ; ([^\\\n]*))?", lock, re.MULTILINE):
        if "win32" not in marker and (f">= '{PYTHON}'" if old else f"< '{PYTHON}'") not in marker:
            yield pin


def _number(python: str) -> tuple[int, ...]:
    return tuple(map(int, python.split(".")))


def _compile(out: Path, python: str) -> None:
    """Compile what Lambda could not keep: its folder is read-only, so every cold start would compile anew.

    Only the Python that will run it can do that; made by another one, the functions start slower.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" != python:
        sys.stderr.write(f"made with another Python than {python}: functions will start slower\n")
        return
    compileall.compile_dir(out, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def mysql_archive() -> Path:
    """Return a zip with PyMySQL (pure Python) and the mart's columns, for the Glue job that writes MySQL.

    Made of what is installed here, with fixed times, so that the same code gives the same bytes.
    """
    import pymysql  # type: ignore[import-untyped]

    package = Path(pymysql.__file__).parent
    files = {f"pymysql/{file.relative_to(package).as_posix()}": file for file in package.rglob("*.py")}
    for part in ("__init__.py", "core/__init__.py", "core/mart.py"):
        files[f"footfall/{part}"] = ROOT / "footfall" / part
    target = Path(tempfile.gettempdir()) / "footfall-mysql-library.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), file.read_bytes())
    return target


def main() -> None:
    """Make the assets below a folder, and say the size of each in MiB, a line each."""
    parser = argparse.ArgumentParser(prog="python -m infra.assets", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--python", default=PYTHON)
    parser.add_argument("--architecture", choices=CPUS, default="arm64")
    parser.add_argument("--only", choices=ASSETS, nargs="+", default=list(ASSETS))
    given = parser.parse_args()
    for name in given.only:
        out, chosen = given.out / name, {"architecture": given.architecture, "python": given.python}
        size = build(name, out, settings=given.settings, **chosen)
        sys.stdout.write(f"{name} {size:.1f}\n")


if __name__ == "__main__":
    main()
