"""``footfall ledger``: the books."""

from typing import Any

from footfall.apps.cli.output import Output, console, print_rows
from footfall.compose import connect

__all__ = ["ledger", "ledger_rows"]

COLUMNS = ("received", "stored", "duplicate", "rejected")


def ledger(*, output: Output | None = None) -> None:
    """Show the books: received = stored + duplicate + rejected, per app.

    Example: footfall ledger --format json
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        books = platform.ledger()
    print_rows(("app", *COLUMNS, "pending", "balanced"), ledger_rows(books), output.format, whole=books)
    if output.format == "table":
        balanced = books["received"] == sum(books[name] for name in COLUMNS[1:])
        console.print(
            "[green]The books balance.[/green]"
            if balanced
            else '[red]The books do not balance: run "footfall doctor".[/red]'
        )


def ledger_rows(books: dict[str, Any]) -> list[list[object]]:
    """Return one row an app, and their sum last."""
    named = [*books["apps"].items(), ("all", books)]
    return [
        [
            name,
            *(entry[column] for column in COLUMNS),
            entry["pending"],
            entry["received"] == sum(entry[column] for column in COLUMNS[1:]),
        ]
        for name, entry in named
    ]
