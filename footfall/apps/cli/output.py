"""How commands print: a table for people, JSON as the API gives it, CSV for the next program."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

# What a terminal obeys (escape sequences, C1 codes), and what turns the reading direction round.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

__all__ = ["Folder", "Format", "Output", "console", "notes", "print_json", "print_rows"]

Format = Literal["table", "json", "csv"]

console = Console(highlight=False)
notes = Console(stderr=True, highlight=False)


@Parameter(name="*")
@dataclass(frozen=True)
class Folder:
    """Where the data is."""

    data: Annotated[Path | None, Parameter(env_var="FOOTFALL_DATA")] = None
    """The data folder; ./footfall-data when not given."""


@Parameter(name="*")
@dataclass(frozen=True)
class Output(Folder):
    """Where the data is, and how to print."""

    format: Format = "table"
    """table for people, json as the API gives it, csv for the next program."""


def print_json(value: Any) -> None:
    """Print one JSON document, readable in a terminal and compact in a pipe."""
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    sys.stdout.write((_OBEYED.sub(_json_escape, text) if indent else text) + "\n")


def print_rows(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    style: Format,
    *,
    title: str = "",
    whole: Any = None,
) -> None:
    """Print rows; ``whole`` is what JSON prints instead of a list of objects."""
    if style == "json":
        print_json(whole if whole is not None else [dict(zip(columns, row, strict=True)) for row in rows])
    elif style == "csv":
        from footfall.core.formulas import harmless  # it loads pyarrow

        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([harmless(column) for column in columns])
        writer.writerows([harmless(_plain(value)) for value in row] for row in rows)
    else:
        table = Table(title=title or None, title_justify="left", title_style="bold", header_style="dim")
        rows = list(rows)
        for index, column in enumerate(columns):
            numeric = bool(rows) and all(isinstance(row[index], int | float | None) for row in rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_shown(value)) for value in row))
        console.print(table)
        if not rows:
            console.print(Text("No rows: nothing has arrived for this question yet.", style="dim"))


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
        case list() | dict():
            return _visible(json.dumps(value, ensure_ascii=False))
        case _:
            return _visible(str(value))


def _visible(text: str) -> str:
    """Write out what a terminal would obey: a log's text must not clear the screen or set its title."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _json_escape(found: re.Match[str]) -> str:
    """Escape a character of a JSON text; new lines between values stay."""
    return found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}"
