"""What goes into a function's asset: our package, and wheels for Lambda's Python, without Docker.

Two assets: ``door`` for collect, which answers people and must start fast, and ``columns`` for what
works on Arrow. Versions are those of ``requirements/dev.txt``.
"""

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from infra.installation import Installation

__all__ = ["ASSETS", "Asset", "build", "code", "mysql_archive", "setup_code"]

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


def _pins() -> list[str]:
    """Return NAME==VERSION of everything that is locked for Python 3.12."""
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+==[^\s;\\]+)(?: ; ([^\\\n]*))?", lock, re.MULTILINE)
    return [pin for pin, marker in pins if "< '3.12'" not in marker and "win32" not in marker]


def build(name: str, out: Path, *, architecture: str, settings: Path) -> float:
    """Fill ``out`` with an asset and return its size in MiB.

    ``settings`` becomes footfall.toml at its root. Raises RuntimeError when pip finds no wheel or the
    asset is larger than it may be.
    """
    asset = ASSETS[name]
    shutil.copytree(ROOT / "footfall", out / "footfall", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(settings, out / "footfall.toml")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pins:
        pins.write("\n".join(_pins()))
        pins.flush()
        platforms = [f"--platform={each}_{CPUS[architecture]}" for each in PLATFORMS]
        said = subprocess.run(  # noqa: S603 - our own pip, with arguments of this file
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "--no-compile",
                "--only-binary=:all:", f"--python-version={PYTHON}", "--implementation=cp", *platforms,
                "--constraint", pins.name, "--target", str(out), *asset.packages,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if said.returncode:
        raise RuntimeError(f"the wheels of the asset {name} cannot be had: {said.stderr.strip()}")
    for pattern in asset.leave_out:
        for path in out.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    _compile(out)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) / 2**20
    if size > asset.limit_mib:
        raise RuntimeError(f"the asset {name} has {size:.0f} MiB; {asset.limit_mib} are allowed")
    return size


def _compile(out: Path) -> None:
    """Compile what Lambda could not keep: its folder is read-only, so every cold start would compile anew.

    Only the Python that will run it can do that; made by another one, the functions start slower.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON:
        sys.stderr.write(f"made with another Python than {PYTHON}: functions will start slower\n")
        return
    compileall.compile_dir(out, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


@jsii.implements(cdk.ILocalBundling)
class _Local:
    """Lets CDK call ``build`` where it would start a container."""

    def __init__(self, name: str, installation: Installation) -> None:
        self.name = name
        self.installation = installation

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        size = build(
            self.name,
            Path(output_dir),
            architecture=self.installation.architecture,
            settings=self.installation.settings,
        )
        limit = ASSETS[self.name].limit_mib
        sys.stderr.write(f"asset {self.name}: {size:.1f} MiB unpacked of {limit}\n")
        return True


def code(name: str, installation: Installation) -> lambda_.Code:
    """Return the code of the functions that run on an asset; the same for all of them, so built once."""
    source = str(ROOT / "footfall")
    if not installation.bundle:
        return lambda_.Code.from_asset(source, exclude=["**/__pycache__", "apps/console/static"])
    return lambda_.Code.from_asset(
        source,
        asset_hash_type=cdk.AssetHashType.OUTPUT,
        bundling=cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("unused"),
            local=_Local(name, installation),
            command=[name, installation.architecture],
        ),
    )


def setup_code() -> lambda_.Code:
    """Return the code of custom resources: ``infra/setup`` as the package ``setup``."""
    return lambda_.Code.from_asset(
        str(ROOT / "infra"), exclude=["*", "!setup", "!setup/*.py"], ignore_mode=cdk.IgnoreMode.GIT
    )


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
