"""``footfall imports``: what was imported."""

from footfall.apps.cli.output import Output, console, print_rows
from footfall.compose import connect

__all__ = ["list_imports"]

COLUMNS = ("source", "app_id", "state", "lines", "rejected", "at")


def list_imports(*, app: str | None = None, limit: int = 100, output: Output | None = None) -> None:
    """List the files and objects that were imported, newest first, with what became of each.

    begun is being read (or was, when the import was killed), done is read to its end, failed has its
    reason. lines are those of the last import that found news in it.

    Example: footfall imports --limit 20

    Parameters
    ----------
    app: str
        One app only.
    limit: int
        Most rows.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        found = platform.imported(app=app, limit=limit)
    columns = COLUMNS if output.format == "table" else (*COLUMNS, "error")
    rows = [[each[column] for column in columns] for each in found]
    print_rows(columns, rows, output.format, whole=found)
    if output.format == "table":
        for each in found:
            if each["error"]:
                console.print(each["error"], markup=False)
