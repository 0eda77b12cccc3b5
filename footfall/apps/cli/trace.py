"""``footfall trace``: one event's life."""

from footfall.apps.cli.output import Output, console, print_rows
from footfall.compose import connect

__all__ = ["trace"]


def trace(event_id: str, /, *, output: Output | None = None) -> None:
    """Say where an event is, or why it isn't there.

    Example: footfall trace 0192f7a2-44c1-7000-8000-5f0c7a1e9b11

    Parameters
    ----------
    event_id: str
        The id that the sender gave, or that footfall made (column event_id).
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        life = platform.trace(event_id)
    rows = [[step["at"], step["state"], step["app_id"], step.get("detail", {})] for step in life["steps"]]
    print_rows(["at", "state", "app", "detail"], rows, output.format, whole=life)
    if output.format == "table":
        console.print(life["summary"], markup=False)
