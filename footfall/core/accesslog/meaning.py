"""What cells mean: times, numbers, addresses and urls, each distinct value looked at once.

A format says which of its cells is what; ``conclude`` sorts out the lines where one is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells, no_values, respread
from footfall.core.accesslog.columnar import PADDING, Flags, Ints, clf_times
from footfall.core.accesslog.fields import Extra, ExtraKind, Parsed, Refused, line_table

__all__ = [
    "Wrong",
    "address_of",
    "clf_moments",
    "combinations",
    "conclude",
    "extras",
    "iso_moments",
    "joined",
    "mapped",
    "moments",
    "present",
    "request_parts",
    "request_url",
    "singled_out",
    "statuses",
    "together",
    "whole_numbers",
]

Wrong = tuple[Flags, str]
"""Which lines are refused, and why."""

_HOST = r"^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$"
_REQUEST = r"^(?P<method>[A-Z][A-Za-z_-]{0,31}) (?P<target>\S(?:.*\S)?)(?: +(?P<version>HTTP/\d(?:\.\d)?))$"
_REQUEST_0_9 = r"^(?P<method>GET) (?P<target>\S+)$"
_V4, _V6 = r"\d+\.\d+\.\d+\.\d+", r"(?:[0-9A-Fa-f]+:){7}[0-9A-Fa-f]+"
_WITH_PORT = rf"^(?:\[([0-9A-Fa-f:.]+)\]|({_V4}|{_V6}))(?::\d+)?$"
_ID = r"^[A-Za-z0-9_=+/.:-]{8,128}$"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def present(cell: pa.DictionaryArray) -> Flags:
    """Say which lines have a value."""
    found: Flags = np.asarray(cell.indices.is_valid())
    return found


def mapped(cell: pa.DictionaryArray, function: Callable[[pa.Array], Any]) -> pa.DictionaryArray:
    """Apply an Arrow function to the distinct values."""
    return respread(function(cell.dictionary), cell.indices)


def together(
    function: Callable[..., str | None], cells: Sequence[pa.DictionaryArray]
) -> pa.DictionaryArray:
    """Call a function for each distinct combination of values (None for null); all nulls stay null."""
    rows, index = combinations(cells)
    parts = [cell.take(pa.array(rows)).to_pylist() for cell in cells]
    results = [
        None if all(part is None for part in value) else function(*value)
        for value in zip(*parts, strict=True)
    ]
    return respread(pa.array(results, pa.string()), index)


def combinations(cells: Sequence[pa.DictionaryArray]) -> tuple[Ints, pa.Array]:
    """Return a row for each distinct combination of values, and for each row the combination's number."""
    keys, many = np.zeros(len(cells[0]), np.int64), 1
    for cell in cells:
        width = len(cell.dictionary) + 1
        if many * width >= 1 << 62:
            keys = np.asarray(pa.array(keys).dictionary_encode().indices).astype(np.int64)
            many = len(keys)
        keys = keys * width + np.asarray(cell.indices.fill_null(width - 1))
        many *= width
    index = pa.array(keys).dictionary_encode().indices
    numbers = np.asarray(index)
    rows = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
    rows[numbers[::-1]] = np.arange(len(numbers))[::-1]
    return rows, index


def whole_numbers(cell: pa.DictionaryArray) -> tuple[pa.Array, Flags]:
    """Return the numbers of 1 to 18 digits, and the lines where something else stands."""
    values = cell.dictionary
    fine = pc.match_substring_regex(values, r"^\d{1,18}$")
    numbers = pc.if_else(fine, values, None).cast(pa.int64()).take(cell.indices)
    wrong: Flags = present(cell) & ~np.asarray(numbers.is_valid())
    return numbers, wrong


def statuses(cell: pa.DictionaryArray) -> tuple[pa.Array, Flags]:
    """Return HTTP statuses; ``000`` (the client was gone before an answer) and ``0`` are none."""
    numbers, wrong = whole_numbers(cell)
    wrong |= np.asarray(pc.fill_null(pc.greater(numbers, 999), False))
    answered = pc.fill_null(pc.greater_equal(numbers, 100), False)
    wrong |= np.asarray(pc.fill_null(pc.and_(pc.less(numbers, 100), pc.greater(numbers, 0)), False))
    return pc.if_else(answered, numbers, pa.scalar(None, pa.int64())), wrong


