"""``footfall aws migrate``: a data folder's raw archive and lake into the installation's buckets."""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from footfall.apps.cli.output import Output, notes, print_rows

__all__ = ["migrate"]

COLUMNS = ("what", "files", "sent", "there", "gone", "verified", "bytes", "events", "events_there")


def migrate(
    *,
    name: str = "footfall",
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    output: Output | None = None,
) -> None:
    """Move a data folder's raw archive and lake to an installation on AWS; run it as often as you like.

    Only what is not there yet is sent, each file with its checksum, which S3 reckons again; killed on the
    way, the next run goes on. While "footfall up" runs on the folder, what is finished is moved: stop it
    and run this once more for the rest. Nothing is deleted here. The exit code is 1 until all is there.

    Examples:
      footfall aws migrate --data ./footfall-data --dry-run
      footfall aws migrate --data ./footfall-data --name footfall

    Parameters
    ----------
    name: str
        The installation's name.
    dry_run: bool
        Send nothing; count what would be sent.
    """
    from footfall.compose.aws import installation
    from footfall.compose.aws_migrate import migrate_to

    output = output or Output()
    bar = Progress(
        TextColumn("moving"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
    with bar:
        task = bar.add_task("moving", total=None)
        done = migrate_to(
            installation(name, output.data),
            lambda sent, total: bar.update(task, completed=sent, total=total),
            dry_run=dry_run,
        )
    told = msgspec.to_builtins(done)
    lines = [told["moved"][what] for what in ("raw", "lake")]
    rows = [[line[column] for column in COLUMNS] for line in lines]
    print_rows(COLUMNS, rows, output.format, whole={**told, "complete": done.complete})
    if dry_run:
        notes.print("Nothing was sent: a dry run.", markup=False)
        return
    if done.running:
        notes.print("A platform writes to the folder: stop it, and run this once more.", markup=False)
    else:
        notes.print(f"The warehouse holds {done.stored:,} events.", markup=False)
    if not done.complete:
        sys.exit(1)
