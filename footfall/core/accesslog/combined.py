r"""Apache's and nginx's ``combined`` and ``common`` lines.

``IP identity user [time] "request" status bytes "referrer" "user agent"``; ``common`` ends at the
bytes. Both names take both: what a line has is read, and further fields behind it are passed over.
Lines in the usual shape are read as columns; the others, one by one, by the exact grammar of
https://httpd.apache.org/docs/2.4/mod/mod_log_config.html (``\"`` and ``\xhh`` inside quotes).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import read_cells
from footfall.core.accesslog.columnar import (
    PADDING,
    Bytes,
    Flags,
    Ints,
    clf_times,
    lines_of,
    numbers,
    slices,
    utf8,
    windows,
)
from footfall.core.accesslog.fields import LINE_SCHEMA, LogFormat, Parsed, Refused, line_table
from footfall.core.accesslog.grid import Sign

__all__ = ["COMBINED", "COMMON", "parse"]


class _Shape(NamedTuple):
    """A line's cells between spaces, and which of them are texts."""

    width: int
    names: Mapping[int, str]


_HEAD = 96  # bytes in which a line with a user has its time
_SIGN = Sign(" ", quotes=True)
_SHORT = _Shape(8, {0: "ip", 2: "user", 5: "request"})
_FULL = _Shape(10, {**_SHORT.names, 8: "referrer", 9: "user_agent"})
_REQUEST = r"^(?P<method>[A-Z][A-Za-z_-]{0,31}) (?P<target>\S(?:.*\S)?)(?: +(?P<version>HTTP/\d(?:\.\d)?))$"
_REQUEST_0_9 = r"^(?P<method>GET) (?P<target>\S+)$"
_SENDER = r"^[0-9A-Za-z][0-9A-Za-z._:%-]*$|^::[0-9A-Fa-f:.]*$"

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_PIECES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    (
        "sender",
        re.compile(r"(?:[\w.-]+:\d+ )?([0-9A-Za-z:][0-9A-Za-z._:%-]*) \S+ (.*?) ?(?=\[)"),
        "it does not begin with an address, an identity and a user",
    ),
    ("time", re.compile(r" ?\[([^\]]*)\]"), "it has no time in [brackets]"),
    ("request", re.compile(" ?" + _QUOTED), 'it has no "request" in quotes'),
    ("status", re.compile(r" ?(?<!\S)(\d{3}|-)(?= |$)"), "it has no status of three digits"),
    ("bytes", re.compile(r" ?(?<!\S)(\d{1,18}|-)(?= |$)"), "it has no number of bytes"),
)
# A line may be cut inside its last fields (apache-10k has one): what stands before the cut is good.
_CUT = r'"((?:[^"\\]|\\.)*)(?:"|\\?$)'
_REST = re.compile(rf'(?: {_CUT}(?: {_CUT}(?:\s.*)?)?\s*|\s[^"]*)?', re.DOTALL)
_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|(["\\]))')


def parse(block: bytes, _header: str | None = None, /) -> Parsed:
    """Read whole lines; the usual ones as columns, the others one by one, blank ones not at all."""
    starts, ends = lines_of(block)
    filled = np.flatnonzero(ends > starts)
    starts, ends = starts[filled], ends[filled]
    padded = block + bytes(PADDING)
    usual = _usual(padded, starts, ends, not utf8(block))
    rows, read = _columns(padded, starts, ends, filled, usual)
    odd = np.flatnonzero(~read)
    if not len(odd):
        return Parsed(rows)
    more, refused = _one_by_one(block, starts[odd], ends[odd], filled[odd])
    if more.num_rows:
        rows = pa.concat_tables([rows, more]).unify_dictionaries().combine_chunks()
        rows = rows.take(pc.sort_indices(rows["line"]))
    return Parsed(rows, refused)


class _Layout(NamedTuple):
    """Where the parts of each line are; only meaningful for lines that ``fine`` marks.

    ``space`` is behind the address; ``full`` lines have a referrer and a user agent.
    """

    fine: Flags
    space: Ints
    bracket: Ints
    full: Flags
    marks: Ints


def _usual(padded: bytes, starts: Ints, ends: Ints, ascii_only: bool) -> _Layout:
    """Find the lines in the usual shape: identity ``-``, one time, no escapes, 2 or 6 and more quotes."""
    buffer = np.frombuffer(padded, np.uint8)
    size = len(buffer) - PADDING
    quotes = np.append(np.flatnonzero(buffer == ord('"')), [size] * 6)
    first = np.searchsorted(quotes[:-6], starts)
    count = np.searchsorted(quotes[:-6], ends) - first
    marks = quotes[first[:, None] + np.arange(6)]
    full = count >= 6
    fine = (count == 2) | full
    bracket = np.maximum(marks[:, 0] - 29, 0)
    space = bracket - 5
    fine &= (space > starts) & (buffer[bracket] == ord("["))
    named = np.flatnonzero(fine & ~_anonymous(buffer, space))
    if len(named):
        head = windows(buffer, starts[named], _HEAD)
        length = (bracket - starts)[named]
        spaces = (head == 32) & (np.arange(_HEAD) < length[:, None])
        fine[named] &= (spaces.sum(axis=1) == 3) & (buffer[bracket[named] - 1] == 32)
        fine[named] &= (head == ord("[")).argmax(axis=1) == length  # none in the user's name
        space[named] = starts[named] + spaces.argmax(axis=1)
    odd = buffer == ord("\\") if b"\\" in padded else None
    if ascii_only:
        odd = (buffer >= 128) if odd is None else odd | (buffer >= 128)
    if odd is not None:
        places = np.flatnonzero(odd)
        fine &= np.searchsorted(places, starts) == np.searchsorted(places, ends)

    def at(place: Ints, letter: str) -> Flags:
        found: Flags = buffer[np.clip(place, 0, len(buffer) - 1)] == ord(letter)
        return found

    fine &= (bracket + 30 < ends) & at(bracket + 27, "]") & at(bracket + 28, " ")
    fine &= at(marks[:, 1] + 1, " ") & at(marks[:, 1] + 5, " ")
    gap = at(marks[:, 2] - 1, " ") & (marks[:, 4] == marks[:, 3] + 2) & at(marks[:, 3] + 1, " ")
    fine &= ~full | (gap & ((marks[:, 5] + 1 == ends) | at(marks[:, 5] + 1, " ")))
    return _Layout(fine, space, bracket, full, marks)


def _anonymous(buffer: Bytes, space: Ints) -> Flags:
    """Say which lines have ``- -`` as identity and user."""
    found = np.ones(len(space), np.bool_)
    for step, letter in enumerate(b" - - "):
        found &= buffer[np.maximum(space + step, 0)] == letter
    return found


def _columns(
    padded: bytes, starts: Ints, ends: Ints, lines: Ints, layout: _Layout
) -> tuple[pa.Table, Flags]:
    """Read the usual lines; return their table and which of all lines it holds."""
    buffer = np.frombuffer(padded, np.uint8)
    chosen = np.flatnonzero(layout.fine)
    start, end, bracket = starts[chosen], ends[chosen], layout.bracket[chosen]
    marks, full = layout.marks[chosen], layout.full[chosen]
    space = layout.space[chosen]
    tail = np.where(full, marks[:, 2] - 1, end)
    times, timed = clf_times(buffer, bracket + 1)
    status, known = numbers(buffer, marks[:, 1] + 2, marks[:, 1] + 5)
    size, sized = numbers(buffer, marks[:, 1] + 6, tail)
    sized |= (tail == marks[:, 1] + 7) & (buffer[marks[:, 1] + 6] == ord("-"))  # "-" is CLF's zero
    texts = _texts(padded, start, end, space, bracket, marks, full)
    address = texts.pop("ip")
    fine = timed & known & sized & (buffer[space + 1] == ord("-")) & (buffer[space + 2] == 32)
    fine &= _matching(address, _SENDER)
    columns: dict[str, object] = {
        "line": lines[chosen],
        "offset": start,
        "created_at": pa.array(times).cast(pa.timestamp("us")),
        "ip": address,
        "status": status,
        "bytes": size,
        **_requests(texts.pop("request")),
        **texts,
    }
    table = line_table(columns, len(chosen))
    read = np.zeros(len(starts), np.bool_)
    read[chosen[fine]] = True
    return table if fine.all() else table.filter(pa.array(fine)), read


def _texts(
    padded: bytes, start: Ints, end: Ints, space: Ints, bracket: Ints, marks: Ints, full: Flags
) -> dict[str, pa.DictionaryArray]:
    """Return the texts of usual lines: by Arrow's CSV reader where all lines are of one shape."""
    shape = None
    if (full & (marks[:, 5] + 1 == end)).all():
        shape = _FULL
    elif not full.any():
        shape = _SHORT
    read = shape and read_cells(padded, start, end, shape.width, list(shape.names), _SIGN)
    if shape and read:
        return {name: read[place] for place, name in shape.names.items()}
    referrer, agent = np.where(full, marks.T + 1, 0)[[2, 4]]  # nothing to nothing in common lines
    referrer_end, agent_end = np.where(full, marks.T, 0)[[3, 5]]
    return {
        "ip": slices(padded, start, space),
        "user": slices(padded, space + 3, np.maximum(bracket - 1, space + 3)),
        "request": slices(padded, marks[:, 0] + 1, marks[:, 1]),
        "referrer": slices(padded, referrer, referrer_end),
        "user_agent": slices(padded, agent, agent_end),
    }


def _matching(values: pa.DictionaryArray, pattern: str) -> Flags:
    """Say of each row whether its value is there and matches; the pattern sees distinct values only."""
    matches = pc.match_substring_regex(values.dictionary, pattern)
    found: Flags = np.asarray(pc.fill_null(matches.take(values.indices), False))
    return found


def _requests(requests: pa.DictionaryArray) -> dict[str, object]:
    """Split distinct requests into method and target; what is no HTTP request becomes the note."""
    distinct = requests.dictionary
    parts = pc.extract_regex(distinct, _REQUEST)
    old = pc.extract_regex(distinct, _REQUEST_0_9)
    columns: dict[str, object] = {}
    for name in ("method", "target"):
        columns[name] = pc.coalesce(pc.struct_field(parts, name), pc.struct_field(old, name))
    columns["note"] = pc.if_else(pc.is_valid(columns["method"]), None, distinct)
    return {name: _spread(values, requests.indices) for name, values in columns.items()}


def _spread(values: Any, indices: pa.Array) -> pa.DictionaryArray:
    encoded = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.take(indices), encoded.dictionary)


def _one_by_one(
    block: bytes, starts: Ints, ends: Ints, lines: Ints
) -> tuple[pa.Table, tuple[Refused, ...]]:
    """Read odd lines by the exact grammar."""
    rows: list[dict[str, Any]] = []
    refused: list[Refused] = []
    for line, start, end in zip(lines.tolist(), starts.tolist(), ends.tolist(), strict=True):
        body = block[start:end]
        row, reasons = _exact(body)
        if reasons:
            refused.append(Refused(line, start, body, reasons))
        else:
            rows.append({"line": line, "offset": start, **row})
    names = [name for name in LINE_SCHEMA.names if name not in {"method", "target", "note", "object", "id"}]
    columns: dict[str, object] = {name: [row[name] for row in rows] for name in names}
    requests = pa.array([row["request"] for row in rows], pa.string()).dictionary_encode()
    return line_table({**columns, **_requests(requests)}, len(rows)), tuple(refused)


def _exact(body: bytes) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a line's values, or every reason why it is no such line."""
    text = _text(body)
    found: dict[str, re.Match[str]] = {}
    reasons: list[str] = []
    place = 0
    for name, pattern, reason in _PIECES:
        match = pattern.match(text, place) or (pattern.search(text, place) if reasons else None)
        if match is None:
            reasons.append(reason)
        else:
            found[name] = match
            place = match.end()
    created = _time(found["time"][1]) if "time" in found else None
    if "time" in found and created is None:
        reasons.append("its time is not like 17/May/2015:10:05:03 +0000")
    rest = None if reasons else _REST.fullmatch(text, place)
    if not reasons and rest is None:
        reasons.append("behind the bytes it has something else than a quoted referrer and user agent")
    if reasons or rest is None:
        return {}, tuple(reasons)
    status, size = found["status"][1], found["bytes"][1]
    return {
        "created_at": created,
        "ip": found["sender"][1],
        "user": _value(found["sender"][2]),
        "request": _value(found["request"][1]),
        "status": None if status == "-" else int(status),
        "bytes": 0 if size == "-" else int(size),
        "referrer": _value(rest[1]),
        "user_agent": _value(rest[2]),
    }, ()


def _text(body: bytes) -> str:
    """Decode as UTF-8, else as Latin-1, which every byte is."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _value(text: str | None) -> str | None:
    r"""Undo ``\"``, ``\\`` and such ``\xhh`` as spell UTF-8 text; ``-`` and nothing are None."""
    if text in {None, "", "-"}:
        return None
    if text is None or "\\" not in text:
        return text
    plain = _ESCAPE.sub(
        lambda match: bytes([int(match[1], 16)]) if match[1] else match[2], text.encode("utf-8", "replace")
    )
    try:
        decoded = plain.decode()
    except UnicodeDecodeError:
        return text
    return decoded if decoded.isprintable() else text


def _time(text: str) -> datetime | None:
    buffer = np.frombuffer(text.encode("utf-8", "replace") + bytes(26), np.uint8)
    values, fine = clf_times(buffer, np.zeros(1, np.int64))
    if not fine[0] or len(text) != 26:
        return None
    return datetime.fromtimestamp(int(values[0]) / 1_000_000, UTC).replace(tzinfo=None)


COMBINED = LogFormat(
    name="combined",
    title="Apache and nginx combined",
    example='192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a.pdf HTTP/1.1" 200 2326 "-" "Mozilla/5.0"',
    parse=parse,
)
COMMON = LogFormat(
    name="common",
    title="Common Log Format (Apache, nginx and others)",
    example='192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a.pdf HTTP/1.1" 200 2326',
    parse=parse,
)
