"""``footfall rejected``: list, show, retry."""

from typing import Annotated

from cyclopts import Parameter

from footfall.apps.cli.output import Output, console, print_json, print_rows
from footfall.compose import connect

__all__ = ["list_rejected", "retry_rejected", "show_rejected"]

COLUMNS = ("rejected_id", "received_at", "app_id", "origin")


def list_rejected(*, app: str | None = None, limit: int = 100, output: Output | None = None) -> None:
    """List rejected events, newest first, with every reason.

    Example: footfall rejected list --app shop --limit 20

    Parameters
    ----------
    app: str
        One app only.
    limit: int
        Most rows.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        events = platform.rejected(app=app, limit=limit)
    rows = [[*(each[column] for column in COLUMNS), "; ".join(each["reasons"])] for each in events]
    print_rows([*COLUMNS, "reasons"], rows, output.format, whole=events)


def show_rejected(rejected_id: str, /, *, output: Output | None = None) -> None:
    """Show one rejected event: its reasons and its scrubbed bytes.

    Parameters
    ----------
    rejected_id: str
        As "footfall rejected list" prints it.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        event = platform.rejected_one(rejected_id)
    if output.format == "json":
        print_json(event)
    elif output.format == "csv":
        print_rows(list(event), [list(event.values())], "csv")
    else:
        console.print("  ".join(event[column] for column in COLUMNS), markup=False)
        for reason in event["reasons"]:
            console.print(f"  - {reason}", markup=False)
        console.print(event["body"], markup=False)


def retry_rejected(
    rejected_id: Annotated[list[str] | None, Parameter(negative="")] = None,
    /,
    *,
    app: str | None = None,
    output: Output | None = None,
) -> None:
    """Put rejected events through today's rules again; those that pass are stored, once.

    Examples:
      footfall rejected retry
      footfall rejected retry worker-0-17-0 --format json

    Parameters
    ----------
    rejected_id: list[str]
        Which; all of them when none is named.
    app: str
        One app only.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        outcome = platform.retry(ids=rejected_id, app=app)
    print_rows(list(outcome), [list(outcome.values())], output.format, whole=outcome)
