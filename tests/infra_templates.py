"""The templates that tests look at: each variant is synthesized once a session, in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from conftest import missing

ROOT = Path(__file__).parents[1]
ARN = "arn:aws:quicksight:us-east-1:111122223333:user/default/someone"
VARIANTS: dict[str, list[str]] = {
    "dev": ["--profile=dev"],
    "small": ["--profile=small"],
    "everything": [
        "--profile=large", "--set=console=true", "--set=simulator=true", f"--quicksight-user={ARN}",
        "--image=footfall-console:1", "--domain=events.shop.example", "--email=ops@shop.example",
        "--certificate=arn:aws:acm:us-east-1:111122223333:certificate/0",
    ],
}  # fmt: skip


class Found(NamedTuple):
    """A resource of a template."""

    stack: str
    id: str
    type: str
    properties: dict[str, Any]
    whole: dict[str, Any]


def need_cdk() -> None:
    """Skip where the CDK app can't run."""
    for module in ("aws_cdk", "cdk_nag", "cfnlint"):
        if find_spec(module) is None:
            missing(f"{module} is not installed: pip install -r requirements/infra.txt")
    if shutil.which("node") is None:
        missing("node is not installed")


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """Run our Python in the project's folder."""
    environ = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1", "NO_COLOR": "1"}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@cache
def synthesized(variant: str) -> Path:
    """Return the folder of a variant's templates; it fails where cdk-nag or CDK's rules find anything."""
    need_cdk()
    out = Path(tempfile.mkdtemp(prefix="footfall-infra-")) / variant
    settings = ROOT / "infra" / "example.toml"
    words = ["--no-bundle", f"--settings={settings}", f"--out={out}", *VARIANTS[variant]]
    words = ["--no-bundle", f"--settings={settings}", f"--out={out}", *VARIANTS[variant]]
    done = python("-m", "infra.app", *words)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    return out


def resources(variant: str, kind: str = "") -> Iterator[Found]:
    """Yield a variant's resources of a type (a prefix of it)."""
    for path in sorted(synthesized(variant).glob("*.template.json")):
        for name, each in json.loads(path.read_text())["Resources"].items():
            if each["Type"].startswith(kind):
                stack = path.name.removesuffix(".template.json")
                yield Found(stack, name, each["Type"], each.get("Properties", {}), each)
