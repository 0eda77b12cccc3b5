"""The exports of other products: bytes in, ``Daily`` out."""

import csv
from collections.abc import Mapping
from datetime import timedelta, tzinfo
from itertools import pairwise

import msgspec

from footfall.core.compare.columns import read_sheets
from footfall.core.compare.daily import METRICS, PRODUCTS, Daily, Metric, ProductName, Unreadable
from footfall.core.compare.posthog import has_series, upright
from footfall.core.compare.sheet import sheets_of, text_of
from footfall.core.compare.umami import counts_of_answer, counts_of_events, is_answer, is_events
from footfall.errors import BadExport

__all__ = ["looks_like", "read_export"]

# Columns that one product alone has in its exports.
_TELLING: Mapping[ProductName, frozenset[str]] = {
    "plausible": frozenset({"views_per_visit", "visit_duration", "visitors"}),
    "ga4": frozenset({"nth day", "active users", "total users", "activeusers", "screenpageviews"}),
    "umami": frozenset({"website_id", "visit_id", "url_path", "event_type"}),
    "posthog": frozenset({"series", "custom name"}),
    "matomo": frozenset({"nb_visits", "nb_uniq_visitors", "nb_actions", "unique visitors"}),
}


def read_export(
    product: ProductName, data: bytes, path: str, zone: tzinfo, chosen: Mapping[Metric, str] | None = None
) -> Daily:
    """Read an export; ``chosen`` names a metric's column (or series) where its name is not known.

    A column is named by its header or by its number, ``#2``. ``zone`` counts where the export holds
    single events: their days are made in it. Raises BadExport.
    """
    try:
        return _checked(_read(product, data, zone, chosen or {}))
    except Unreadable as problem:
        other = _other_product(product, data)
        looks = f"It looks like an export of {PRODUCTS[other].title}: --as {other}" if other else ""
        raise BadExport(
            path=path,
            product=PRODUCTS[product].title,
            cause=problem.cause,
            hint=looks or problem.hint or f"Take {PRODUCTS[product].where}",
        ) from problem


def looks_like(header: tuple[str, ...], certain: int = 1) -> ProductName | None:
    """Tell whose export a header is, by ``certain`` telling columns; None when nobody's."""
    names = {name.lower() for name in header}
    scores = {product: len(names & telling) for product, telling in _TELLING.items()}
    best = max(scores, key=lambda product: scores[product])
    return best if scores[best] >= certain else None


def _other_product(product: ProductName, data: bytes) -> ProductName | None:
    try:
        sheets = sheets_of(text_of(data))
    except csv.Error:
        return None
    found = [likely for sheet in sheets[:5] if (likely := looks_like(sheet.header))]
    return found[0] if found and product not in found else None


def _read(product: ProductName, data: bytes, zone: tzinfo, chosen: Mapping[Metric, str]) -> Daily:
    if data.startswith(b"PK\x03\x04"):
        raise Unreadable("it is a zip or Excel file")
    text = text_of(data)
    if not text.strip():
        raise Unreadable("it is empty")
    if product == "umami" and is_answer(text):
        columns = dict(zip(METRICS, ("sessions", "pageviews"), strict=False))
        return Daily(product=product, days=counts_of_answer(text), columns=columns)
    if product == "umami" and is_events(text):
        columns = dict(zip(METRICS, ("session_id", "event_type 1", "visit_id"), strict=True))
        return Daily(product=product, days=counts_of_events(text, zone), columns=columns, at_utc=True)
    if text.lstrip().startswith(("{", "<")):
        raise Unreadable("it is JSON, XML or HTML and no CSV")
    try:
        sheets = sheets_of(text)
    except csv.Error as error:
        raise Unreadable(f"it is no CSV ({error})") from error
    whose = {likely for sheet in sheets if (likely := looks_like(sheet.header, certain=2))}
    if whose and product not in whose and not chosen:
        raise Unreadable("its columns are another product's")
    if product == "posthog" and any(has_series(sheet) for sheet in sheets):
        sheets = [upright(sheet, chosen) for sheet in sheets if has_series(sheet)]
        chosen = {}
    return read_sheets(product, sheets, chosen)


def _checked(daily: Daily) -> Daily:
    """Return the export with its days in order. Raises Unreadable where the rows are no single days."""
    days = sorted(daily.days)
    if not days:
        raise Unreadable("it has no row with a day")
    gaps = {after - before for before, after in pairwise(days)}
    if len(days) > 2 and min(gaps) >= timedelta(days=7):
        step = "weeks" if min(gaps) < timedelta(days=28) else "months"
        raise Unreadable(f"its rows are {step}", "Export the numbers by day")
    return msgspec.structs.replace(daily, days={day: daily.days[day] for day in days})
