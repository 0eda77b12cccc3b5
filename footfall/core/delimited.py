"""Delimited text (CSV, semicolons, tabs): bytes in, records out, each with its line and byte.

RFC 4180 with what is met in practice: a byte order mark, other delimiters, Latin-1 lines, ragged rows.
What the columns mean is said in ``field_names``.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from footfall.core.field_names import field_of

__all__ = ["BOM", "Record", "Table", "open_records", "read_header", "records", "row_of", "table_of"]

BOM = b"\xef\xbb\xbf"
DELIMITERS = ",;\t|"
UNCLOSED = "a quote is opened and not closed"
STRAY = "a quote is opened and not closed, or closed before the cell ends"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")
_DIGITS = "0123456789"
_NUMBER_FIELDS = frozenset({"time_spent", "value", "created_at", "sent_at", "user.age"})


@dataclass(frozen=True, slots=True)
class Table:
    """A file's header: its column names, its delimiter, and where the first row starts.

    ``numeric`` says of each column whether its numbers are numbers: no text field wants it.
    """

    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    delimiter: str
    header_bytes: int
    header_lines: int


class Record(NamedTuple):
    """One record: where it starts in the data (byte, line from 0) and its cells, or why it has none."""

    offset: int
    line: int
    cells: list[str]
    reasons: tuple[str, ...] = ()


def read_header(sample: bytes) -> Table | None:
    """Read the header row from a file's first bytes; None when there is none.

    The delimiter is the one that the header holds most often. Nameless columns are called column_N,
    a name's second column name_2.
    """
    text_start = len(BOM) if sample.startswith(BOM) else 0
    first = next((line for line in sample[text_start:].split(b"\n") if line.strip()), b"")
    delimiter = max(DELIMITERS, key=lambda mark: _decoded(first).count(mark))
    for record in records(sample, delimiter):
        if not record.cells or record.reasons:
            return None
        lines = sample.split(b"\n")
        after = record.line + 1 + sum(cell.count("\n") for cell in record.cells)
        used = min(len(sample), sum(len(line) + 1 for line in lines[:after]))
        return replace(table_of(record.cells, delimiter), header_bytes=used, header_lines=after)
    return None


def table_of(cells: Sequence[str], delimiter: str) -> Table:
    """Return a table with these columns whose rows start at the first byte."""
    names = _unique(cells)
    known = [field_of(name) for name in names]
    numeric = tuple(field is None or field[0] in _NUMBER_FIELDS for field in known)
    return Table(names, numeric, delimiter, 0, 0)


def _unique(cells: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = stem = cell.strip() or f"column_{place}"
        number = 2
        while name in names:
            name, number = f"{stem}_{number}", number + 1
        names.append(name)
    return tuple(names)


def open_records(data: bytes, delimiter: str) -> int:
    """Return how many of the bytes are whole records, when quotes may span lines; 0 when none is."""
    end = data.rfind(b"\n") + 1
    if b'"' not in data:
        return end
    place = end
    for record in records(data[:end], delimiter):
        place = record.offset
        if record.reasons == (UNCLOSED,):
            return place
    return end


def records(data: bytes, delimiter: str) -> Iterator[Record]:
    """Yield the records of whole lines; blank lines are passed over.

    When a record of several lines cannot be read, only its first line is given up: the quote that was
    not closed is in it, and the lines behind are read as records of their own.
    """
    lines = _lines(data)
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    place = 0
    while place < len(lines):
        rest = map(lines.__getitem__, range(place, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        base = begin = place
        while True:
            reason = None
            cells: list[str] = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = _reason(error)
            after = base + reader.line_num
            if reason or cells:
                yield Record(starts[begin], begin, cells, (reason,) if reason else ())
            if reason and after > begin + 1:
                place = begin + 1
                break
            begin = place = after


def _reason(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end" in text:
        return UNCLOSED
    if "expected after" in text:
        return STRAY
    return f"it is not delimited text ({text})"


def _lines(data: bytes) -> list[str]:
    """Return the lines as text, those that are no UTF-8 read as Latin-1."""
    body = data.removeprefix(BOM)
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError:
        lines = [_decoded(line) for line in body.split(b"\n")]
    if not lines[-1]:
        lines.pop()
    return [line + "\n" for line in lines]


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def row_of(table: Table, cells: list[str]) -> dict[str, Any]:
    """Return the filled cells by column name, numbers as numbers where no text field wants them.

    "NA" is text; "007" and numbers of more than 15 digits are too: they are names, not amounts.
    """
    row: dict[str, Any] = {}
    for name, numeric, cell in zip(table.names, table.numeric, cells, strict=False):
        text = cell.strip()
        if text:
            row[name] = _number(text) if numeric and text[-1] in _DIGITS else text
    return row


def _number(text: str) -> int | float | str:
    if text.isdecimal() and text.isascii():
        return text if len(text) > 15 or (text[0] == "0" and text != "0") else int(text)
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdigit() else float(text)
