"""``footfall import``: files into the same table as the events."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from footfall.apps.cli.output import Output, notes, print_rows
from footfall.compose import connect

__all__ = ["import_files"]


def import_files(
    format: str, paths: list[str], /, *, app: str = "default", output: Output | None = None
) -> None:
    """Import files, folders or globs; a second import of the same bytes adds nothing.

    Examples:
      footfall import combined /var/log/nginx/access.log.gz
      footfall import csv clicks.csv --app shop
      footfall import ndjson events/
      footfall import auto /var/log/caddy s3-logs/

    Parameters
    ----------
    format: str
        ndjson, csv, combined, common, s3, cloudfront, alb, w3c (IIS), caddy, nginx or traefik;
        jsonlines is any of the last three, auto any at all, told by a file's first lines.
    paths: list[str]
        Files, folders or globs; .gz and .zst are unpacked.
    app: str
        The app that the rows belong to.
    """
    output = output or Output()
    absolute = [str(Path(path).absolute()) for path in paths]
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
    with connect(data=output.data, create=True) as platform, bar:
        task = bar.add_task("importing", total=None, lines=0)

        def show(progress: Mapping[str, Any]) -> None:
            bar.update(
                task,
                completed=progress["bytes_done"],
                total=progress["bytes_total"],
                lines=progress["lines"],
                description=progress["file"].rpartition("/")[2][:40],
            )

        outcome = platform.import_files(format, absolute, app, show)
    print_rows(list(outcome), [list(outcome.values())], output.format, whole=outcome)
