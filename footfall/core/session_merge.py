"""Sessions by columns: runs of new rows, and their merging with stored sessions that they touch.

The rule and its slow reference are in ``sessions``; here the same is done for a whole batch at
once, with NumPy, so that the warehouse only has to look up and swap the sessions concerned.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.sessions import SESSION_GAP, session_id_of

__all__ = [
    "GAP_US",
    "HIT_COLUMNS",
    "KEYS",
    "PIECE_SCHEMA",
    "Merged",
    "merge_pieces",
    "runs_of",
    "session_ids",
]

Ints = npt.NDArray[np.int64]

GAP_US = int(SESSION_GAP.total_seconds() * 1_000_000)
NEVER = np.iinfo(np.int64).min
KEYS = ("app_id", "visitor_id", "is_bot")
"""Whose a session is."""

HIT_COLUMNS = (*KEYS, "created_at", "event", "path")
"""What runs are made of."""

MOST_OWNERS = 2**31  # so that an owner and a rank fit one number
PACKED_BITS = 62

PIECE_SCHEMA = pa.schema(
    [
        pa.field("app_id", pa.string()),
        pa.field("visitor_id", pa.string()),
        pa.field("is_bot", pa.bool_()),
        pa.field("started_at", pa.timestamp("us")),
        pa.field("ended_at", pa.timestamp("us")),
        pa.field("events", pa.int64()),
        pa.field("page_views", pa.int64()),
        pa.field("first_at", pa.timestamp("us")),
        pa.field("first_path", pa.string()),
        pa.field("last_at", pa.timestamp("us")),
        pa.field("last_path", pa.string()),
    ]
)
"""A session, or a part of one; ``first`` and ``last`` are its edge events that have a path."""


class Merged(NamedTuple):
    """Merged pieces in ``PIECE_SCHEMA``, and for each piece or row given the number of its own."""

    pieces: pa.Table
    number: Ints


def runs_of(rows: pa.Table) -> Merged:
    """Return the runs of rows in which no gap is longer than the session gap.

    ``rows`` needs ``HIT_COLUMNS``. It is ``merge_pieces`` of
    pieces that are one moment each, which need one sort only.
    """
    if not len(rows):
        return Merged(PIECE_SCHEMA.empty_table(), np.zeros(0, dtype=np.int64))
    owner, moment = _owners(rows), _micros(rows["created_at"])
    text = _text_ranks(rows["path"])
    order = _sorted_by(owner, moment, text)
    owner, moment, text = owner[order], moment[order], text[order]
    opens = np.empty(len(order), dtype=bool)
    opens[0] = True
    opens[1:] = (owner[1:] != owner[:-1]) | (moment[1:] - moment[:-1] > GAP_US)
    edges = np.flatnonzero(opens)
    last = np.append(edges[1:], len(order)) - 1
    columns: dict[str, Any] = {name: rows[name].take(pa.array(order[edges])) for name in KEYS}
    columns["started_at"], columns["ended_at"] = _times(moment[edges]), _times(moment[last])
    columns["events"] = pa.array(last - edges + 1)
    views = pc.equal(rows["event"], "page_view").cast(pa.int64()).to_numpy()
    columns["page_views"] = pa.array(np.add.reduceat(views[order], edges))
    place = np.arange(len(order))
    first = np.minimum.reduceat(np.where(text < 0, len(order), place), edges)
    final = np.maximum.reduceat(np.where(text < 0, -1, place), edges)
    for side, found in (("first", first), ("last", final)):
        without = (found < 0) | (found == len(order))
        source = pa.array(order[np.where(without, 0, found)], mask=without)
        columns[f"{side}_at"] = rows["created_at"].take(source)
        columns[f"{side}_path"] = rows["path"].take(source)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(opens) - 1
    return Merged(pa.table(columns, schema=PIECE_SCHEMA), number)


def merge_pieces(pieces: pa.Table) -> Merged:
    """Join the pieces of each visitor that lie within the session gap of each other.

    Pieces may overlap and come in any order; the result is the same for every order.
    """
    if not len(pieces):
        return Merged(pieces, np.zeros(0, dtype=np.int64))
    owner = _owners(pieces)
    started, ended = _micros(pieces["started_at"]), _micros(pieces["ended_at"])
    order = _sorted_by(owner, started)
    owner, started = owner[order], started[order]
    before = _latest_end(owner, ended[order])
    opens = np.empty(len(order), dtype=bool)
    opens[0] = True
    opens[1:] = (owner[1:] != owner[:-1]) | (started[1:] - before[:-1] > GAP_US)
    sorted_number = np.cumsum(opens) - 1
    number = np.empty(len(order), dtype=np.int64)
    number[order] = sorted_number
    edges = np.flatnonzero(opens)
    columns: dict[str, Any] = {name: pieces[name].take(pa.array(order[edges])) for name in KEYS}
    columns["started_at"] = _times(started[edges])
    columns["ended_at"] = _times(np.maximum.reduceat(ended[order], edges))
    for name in ("events", "page_views"):
        counts = pieces[name].to_numpy()[order]
        columns[name] = pa.array(np.add.reduceat(counts, edges))
    for side in ("first", "last"):
        columns |= _edge_page(pieces, number, len(edges), side)
    return Merged(pa.table(columns, schema=PIECE_SCHEMA), number)


def session_ids(pieces: pa.Table) -> pa.Array:
    """Return the id of the session that each merged piece is."""
    columns = [pieces[name].to_pylist() for name in (*KEYS, "started_at")]
    return pa.array([session_id_of(*piece) for piece in zip(*columns, strict=True)], pa.string())


def _owners(pieces: pa.Table) -> Ints:
    """Give a number to each (app, visitor, is_bot) that there is."""
    owner, width = np.zeros(len(pieces), dtype=np.int64), 1
    for name in KEYS:
        codes = _codes(pieces[name])
        different = int(codes.max()) + 1
        owner, width = owner * different + codes, width * different
        if width > MOST_OWNERS:
            found, owner = np.unique(owner, return_inverse=True)
            width = len(found)
    return owner.astype(np.int64)


def _sorted_by(*keys: Ints) -> Ints:
    """Return the order by the first key, then the next; packed into one number where they fit.

    One sort of packed keys takes a quarter of the time of a sort for each key.
    """
    packed, bits = np.zeros(len(keys[0]), dtype=np.int64), 0
    for key in keys:
        low, high = int(key.min()), int(key.max())
        width = (high - low).bit_length()
        bits += width
        if bits > PACKED_BITS:
            return np.lexsort(keys[::-1])
        packed = (packed << width) | (key - low)
    return np.argsort(packed, kind="stable")


def _codes(column: pa.ChunkedArray) -> Ints:
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def _micros(column: pa.ChunkedArray) -> Ints:
    numbers = pc.fill_null(column.cast(pa.int64()), NEVER)
    return np.asarray(numbers.to_numpy(), dtype=np.int64)


def _times(micros: Ints) -> pa.Array:
    return pa.array(micros, mask=micros == NEVER).cast(pa.timestamp("us"))


def _latest_end(owner: Ints, ended: Ints) -> Ints:
    """Return the running maximum of ``ended`` within each owner; ranks keep it in 64 bits."""
    values, rank = np.unique(ended, return_inverse=True)
    width = len(values)
    return np.asarray(values[np.maximum.accumulate(owner * width + rank) % width], dtype=np.int64)


def _edge_page(pieces: pa.Table, number: Ints, count: int, side: str) -> dict[str, Any]:
    """Pick each part's first or last event that has a path, by time and then by the path's text."""
    at = _micros(pieces[f"{side}_at"])
    text = _text_ranks(pieces[f"{side}_path"])
    known = np.flatnonzero(at != NEVER)
    order = known[_sorted_by(number[known], at[known], text[known])] if len(known) else known
    parts = number[order]
    turns = np.flatnonzero(parts[1:] != parts[:-1])
    picked = np.concatenate(([0], turns + 1)) if side == "first" else np.concatenate((turns, [-1]))
    chosen = order[picked] if len(order) else order
    source = np.full(count, -1, dtype=np.int64)
    source[number[chosen]] = chosen
    take = pa.array(source, mask=source < 0)
    return {name: pieces[name].take(take) for name in (f"{side}_at", f"{side}_path")}


def _text_ranks(column: pa.ChunkedArray) -> Ints:
    """Return each text's place in the order of all; -1 for null."""
    encoded = column.combine_chunks().dictionary_encode()
    by_text = np.asarray(pc.sort_indices(encoded.dictionary).to_numpy(), dtype=np.int64)
    place = np.empty(len(by_text) + 1, dtype=np.int64)
    place[by_text] = np.arange(len(by_text))
    place[-1] = -1
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return np.asarray(place[codes], dtype=np.int64)
