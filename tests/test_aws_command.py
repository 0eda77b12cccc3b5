"""footfall aws: what it refuses before it asks AWS for anything."""

import subprocess
import sys


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
