"""``python -m footfall.apps.job``: one scheduled command, named on standard input as a JSON array.

It ends with the process that started it: a platform that was killed must not find its own job in the way.
"""

import os
import sys

import msgspec

from footfall.apps.cli import app, run
from footfall.apps.parent import stop_without_parent

__all__ = ["main"]

ORPHANED = 75


def main() -> None:
    """Run the command as the shell would; what it raises decides the exit code."""
    stop_without_parent(lambda: os._exit(ORPHANED))
    command = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    run(lambda: app([*command, *_in_one_line(command)]))


def _in_one_line(command: list[str]) -> list[str]:
    """Ask a command that prints data for JSON: the history keeps one line, not a drawn table."""
    _, bound, _ = app.parse_args(command)
    told = any(word.split("=")[0] == "--format" for word in command)
    return ["--format", "json"] if "output" in bound.signature.parameters and not told else []


if __name__ == "__main__":
    main()
