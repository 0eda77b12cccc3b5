"""``footfall compare``: another product's daily numbers beside ours."""

from datetime import date
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.types import ExistingFile

from footfall.apps.cli.output import Output, console, notes, print_rows
from footfall.compose import connect
from footfall.core.compare.causes import CAUSES
from footfall.core.compare.daily import ProductName
from footfall.core.compare.exports import read_export
from footfall.core.compare.report import Comparison, Line
from footfall.services.compare import Asked, chosen_columns, zone_of
from footfall.services.compare import compare as compare_with

__all__ = ["compare"]

COLUMNS = ("day", "metric", "theirs", "ours", "difference", "percent", "likely", "causes")
SHORT = ("day", "metric", "theirs", "ours", "diff", "percent", "likely")  # fits in 80 columns


def compare(
    file: ExistingFile,
    /,
    *,
    as_: Annotated[ProductName, Parameter(name="--as")],
    timezone: str = "UTC",
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    to: date | None = None,
    app: str | None = None,
    column: Annotated[list[str] | None, Parameter(negative="")] = None,
    output: Output | None = None,
) -> None:
    """Compare another product's export of daily numbers with what is stored here.

    Per day: visitors, page views and visits as far as the export has them, the difference, and what
    explains it: bots, late events, duplicates, rejected events, the time zone, several apps.

    Examples:
      footfall compare visitors.csv --as plausible --timezone Europe/Berlin
      footfall compare report.csv --as ga4 --app shop --from 2026-03-01 --to 2026-03-28
      footfall compare trends.csv --as posthog --column visitors=#1 --column page_views=#2

    Parameters
    ----------
    file: Path
        The export, as it was downloaded.
    as_: ProductName
        Whose export it is.
    timezone: str
        The time zone of the other product's reports, such as Europe/Berlin or +02:00.
    from_: date
        First day, YYYY-MM-DD; the export's first when not given.
    to: date
        Last day, included.
    app: str
        One app only.
    column: list[str]
        Where a name is not known: metric=COLUMN for visitors, page_views or visits. COLUMN is a
        header, a series, or a number such as #2; may be repeated.
    """
    output = output or Output()
    zone = zone_of(timezone)
    export = read_export(as_, Path(file).read_bytes(), str(file), zone, chosen_columns(column or []))
    with connect(data=output.data) as platform:
        found = compare_with(export, Asked(zone, app, from_, to), platform.sql)
    title = f"{found.product} and footfall, days of {found.timezone}"
    if output.format == "table":
        print_rows(SHORT, [_short(line) for line in found.days], "table", title=title)
        _print_verdicts(found)
    else:
        rows = [_row(line) for line in found.days]
        print_rows(COLUMNS, rows, output.format, whole=msgspec.to_builtins(found))


def _row(line: Line) -> list[object]:
    causes = "; ".join(f"{cause.name}: {cause.text}" for cause in line.causes)
    counts = [line.theirs, line.ours, line.difference]
    return [line.day.isoformat(), line.metric, *counts, line.percent, line.likely, causes]


def _short(line: Line) -> list[object]:
    percent = "" if line.percent is None else f"{line.percent:+.1f} %"
    return [*_row(line)[:5], percent, line.likely]


def _print_verdicts(found: Comparison) -> None:
    for verdict in found.verdicts:
        console.print(verdict.text, markup=False)
    if found.fits_better:
        console.print(found.fits_better["text"], markup=False)
    named = {cause.name for line in found.days for cause in line.causes}
    explained = [f"{name}: {text}" for name, text in CAUSES.items() if name in named]
    for note in [*explained, *found.notes]:
        notes.print(f"- {note}", markup=False, style="dim")
    if found.fresh_to:
        notes.print(f"fresh to {found.fresh_to}", markup=False, style="dim")
