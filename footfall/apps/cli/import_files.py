"""``footfall import``: files and objects into the same table as the events."""

import json
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from footfall.apps.cli.output import Output, notes, print_rows
from footfall.compose import connect
from footfall.services.imports.sources import OBJECTS
from footfall.services.watch import Follower

__all__ = ["import_files"]

COUNTS = ("files", "lines", "stored", "duplicate", "rejected", "skipped_files", "failed_files")
FOLLOW_SECONDS = {True: 30.0, False: 1.0}  # objects come whole and cost a request; lines come one by one


def import_files(
    format: str,
    paths: list[str],
    /,
    *,
    app: str = "default",
    follow: bool = False,
    every: float | None = None,
    output: Output | None = None,
) -> None:
    """Import files, folders, globs or objects of S3; what was imported before adds nothing.

    One that cannot be read stops no other; the exit code is then 1.

    Examples:
      footfall import combined /var/log/nginx/access.log.gz
      footfall import combined /var/log/nginx/access.log --follow
      footfall import csv clicks.csv --app shop
      footfall import ndjson events/
      footfall import s3 s3://my-logs/access/
      footfall import auto /var/log/caddy s3-logs/

    Parameters
    ----------
    format: str
        ndjson, csv, combined, common, s3, cloudfront, alb, w3c (IIS), caddy, nginx or traefik;
        jsonlines is any of the last three, auto any at all, told by a file's first lines.
    paths: list[str]
        Files, folders or globs, s3://BUCKET/PREFIX or a glob of keys; .gz and .zst are unpacked.
    app: str
        The app that the rows belong to.
    follow: bool
        Go on with what comes, until Ctrl-C; a line counts once it is ended.
    every: float
        Seconds between two looks with --follow; 1 for files, 30 for S3.
    """
    output = output or Output()
    places = [path if path.startswith(OBJECTS) else str(Path(path).absolute()) for path in paths]
    if follow:
        _follow(format, places, app, every, output)
    else:
        _import_once(format, places, app, output)


def _import_once(format: str, paths: list[str], app: str, output: Output) -> None:
    """Show a bar while it lasts, then what became of it; exit with 1 when something failed."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]:,}/{task.fields[all]:,}"),
        DownloadColumn(),
        TextColumn("{task.fields[lines]:,} lines"),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
    )
    lake = _LakeBar()
    with lake, connect(data=output.data, create=True, importing=True, on_lake=lake.show) as platform, bar:
        task = bar.add_task("importing", total=None, lines=0, done=0, all=0)

        def show(progress: Mapping[str, Any]) -> None:
            bar.update(
                task,
                completed=progress["bytes_done"],
                total=progress["bytes_total"],
                lines=progress["lines"],
                done=progress["files_done"],
                all=progress["files_total"],
                description=progress["file"].rpartition("/")[2][:40],
            )

        outcome = platform.import_files(format, paths, app, show)
    print_rows(COUNTS, [[outcome[name] for name in COUNTS]], output.format, whole=outcome)
    for message in (*outcome["notes"], *outcome["errors"]):
        notes.print(message, markup=False)
    if outcome["failed_files"]:
        sys.exit(1)


class _LakeBar:
    """A bar for the lake's files, which are written behind the last line and may take as long."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._bar = Progress(
            TextColumn("writing the lake"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("files"),
            TimeRemainingColumn(),
            console=notes,
            transient=True,
        )
        self._task: TaskID | None = None

    def show(self, done: int, planned: int) -> None:
        if self._task is None:  # only now has the other bar ended; two cannot be shown
            self._stack.enter_context(self._bar)
            self._task = self._bar.add_task("", total=planned)
        self._bar.update(self._task, completed=done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _follow(format: str, paths: list[str], app: str, every: float | None, output: Output) -> None:
    """Print a line for every look that found news, until Ctrl-C."""
    pause = every or FOLLOW_SECONDS[any(path.startswith(OBJECTS) for path in paths)]

    def tell(outcome: Mapping[str, Any]) -> None:
        counts = {name: outcome[name] for name in COUNTS if outcome[name]}
        if output.format == "json":
            line = json.dumps(counts)
        else:
            line = f"{datetime.now(UTC):%H:%M:%S}  " + ", ".join(
                f"{n:,} {name}" for name, n in counts.items()
            )
        print(line, flush=True)  # noqa: T201

    with connect(data=output.data, create=True) as platform:
        follower = Follower(
            lambda: platform.import_files(format, paths, app, lambda _: None, growing=True),
            tell,
            lambda message: notes.print(message, markup=False),
        )
        follower.step(first=True)
        while True:
            time.sleep(pause)
            follower.step()