def clf_moments(cell: pa.DictionaryArray) -> tuple[Ints, Flags]:
    """Read ``17/May/2015:10:05:03 +0000``: UTC microseconds, and where that is wrong or missing."""
    values = cell.dictionary
    sized = np.asarray(pc.equal(pc.binary_length(values), 26))
    fitting = values if sized.all() else pc.if_else(sized, values, " " * 26)
    whole = pa.ListArray.from_arrays(pa.array([0, len(fitting)], pa.int32()), fitting)
    text = pc.binary_join(whole, "")[0].as_py().encode() + bytes(PADDING)
    moments, fine = clf_times(np.frombuffer(text, np.uint8), np.arange(len(values)) * 26)
    return _spread_moments(cell, moments, fine & sized)


def iso_moments(cell: pa.DictionaryArray) -> tuple[Ints, Flags]:
    """Read ISO 8601 (``T`` or a space; without a zone UTC; nanoseconds are cut), and where it is wrong."""
    values = cell.dictionary
    trimmed = pc.replace_substring_regex(values, r"^(.{19}\.\d{6})\d+", r"\1")
    zoned = pc.match_substring_regex(trimmed, r"(Z|[+-]\d\d:?\d\d)$")
    try:
        whole = pc.if_else(zoned, trimmed, pc.binary_join_element_wise(trimmed, "Z", ""))
        moments = np.asarray(whole.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(0))
        fine = np.asarray(pc.match_substring_regex(trimmed, r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d"))
    except pa.ArrowInvalid:
        found = [_iso_moment(text) for text in trimmed.to_pylist()]
        moments = np.array([moment or 0 for moment in found], np.int64)
        fine = np.array([moment is not None for moment in found], np.bool_)
    return _spread_moments(cell, moments, fine)


def _iso_moment(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        elapsed = moment - _EPOCH
    except OverflowError:
        return None
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds


def _spread_moments(cell: pa.DictionaryArray, values: Ints, fine: Flags) -> tuple[Ints, Flags]:
    place = np.asarray(cell.indices.fill_null(len(values)))
    moments: Ints = np.append(values, 0)[place]
    wrong: Flags = ~np.append(fine, False)[place]
    return moments, wrong


def address_of(cell: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return ``address:port``, ``[address]:port`` or a bare address without brackets and port."""
    return mapped(
        cell,
        lambda values: pc.replace_substring_regex(values, _WITH_PORT, r"\1\2"),
    )


def request_parts(cell: pa.DictionaryArray) -> dict[str, pa.DictionaryArray]:
    """Split ``GET /path HTTP/1.1`` into method and target; what is no HTTP request becomes the note."""
    values = cell.dictionary
    parts, old = pc.extract_regex(values, _REQUEST), pc.extract_regex(values, _REQUEST_0_9)
    method, target = (
        pc.coalesce(pc.struct_field(parts, name), pc.struct_field(old, name))
        for name in ("method", "target")
    )
    note = pc.if_else(pc.is_valid(method), pa.scalar(None, pa.string()), values)
    columns = {"method": method, "target": target, "note": note}
    return {name: respread(column, cell.indices) for name, column in columns.items()}


def request_url(
    scheme: pa.DictionaryArray,
    host: pa.DictionaryArray,
    path: pa.DictionaryArray,
    query: pa.DictionaryArray,
) -> pa.DictionaryArray:
    """Join the parts of a url; a host that is none (clients may write anything there) is left out."""
    good = mapped(
        host, lambda values: pc.if_else(pc.match_substring_regex(values, _HOST), values, None)
    )  # fmt: skip

    def joined(scheme: str | None, host: str | None, path: str | None, query: str | None) -> str | None:
        if path is None:
            return None
        target = f"{path}?{query}" if query else path
        if not host or not path.startswith("/"):
            return target
        known = "http" if scheme in {"http", "ws", "h2c"} else "https"
        return f"{known}://{host}/{target.lstrip('/')}"

    return together(joined, (scheme, good, path, query))


def singled_out(cell: pa.DictionaryArray) -> pa.Array:
    """Return ids that have the look of one; null where not, so that the line's place becomes the id."""
    values = cell.dictionary
    good = pc.if_else(pc.match_substring_regex(values, _ID), values, pa.scalar(None, pa.string()))
    return good.take(cell.indices)


def extras(
    cells: Cells, used: frozenset[str], kinds: Mapping[str, ExtraKind]
) -> dict[str, Extra]:  # fmt: skip
    """Return every cell that has no column of ours, by its documented name; unknown ones are text."""
    return {
        name: Extra(kinds.get(name, "text"), values)
        for name, values in cells.columns.items()
        if name not in used and values.indices.null_count < len(values)
    }


def conclude(
    block: bytes,
    cells: Cells,
    columns: Mapping[str, object],
    wrong: Sequence[Wrong],
    extra: Mapping[str, Extra],
    header: str | None = None,
) -> Parsed:
    """Return the lines where nothing is wrong as rows, the others refused with all their reasons."""
    table = line_table({"line": cells.line, "offset": cells.offset, **columns}, len(cells))
    bad = np.zeros(len(cells), np.bool_)
    for flags, _ in wrong:
        bad |= flags
    if not bad.any():
        return Parsed(table, (), extra)
    refused = tuple(
        Refused(
            int(cells.line[place]),
            int(cells.offset[place]),
            block[cells.offset[place] : cells.end[place]],
            tuple(reason for flags, reason in wrong if flags[place]),
            header,
        )
        for place in np.flatnonzero(bad).tolist()
    )
    kept = pa.array(~bad)
    few = {name: Extra(kind, values.filter(kept)) for name, (kind, values) in extra.items()}
    return Parsed(table.filter(kept), refused, few)


def joined(parts: Sequence[Parsed], header: str | None = None) -> Parsed:
    """Return what was parsed apart (lines below different headers) in the order of the file."""
    refused = tuple(sorted((line for part in parts for line in part.refused), key=lambda line: line.line))
    full = [part for part in parts if part.rows.num_rows]
    if len(full) <= 1:
        part = full[0] if full else Parsed(line_table({}, 0))
        return Parsed(part.rows, refused, part.extra, header)
    rows = pa.concat_tables([part.rows for part in full]).unify_dictionaries().combine_chunks()
    order = pc.sort_indices(rows["line"])
    kinds = {name: extra.kind for part in full for name, extra in part.extra.items()}
    extra = {}
    for name, kind in kinds.items():
        columns = [
            part.extra[name].values if name in part.extra else no_values(part.rows.num_rows)
            for part in full
        ]
        whole = pa.chunked_array(columns).unify_dictionaries().combine_chunks()
        extra[name] = Extra(kind, pc.take(whole, order))
    return Parsed(rows.take(order), refused, extra, header)


def moments(cell: pa.DictionaryArray) -> tuple[Ints, Flags]:
    """Read a time as JSON logs write it: epoch (seconds to nanoseconds), ISO 8601, or Apache's ``%t``."""
    values = pc.replace_substring_regex(cell.dictionary, r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3")
    distinct = pa.DictionaryArray.from_arrays(pa.array(np.arange(len(values), dtype=np.int32)), values)
    epoch = np.asarray(pc.match_substring_regex(values, r"^\d{1,19}(\.\d+)?([eE]\+?\d{1,2})?$"))
    numbers = np.asarray(
        pc.if_else(pa.array(epoch), values, "0").cast(pa.float64()), np.float64
    )  # fmt: skip
    scale = np.select([numbers < 1e11, numbers < 1e14, numbers < 1e17], [1e6, 1e3, 1.0], 1e-3)
    clf = np.asarray(pc.match_substring_regex(values, r"^\d\d/[A-Z][a-z]{2}/"))
    iso = pa.array(~(epoch | clf))
    dated, undated = iso_moments(
        distinct
        if iso.true_count == len(iso)
        else respread(pc.if_else(iso, values, None), distinct.indices)
    )
    local, unlocal = clf_moments(distinct)
    found = np.select([epoch, clf], [np.rint(numbers * scale).astype(np.int64), local], dated)
    fine = np.select([epoch, clf], [numbers * scale < 9e18, ~unlocal], ~undated)
    return _spread_moments(cell, found, fine)
