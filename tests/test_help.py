"""What a person sees first: every list of commands says what each does."""

import re
import subprocess
import sys

import pytest

from footfall.apps.cli import COMMANDS, GROUPS

LISTS = {(): COMMANDS} | {(name,): group.commands for name, group in GROUPS.items()}


@pytest.mark.parametrize("group", LISTS, ids=lambda group: " ".join(group) or "footfall")
def test_each_command_says_what_it_does(group: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "footfall", *group, "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in LISTS[group]:
        assert re.search(rf"^│ {name} +[A-Z][a-z]+ \S", shown, re.MULTILINE), (name, shown)


def test_a_commands_own_help_says_more() -> None:
    command = [sys.executable, "-m", "footfall", "import", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "footfall import combined /var/log/nginx/access.log.gz" in shown
    assert "--follow" in shown
