"""``footfall rejected``: list, show, retry."""

import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.types import ExistingFile

from footfall.apps.cli.output import Output, console, print_json, print_rows
from footfall.compose import connect
from footfall.errors import BadCorrection

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
    body: str | None = None,
    file: ExistingFile | None = None,
    output: Output | None = None,
) -> None:
    """Put rejected events through today's rules again; those that pass are stored, once.

    A line of an imported file that is no JSON is read as its format again. What can't pass as it is
    can be given a corrected body: an event in JSON, or a line of the same format. The exit code is 1
    when a corrected body is refused.

    Examples:
      footfall rejected retry
      footfall rejected retry worker-0-1767225600000017-0 --format json
      footfall rejected retry worker-0-1767225600000017-0 --body '{"event": "signup", "user_id": "u1"}'

    Parameters
    ----------
    rejected_id: list[str]
        Which; all of them when none is named.
    app: str
        One app only.
    body: str
        What to read instead of what was kept; for one rejected event.
    file: Path
        A file that holds the corrected body.
    """
    output = output or Output()
    if file is not None:
        if body is not None:
            raise BadCorrection(cause="--body and --file are both given")
        body = file.read_text(encoding="utf-8", errors="replace")
    with connect(data=output.data) as platform:
        outcome = platform.retry(ids=rejected_id, app=app, body=body)
    counts = {name: count for name, count in outcome.items() if name != "refused"}
    print_rows(list(counts), [list(counts.values())], output.format, whole=outcome)
    if output.format == "table":
        for each in outcome["refused"]:
            console.print(f"{each['rejected_id']} is refused again:", markup=False)
            for reason in each["reasons"]:
                console.print(f"  - {reason}", markup=False)
    if body is not None and outcome["still_rejected"]:
        sys.exit(1)
