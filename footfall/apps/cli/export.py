"""``footfall export``: the mart's tables in a relational database, kept up to date."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from footfall.apps.cli.output import Output, notes, print_rows
from footfall.compose import connect

__all__ = ["export_mysql", "export_postgres", "export_sqlite"]

Url = Annotated[str, Parameter(env_var="FOOTFALL_MART_URL")]


def export_mysql(*, url: Url, whole: bool = False, output: Output | None = None) -> None:
    """Keep tables in MySQL or MariaDB up to date; only days with news are written.

    Examples:
      footfall export mysql --url mysql://user:password@db.example/analytics
      FOOTFALL_MART_URL=mysql://user:password@db/analytics footfall export mysql

    Parameters
    ----------
    url: str
        mysql://USER:PASSWORD@HOST:PORT/DATABASE; the database must be there, its tables are made.
    whole: bool
        Write every day anew, not only what changed since the last export.
    """
    _export(url, whole, output or Output())


def export_postgres(*, url: Url, whole: bool = False, output: Output | None = None) -> None:
    """Keep tables in PostgreSQL up to date; only days with news are written.

    Example:
      footfall export postgres --url postgresql://user:password@db.example/analytics

    Parameters
    ----------
    url: str
        postgresql://USER:PASSWORD@HOST:PORT/DATABASE; the database must be there, its tables are made.
    whole: bool
        Write every day anew, not only what changed since the last export.
    """
    _export(url, whole, output or Output())


def export_sqlite(file: Path, /, *, whole: bool = False, output: Output | None = None) -> None:
    """Keep tables in a SQLite file up to date; only days with news are written.

    Example:
      footfall export sqlite analytics.sqlite

    Parameters
    ----------
    file: Path
        The file; it is made when it isn't there.
    whole: bool
        Write every day anew, not only what changed since the last export.
    """
    _export(f"sqlite:///{file.absolute()}", whole, output or Output())


def _export(url: str, whole: bool, output: Output) -> None:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days, {task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
    with connect(data=output.data) as platform, bar:
        task = bar.add_task("exporting", total=None, rows=0)

        def show(progress: Mapping[str, Any]) -> None:
            bar.update(
                task,
                completed=progress["days_done"],
                total=progress["days_total"],
                rows=progress["rows"],
                description=progress["day"],
            )

        outcome = platform.export_mart(url, whole, show)
    print_rows(list(outcome), [list(outcome.values())], output.format, whole=outcome)
