"""``footfall export parquet|csv``: events as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from footfall.apps.cli.output import Output, notes, print_rows
from footfall.compose import connect
from footfall.services.export_files import FileOrder

__all__ = ["export_csv", "export_parquet"]


@Parameter(name="*")
@dataclass(frozen=True)
class Choice:
    """Which events, and how they are laid out."""

    from_: Annotated[date | None, Parameter(name="--from")] = None
    """First day, YYYY-MM-DD, UTC."""
    to: date | None = None
    """Last day, included."""
    app: str | None = None
    """One app only."""
    partitioned: bool = False
    """A folder year=/month=/day=/hour= instead of one file."""


def export_parquet(out: Path, /, *, choice: Choice | None = None, output: Output | None = None) -> None:
    """Write events to a Parquet file, or with --partitioned to a folder that any engine reads.

    What is there already is replaced at once, when the new export is whole.

    Examples:
      footfall export parquet events.parquet --from 2026-03-01 --to 2026-03-31
      footfall export parquet /backup/events --partitioned --app shop

    Parameters
    ----------
    out: Path
        The file, or with --partitioned the folder.
    """
    _export("parquet", out, choice or Choice(), False, output or Output())


def export_csv(
    out: Path, /, *, choice: Choice | None = None, exact: bool = False, output: Output | None = None
) -> None:
    """Write events to a CSV file; a name that ends in .gz or .zst packs it.

    A text that a spreadsheet would run as a formula (it begins with = + - @) gets an apostrophe in
    front, since anybody can send such a path to a site.

    Examples:
      footfall export csv march.csv.gz --from 2026-03-01 --to 2026-03-31 --app shop
      footfall export csv /backup/csv --partitioned --exact

    Parameters
    ----------
    out: Path
        The file, or with --partitioned the folder.
    exact: bool
        Leave every text as it is: for programs, not for spreadsheets.
    """
    _export("csv", out, choice or Choice(), exact, output or Output())


def _export(
    kind: Literal["parquet", "csv"], out: Path, choice: Choice, exact: bool, output: Output
) -> None:
    order = FileOrder(
        kind=kind,
        path=str(out.absolute()),
        first=choice.from_,
        last=choice.to,
        app=choice.app,
        partitioned=choice.partitioned,
        exact=exact,
    )
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
    with connect(data=output.data) as platform, bar:
        task = bar.add_task("exporting", total=None)

        def show(progress: Mapping[str, Any]) -> None:
            done, total = progress["rows_done"], progress["rows_total"]
            bar.update(task, completed=done, total=total, description=progress["hour"])

        outcome = platform.export_files(order, show)
    print_rows(list(outcome), [list(outcome.values())], output.format, whole=outcome)
