"""footfall aws: what it refuses before it asks AWS for anything."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_console_without_a_program_is_not_deployed() -> None:
    command = (
        sys.executable,
        "-m",
        "footfall",
        "aws",
        "deploy",
        "--profile",
        "small",
        "--set",
        "console=true",
    )
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert "a console that asks Athena" in told.stderr
    assert "console=false" in told.stderr


def test_an_emulation_says_all_that_is_missing_and_how_to_come_by_it(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "footfall", "aws", "emulate", "--stand-ins", str(tmp_path))
    nowhere = {**os.environ, "PATH": str(tmp_path)}
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, env=nowhere)
    assert told.returncode == 1
    assert told.stdout == ""
    for part in ("node", "java", "kinesis-local", "OpenSearch", "DynamoDB Local"):
        assert part in told.stderr
    assert "npm ci" in told.stderr
    assert "mvn" in told.stderr


def test_an_emulation_needs_events_and_a_folder_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    for words, why in ((["--events", "0"], "1 or more"), (["--keep", str(tmp_path)], "holds something")):
        command = (sys.executable, "-m", "footfall", "aws", "emulate", *words)
        told = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert told.returncode == 1
        assert why in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_stand_ins_are_not_loaded_unless_they_are_asked_for() -> None:
    script = (
        "import sys, footfall.apps.cli, footfall.apps.cli.aws_emulate; "
        "print([name for name in sys.modules if name.startswith(('footfall.testing', 'boto3', 'moto'))])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.splitlines()[-1] == "[]"
