"""``footfall aws replay``: raw events again, on this machine or as the installation's Glue job."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import footfall
from footfall.apps.cli.hours import hour_of
from footfall.apps.cli.output import Output, console, notes, print_rows
from footfall.errors import BadQuery

if TYPE_CHECKING:
    from footfall.services.lake_replay import Asked

__all__ = ["replay"]

ROOT = Path(footfall.__file__).parents[1]


def replay(
    *,
    name: str = "footfall",
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    on: Literal["here", "glue"] = "here",
    late_days: int | None = None,
    gaps: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    output: Output | None = None,
) -> None:
    """Put raw events of an installation on AWS through today's rules into its lake again.

    The rules are those of this footfall and of the footfall.toml here. Rows whose events are made anew, or
    are refused today, go; imports, and rows whose raw event is not archived, stay. What came within the
    last two hours is left alone. Readers may see a row of these hours twice while files are exchanged;
    killed on the way, the next run ends what was begun.

    Examples:
      footfall aws replay --from 2026-10-01 --to 2026-10-02 --dry-run
      footfall aws replay --from 2026-10-01T14:00 --to 2026-10-01T16:00 --late-days 2
      footfall aws replay --on glue --from 2026-01-01 --to 2026-07-01

    Parameters
    ----------
    name: str
        The installation's name.
    from_: str
        First hour of what happened, YYYY-MM-DD or YYYY-MM-DDTHH:00 (UTC); the beginning when not given.
    to: str
        The hour behind the last.
    on: str
        here, through a warehouse on this machine's disk; or glue, as the installation's Spark job, with
        the code of this checkout (make glue-wheel), for what was received on days that are over.
    late_days: int
        How many days after --to late events are looked for; to the archive's end when not given.
    gaps: bool
        Days without raw events are expected; else one is an error when --from and --to are given.
    dry_run: bool
        Change nothing; show what would become of each day.
    """
    from footfall.services.lake_replay import Asked  # it loads pyarrow

    output = output or Output()
    asked = Asked(start=hour_of(from_, "--from"), end=hour_of(to, "--to"), late_days=late_days, gaps=gaps)
    if on == "glue":
        _in_glue(name, asked, output, dry_run=dry_run)
        return
    from footfall.compose.aws import installation
    from footfall.compose.aws_replay import replay_here

    with _bar() as show:
        done = replay_here(installation(name, output.data), asked, show, dry_run=dry_run)
    told = msgspec.to_builtins(done)
    days = told.pop("days")
    print_rows(list(told), [list(told.values())], output.format, whole={**told, "days": days})
    if output.format == "table":
        print_rows(["day", "before", "after"], [list(day.values()) for day in days], "table")
        console.print("Nothing was changed: a dry run." if dry_run else "Replayed.", markup=False)


def _in_glue(name: str, asked: "Asked", output: Output, *, dry_run: bool) -> None:
    from footfall.compose.aws import installation
    from footfall.compose.aws_glue import Job, replay_in_glue

    if dry_run:
        raise BadQuery(cause="--dry-run counts on this machine: leave --on glue out for it")
    settings = Path("footfall.toml")
    if output.data and (output.data / settings).is_file():
        settings = output.data / settings
    job = Job(ROOT / "infra" / "glue" / "replay.py", ROOT / "dist" / "glue", settings)
    with _bar() as show:
        run = replay_in_glue(installation(name, output.data), asked, job, show)
    print_rows(["state", "seconds"], [[run.state, run.seconds]], output.format)


@contextmanager
def _bar() -> Iterator[Any]:
    """Give what shows how far the work is; nothing of it stays."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=notes,
        transient=True,
    )
    with bar:
        task = bar.add_task("looking", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total or None
        )
