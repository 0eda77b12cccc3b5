"""``footfall doctor``: what is wrong with this installation, and how to mend it."""

import sys

from footfall.apps.cli.output import Output, print_rows
from footfall.compose import examine

__all__ = ["doctor"]


def doctor(*, output: Output | None = None) -> None:
    """Look at every part of an installation; exit code 1 when something is broken.

    Example: footfall doctor --data /srv/footfall
    """
    output = output or Output()
    findings = examine(data=output.data)
    rows = [[each.state, each.part, each.detail, each.mend] for each in findings]
    print_rows(["state", "part", "detail", "mend"], rows, output.format)
    if any(each.state == "broken" for each in findings):
        sys.exit(1)
