"""Tables with a day in each row: which columns are the metrics, and what they hold."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from footfall.core.compare.daily import METRICS, PRODUCTS, Daily, Metric, ProductName, Unreadable
from footfall.core.compare.moments import NotADay, day_of
from footfall.core.compare.sheet import Row, Sheet

__all__ = ["count_of", "place_of", "read_sheets"]

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_GROUPED = re.compile(r"\d{1,3}(?:[, '\u00a0\u202f]\d{3})+(?:\.\d+)?")
_GAP = re.compile(r"[, '\u00a0\u202f]")
_EMPTY = frozenset({"", "-", "–", "null", "none", "nan", "(not set)"})
_TOTALS = frozenset({"total", "totals", "grand total"})
_NTH = "nth day"
_MOST_NAMED = 12


def read_sheets(product: ProductName, sheets: Sequence[Sheet], chosen: Mapping[Metric, str]) -> Daily:
    """Read every table that has days and metrics; a metric is that of the first table that has it.

    Raises Unreadable when none has.
    """
    days: dict[date, dict[Metric, int]] = {}
    columns: dict[Metric, str] = {}
    for sheet in sheets:
        at = _day_column(product, sheet.header)
        if at is None:
            continue
        found = {
            m: place for m, place in _places(product, sheet.header, chosen).items() if m not in columns
        }
        if not found:
            continue
        for day, values in _rows_of(sheet, at, found).items():
            days.setdefault(day, {}).update(values)
        columns.update({metric: sheet.header[place] for metric, place in found.items()})
    if not columns:
        raise _nothing_known(product, sheets)
    about = PRODUCTS[product].about
    notes = [about[name.lower()] for name in columns.values() if name.lower() in about]
    return Daily(product=product, days=days, columns=columns, notes=tuple(notes))


def place_of(header: Sequence[str], name: str) -> int | None:
    """Find a column by its header (in any case) or its number from 1, ``#2``."""
    if re.fullmatch(r"#[1-9]\d{0,3}", name):
        place = int(name[1:]) - 1
        return place if place < len(header) else None
    lowered = [each.lower() for each in header]
    return lowered.index(name.lower()) if name.lower() in lowered else None


def count_of(text: str, line: int) -> int | None:
    """Read a count; None for an empty cell. Thousands may be grouped; a fraction is rounded."""
    if text.lower() in _EMPTY:
        return None
    plain = _GAP.sub("", text) if _GROUPED.fullmatch(text) else text
    if not _NUMBER.fullmatch(plain) or len(plain) > 20:
        raise Unreadable(f"line {line} has {text[:40]!r} where a count should be")
    return round(float(plain))


def _day_column(product: ProductName, header: Sequence[str]) -> int | None:
    places = (place_of(header, name) for name in PRODUCTS[product].days)
    return next((place for place in places if place is not None), None)


def _places(product: ProductName, header: Sequence[str], chosen: Mapping[Metric, str]) -> dict[Metric, int]:
    known = PRODUCTS[product].columns
    found: dict[Metric, int] = {}
    for metric in METRICS:
        names = (chosen[metric],) if metric in chosen else known.get(metric, ())
        places = (place_of(header, name) for name in names)
        place = next((each for each in places if each is not None), None)
        if place is not None:
            found[metric] = place
    return found


def _rows_of(sheet: Sheet, at: int, found: Mapping[Metric, int]) -> dict[date, dict[Metric, int]]:
    days: dict[date, dict[Metric, int]] = {}
    counted = sheet.header[at].lower() == _NTH
    for row in sheet.rows:
        if _is_total(row, at):
            continue
        if len(row.cells) <= max(at, *found.values()):
            raise Unreadable(f"line {row.line} has {len(row.cells)} cells, fewer than the header")
        day = _nth(row, at, sheet.start) if counted else _day(row, at)
        if day in days:
            raise Unreadable(
                f"line {row.line} is the second of {day}",
                "Its rows are divided by another column too; export the numbers by day alone",
            )
        values = {m: count_of(row.cells[place], row.line) for m, place in found.items()}
        days[day] = {metric: value for metric, value in values.items() if value is not None}
    return days


def _is_total(row: Row, at: int) -> bool:
    """Tell whether it is the sum below (or above) the days: its day is empty, or says so."""
    day = row.cells[at].lower() if at < len(row.cells) else ""
    return day in _TOTALS or (not day and any(cell.lower() in _TOTALS for cell in row.cells))


def _day(row: Row, at: int) -> date:
    try:
        return day_of(row.cells[at])
    except NotADay as error:
        cause = f"line {row.line}: {row.cells[at][:40]!r} {error}"
        raise Unreadable(cause, "Export the numbers by day, with days written as 2026-01-31") from error


def _nth(row: Row, at: int, start: date | None) -> date:
    """Return the day of GA4's "Nth day", counted from 0 at the start date in the comments above."""
    if start is None:
        raise Unreadable(
            f'line {row.line} counts days from a "# Start date:" that is not there',
            "Leave the comment lines at the top of the file as they were downloaded",
        )
    if not re.fullmatch(r"\d{1,4}", row.cells[at], re.ASCII):
        raise Unreadable(f"line {row.line}: {row.cells[at][:40]!r} is no number of a day")
    return start + timedelta(days=int(row.cells[at]))


def _nothing_known(product: ProductName, sheets: Sequence[Sheet]) -> Unreadable:
    headers = [name for sheet in sheets for name in sheet.header if name]
    shown = ", ".join(dict.fromkeys(headers[:_MOST_NAMED]))
    dated = [sheet for sheet in sheets if _day_column(product, sheet.header) is not None]
    if dated:
        return Unreadable(
            f"none of its columns is known ({shown})",
            "Name them: --column visitors=NAME --column page_views=NAME --column visits=NAME",
        )
    return Unreadable(
        f"no column is a day ({', '.join(PRODUCTS[product].days)}); it has {shown or 'no header'}",
        f"Take {PRODUCTS[product].where}",
    )
