"""JSON lines of any log as cells: nested names are joined by dots, lists of text by commas.

Blocks go through Arrow's reader; only where a line is no object, or types change from line to line,
they are read one by one.
"""

import io
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from footfall.core.accesslog.cells import Cells, cells_of, filled_lines, respread, text_of
from footfall.core.accesslog.columnar import Ints
from footfall.core.accesslog.fields import Extra, ExtraKind, Refused
from footfall.core.accesslog.properties import property_objects

__all__ = ["json_cells", "json_text"]

DEEPEST = 8  # nested names beyond are kept as JSON
LINE_BYTES = 1 << 20
MOST_NAMES = 512  # different names in one block; a log has a few dozen

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def json_cells(
    block: bytes, times: Iterable[str]
) -> tuple[Cells, tuple[Refused, ...], dict[str, ExtraKind]]:
    """Return the objects' values, the lines that are none, and which names always hold numbers.

    ``times`` are names whose text is left as it is, though it looks like a time.
    """
    block_from = 3 if block.startswith(b"\xef\xbb\xbf") else 0
    starts, ends, lines = filled_lines(block)
    if block_from and len(starts) and starts[0] == 0:
        starts = starts.copy()
        starts[0] = min(block_from, int(ends[0]))
    odd = _odd_places(block, starts, ends)
    blank = [place for place in odd.tolist() if not block[starts[place] : ends[place]].strip()]
    if blank:
        starts, ends, lines = (np.delete(each, blank) for each in (starts, ends, lines))
    table = _read(block[block_from:], block, starts, ends, times)
    if table is not None:
        columns = {name: _cell(values) for name, values in _flat(table)}
        kinds: dict[str, ExtraKind] = {
            name: "number"
            for name, values in _flat(table)
            if pa.types.is_floating(values.type)
            or pa.types.is_integer(values.type)
            or pa.types.is_boolean(values.type)
        }
        return Cells(lines, _begin(starts, block_from), ends, columns), (), kinds
    return _one_by_one(block, starts, ends, lines, block_from)


def json_text(table: pa.Table) -> bytes:
    """Return a table as JSON lines, one a row; nested columns are taken apart, names joined by dots."""
    columns = {
        name: Extra("text" if pa.types.is_string(values.type) else "number", _cell(values))
        for name, values in _flat(table)
    }
    objects = property_objects(columns, lambda _, values: values, table.num_rows, LINE_BYTES)
    lines = pc.binary_join_element_wise(pc.fill_null(objects, "{}"), "\n", "")
    return "".join(lines.to_pylist()).encode("utf-8", "replace")


def _begin(starts: Ints, block_from: int) -> Ints:
    """Return the bytes where lines start: a byte order mark belongs to the first."""
    return np.where(starts == block_from, 0, starts) if block_from else starts


def _odd_places(block: bytes, starts: Ints, ends: Ints) -> Ints:
    """Return the lines that do not begin with ``{`` and end with ``}``."""
    buffer = np.frombuffer(block or b"\n", np.uint8)
    if not len(starts):
        return np.zeros(0, np.int64)
    found: Ints = np.flatnonzero(
        (buffer[np.minimum(starts, len(buffer) - 1)] != ord("{")) | (buffer[ends - 1] != ord("}"))
    )
    return found


def _read(data: bytes, block: bytes, starts: Ints, ends: Ints, times: Iterable[str]) -> pa.Table | None:
    """Read all lines at once; None when one is odd.

    No object can span lines that begin with ``{`` and end with ``}`` (JSON has nowhere ``}{``), so as
    many rows as lines means a row a line.
    """
    if not len(starts) or len(_odd_places(block, starts, ends)):
        return None
    options = pj.ParseOptions(explicit_schema=pa.schema([(name, pa.string()) for name in times]))
    reading = pj.ReadOptions(block_size=max(len(data) + 1, 1 << 16))
    try:
        table = pj.read_json(io.BytesIO(data), read_options=reading, parse_options=options)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return _read_texts(data, reading, starts)
    return table.combine_chunks() if table.num_rows == len(starts) else None


def _read_texts(data: bytes, reading: pj.ReadOptions, starts: Ints) -> pa.Table | None:
    """Read again without names to be texts: a log that writes its times as numbers."""
    try:
        table = pj.read_json(io.BytesIO(data), read_options=reading)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        return None
    return table.combine_chunks() if table.num_rows == len(starts) else None


def _flat(table: pa.Table) -> list[tuple[str, pa.Array]]:
    """Return columns of values; structs are taken apart."""
    found: list[tuple[str, pa.Array]] = []

    def add(name: str, values: pa.Array, depth: int) -> None:
        if pa.types.is_struct(values.type) and depth < DEEPEST:
            for place, part in enumerate(values.flatten()):
                add(f"{name}.{values.type.field(place).name}", part, depth + 1)
        elif not pa.types.is_null(values.type):
            found.append((name, values))

    for name, column in zip(table.column_names, table.columns, strict=True):
        add(name, column.combine_chunks() if column.num_chunks != 1 else column.chunk(0), 1)
    return found


def _cell(values: pa.Array) -> pa.DictionaryArray:
    """Return values as text; ``-`` and nothing are null, as in other logs."""
    kind = values.type
    if pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
        values = pc.binary_join(values, ", ")
    elif pa.types.is_nested(kind):
        values = pa.array(
            [None if value is None else _encode(value).decode() for value in values.to_pylist()],
            pa.string(),
        )
    elif pa.types.is_timestamp(kind):
        values = pc.binary_join_element_wise(values.cast(pa.string()), "Z", "")
    encoded = values.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    nothing = pc.is_in(texts, pa.array(["", "-"]))
    return respread(pc.if_else(nothing, pa.scalar(None, pa.string()), texts), encoded.indices)


def _one_by_one(
    block: bytes, starts: Ints, ends: Ints, lines: Ints, block_from: int
) -> tuple[Cells, tuple[Refused, ...], dict[str, ExtraKind]]:
    rows: list[dict[str, str | None]] = []
    refused: list[Refused] = []
    read: list[int] = []
    numeric: dict[str, bool] = {}
    begins = _begin(starts, block_from)
    for place, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        value, why = _object(block[start:end])
        if why:
            body = block[int(begins[place]) : end]
            refused.append(Refused(int(lines[place]), int(begins[place]), body, (why,)))
            continue
        row: dict[str, str | None] = {}
        _flatten(value, "", row, numeric, 1)
        rows.append(row)
        read.append(place)
    kinds: dict[str, ExtraKind] = {name: "number" for name, always in numeric.items() if always}
    return cells_of(rows, lines[read], begins[read], ends[read]), tuple(refused), kinds


def _object(line: bytes) -> tuple[Any, str | None]:
    try:
        value = _decode(text_of(line))
    except (msgspec.MsgspecError, UnicodeError) as error:
        return None, f"it is not JSON: {error}"
    except RecursionError:
        return None, "it nests too deep to be read"
    return value, None if isinstance(value, dict) else "it is JSON, but no object"


def _flatten(
    value: dict[str, Any], above: str, row: dict[str, str | None], numeric: dict[str, bool], depth: int
) -> None:
    for key, inner in value.items():
        name = above + key
        if isinstance(inner, dict) and depth < DEEPEST:
            _flatten(inner, name + ".", row, numeric, depth + 1)
            continue
        if inner is None or (name not in numeric and len(numeric) >= MOST_NAMES):
            continue
        row[name] = _text(inner)
        numeric[name] = numeric.get(name, True) and isinstance(inner, bool | int | float)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return _encode(value).decode()
