"""``footfall reconcile``: access logs beside the script's events."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from footfall.apps.cli.output import Output, console, notes, print_json, print_rows
from footfall.compose import connect
from footfall.core.reconcile.report import Group, Reconciliation
from footfall.services.reconcile import Asked, window_of
from footfall.services.reconcile import reconcile as reconcile_with

__all__ = ["reconcile"]

SHORT = ("came (95 %)", "script saw", "blocked", "share (95 %)", "bots")
MOST = 20


def reconcile(
    *,
    app: str | None = None,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    to: date | None = None,
    window: str = "10s",
    show_sql: Annotated[bool, Parameter(negative="")] = False,
    output: Output | None = None,
) -> None:
    """Join the page loads of access logs with the script's events: who blocked it, and how many came.

    Both must be of one app. A visitor is a browser on a day; bots stand apart.

    Examples:
      footfall reconcile --app shop --from 2026-03-01 --to 2026-03-07
      footfall reconcile --app shop --window 30s --format json

    Parameters
    ----------
    app: str
        The app; the only one that has both when not given.
    from_: date
        First day, YYYY-MM-DD (UTC); all days that both have when not given.
    to: date
        Last day, included.
    window: str
        How far an event may be from its page load, 1s to 10m.
    show_sql: bool
        Print the SQL behind the counts too.
    """
    output = output or Output()
    asked = Asked(app, from_, to, window_of(window))
    columns = (TextColumn("joining"), BarColumn(), TimeElapsedColumn())
    with connect(data=output.data) as platform, Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task("joining", total=None)
        found = reconcile_with(
            asked, platform.sql, lambda done, of: bar.update(task, completed=done, total=of)
        )
    if output.format == "json":
        print_json(msgspec.to_builtins(found))
    elif output.format == "csv":
        names, rows = _whole(found)
        print_rows(names, rows, "csv")
    else:
        _print(found)
        if show_sql:
            console.print(found.sql, markup=False)


def _whole(found: Reconciliation) -> tuple[Sequence[str], list[list[Any]]]:
    """Return every group as a row, with what it is a group of."""
    total = msgspec.structs.asdict(found.total)
    rows = [["total", *total.values()]]
    rows += [[part, *row] for part, table in found.tables.items() for row in table.rows]
    return ("part", *total), rows


def _print(found: Reconciliation) -> None:
    console.print(found.sentence, markup=False, style="bold")
    loads, total = found.loads, found.total
    print_rows(
        ("page loads", "count"),
        [
            ["the script reported them", loads.matched],
            ["it did not", loads.unmatched],
            ["of bots", loads.bots],
            ["of pages without the script", loads.no_script],
            ["without address or user agent", loads.unreadable],
            ["all", loads.all],
        ],
        "table",
        title=f"{found.app}, {found.since[:16]} to {found.until[:16]} UTC",
    )
    print_rows(("all", *SHORT), [_short(total)], "table", title="visitors")
    for part, table in found.tables.items():
        rows = [_short(Group(**dict(zip(table.columns, row, strict=True)))) for row in table.rows]
        shown = rows if part == "day" else rows[:MOST]
        print_rows((part, *SHORT), shown, "table", title=f"by {part}")
        if len(rows) > len(shown):
            notes.print(f"[dim]{len(rows) - len(shown):,} more: --format csv has them all[/dim]")
    notes.print(
        f"- of the {total.blocked:,} whom the script never saw {found.one_load:,} loaded one page only: "
        "they may have left before it ran",
        style="dim",
    )
    notes.print(f"- of the bots {found.bots_with_script:,} ran the script", style="dim")
    for page in found.without_script:
        text = (
            f"- without the script: {page.page or '/'} ({page.loads:,} loads by {page.visitors:,} visitors)"
        )
        notes.print(text, markup=False, style="dim")
    for note in found.notes:
        notes.print(f"- {note}", markup=False, style="dim")
    fresh = f", fresh to {found.fresh_to}" if found.fresh_to else ""
    notes.print(f"{found.rows_read:,} rows read{fresh}", markup=False, style="dim")


def _short(group: Group) -> list[object]:
    came, share = f"{group.at_least:,} or more", ""
    if group.visitors is not None and group.visitors_low is not None and group.visitors_high is not None:
        low, high = round(group.visitors_low), round(group.visitors_high)
        came = f"{group.visitors:,.0f}" + (f" ({low:,}-{high:,})" if low < high else "")
    if group.blocked_share is not None and group.blocked_low is not None and group.blocked_high is not None:
        share = f"{group.blocked_share:.0%} ({group.blocked_low:.0%}-{group.blocked_high:.0%})"
    return [group.name, came, group.script, group.blocked, share, group.bots]
