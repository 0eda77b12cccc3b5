"""Another product's CSV file as sheets: bytes in, header and numbered rows out.

UTF-16 as Matomo writes it, GA4's comment lines and several tables in one file are all met here.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date
from io import StringIO
from typing import NamedTuple

from footfall.core.compare.moments import compact_day

__all__ = ["Row", "Sheet", "sheets_of", "text_of"]

_DELIMITERS = ",;\t"
_START = re.compile(r"#\s*Start date:\s*(\d{8})", re.IGNORECASE)


class Row(NamedTuple):
    """A row's cells, stripped, and its line in the file, counted from 1."""

    line: int
    cells: tuple[str, ...]


class Sheet(NamedTuple):
    """One table of the file; ``start`` is the first day that GA4's comments above it tell."""

    header: tuple[str, ...]
    line: int
    rows: list[Row]
    start: date | None = None


def text_of(data: bytes) -> str:
    """Decode a file: UTF-16 with its mark, UTF-8 with or without, else Latin-1."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def sheets_of(text: str) -> list[Sheet]:
    """Split a file into its tables: they are divided by comment lines and empty lines.

    Raises csv.Error where the text is no CSV.
    """
    sheets: list[Sheet] = []
    start: date | None = None
    inside = False
    for row in _rows(text):
        first = row.cells[0] if row.cells else ""
        if first.startswith("#") or not any(row.cells):
            inside = False
            found = _START.match(first)
            start = compact_day(found[1]) if found else start
        elif inside:
            sheets[-1].rows.append(row)
        else:
            inside = True
            sheets.append(Sheet(row.cells, row.line, [], start))
    return sheets


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text))
    for cells in reader:
        yield Row(reader.line_num, tuple(cell.strip() for cell in cells))


def _delimiter(text: str) -> str:
    header = next((line for line in StringIO(text) if line.strip() and not line.startswith("#")), "")
    return max(_DELIMITERS, key=header.count)
