"""``footfall rejected``: list, show, retry; of a data folder, or of an installation on AWS."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Union

from cyclopts import Parameter
from cyclopts.types import ExistingFile

from footfall.apps.cli.output import Output, console, notes, print_json, print_rows
from footfall.compose import Here, connect
from footfall.errors import BadCorrection

if TYPE_CHECKING:
    from footfall.adapters.platform_client import PlatformClient
    from footfall.compose.aws import RemoteLetters

__all__ = ["list_rejected", "retry_rejected", "show_rejected"]

COLUMNS = ("rejected_id", "received_at", "app_id", "origin")
LETTER_COLUMNS = ("rejected_id", "received_at", "app_id", "kind", "place")


def list_rejected(
    *, app: str | None = None, limit: int = 100, aws: str | None = None, output: Output | None = None
) -> None:
    """List rejected events, newest first, with every reason.

    On AWS these are the dead letters: events that were rejected, rows that a store did not take, records
    that nobody can read. The queue gives them in no order: the newest of those looked at come first.

    Examples:
      footfall rejected list --app shop --limit 20
      footfall rejected list --aws footfall

    Parameters
    ----------
    app: str
        One app only.
    limit: int
        Most rows.
    aws: str
        The installation of that name in your AWS account, in place of a data folder.
    """
    output = output or Output()
    with _rejects(output, aws) as store:
        events = store.rejected(app=app, limit=limit)
    columns = LETTER_COLUMNS if aws else COLUMNS
    rows = [[*(each[column] for column in columns), "; ".join(each["reasons"])] for each in events]
    print_rows([*columns, "reasons"], rows, output.format, whole=events)


def show_rejected(rejected_id: str, /, *, aws: str | None = None, output: Output | None = None) -> None:
    """Show one rejected event: its reasons and its scrubbed bytes.

    Example: footfall rejected show worker-0-1767225600000017-0

    Parameters
    ----------
    rejected_id: str
        As "footfall rejected list" prints it.
    aws: str
        The installation of that name in your AWS account, in place of a data folder.
    """
    output = output or Output()
    with _rejects(output, aws) as store:
        event = store.rejected_one(rejected_id)
    if output.format == "json":
        print_json(event)
    elif output.format == "csv":
        print_rows(list(event), [list(event.values())], "csv")
    else:
        columns = LETTER_COLUMNS if aws else COLUMNS
        console.print("  ".join(event[column] or "-" for column in columns), markup=False)
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
    aws: str | None = None,
    output: Output | None = None,
) -> None:
    """Put rejected events through today's rules again; those that pass are stored, once.

    A line of an imported file that is no JSON is read as its format again. What can't pass as it is
    can be given a corrected body: an event in JSON, or a line of the same format. The exit code is 1
    when a corrected body is refused. On AWS what passes goes on from where it failed: an event into the
    stream, by the rules of your footfall.toml, a row to the store that it was for; and it is struck
    from the queue only then.

    Examples:
      footfall rejected retry
      footfall rejected retry --aws footfall --app shop
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
    aws: str
        The installation of that name in your AWS account, in place of a data folder.
    """
    output = output or Output()
    if file is not None:
        if body is not None:
            raise BadCorrection(cause="--body and --file are both given")
        body = file.read_text(encoding="utf-8", errors="replace")
    with _rejects(output, aws) as store:
        outcome = store.retry(ids=rejected_id, app=app, body=body)
    counts = {name: count for name, count in outcome.items() if name != "refused"}
    print_rows(list(counts), [list(counts.values())], output.format, whole=outcome)
    if output.format == "table":
        for each in outcome["refused"]:
            console.print(f"{each['rejected_id']} is refused again:", markup=False)
            for reason in each["reasons"]:
                console.print(f"  - {reason}", markup=False)
    if body is not None and outcome["still_rejected"]:
        sys.exit(1)


@contextmanager
def _rejects(output: Output, aws: str | None) -> Iterator[Union[Here, "PlatformClient", "RemoteLetters"]]:
    """Give what holds rejected events: a platform, or an installation's queue; both answer the same."""
    if aws is None:
        with connect(data=output.data) as platform:
            yield platform
        return
    from footfall.compose.aws import RemoteLetters, installation  # needs an extra

    letters = RemoteLetters(installation(aws, output.data))
    yield letters
    waiting, held = letters.count()
    notes.print(f"about {waiting} letters wait in the queue, {held} are in somebody's hand", markup=False)
