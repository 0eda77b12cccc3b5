"""S3 server access logs, https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html.

``method`` is the operation: it alone tells an object that was opened (``REST.GET.OBJECT``) from its
tags or its access list (``REST.GET.TAGGING``), and lifecycle entries have no HTTP method.
"""

import re
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import (
    Cells,
    cut_cells,
    filled_lines,
    respread,
    trusted,
)
from footfall.core.accesslog.columnar import PADDING, Flags
from footfall.core.accesslog.fields import ExtraKind, LogFormat, Parsed, Refused, words
from footfall.core.accesslog.grid import Grid, Places, Sign, grid_of
from footfall.core.accesslog.meaning import (
    clf_moments,
    conclude,
    extras,
    mapped,
    request_parts,
    request_url,
    singled_out,
    statuses,
    together,
    whole_numbers,
)

__all__ = ["S3", "parse"]

# The 27 columns in their order, in snake case of the documented names; the time is two cells.
NAMES = words(
    "bucket_owner bucket time zone remote_ip requester request_id operation key request_uri http_status "
    "error_code bytes_sent object_size total_time turn_around_time referer user_agent version_id host_id "
    "signature_version cipher_suite authentication_type host_header tls_version access_point_arn "
    "acl_required source_region"
)
TIME, ZONE = NAMES.index("time"), NAMES.index("zone")
FEWEST = NAMES.index("user_agent") + 1  # logs of 2006 end here
USED = frozenset(
    words(
        "time zone remote_ip request_id operation key request_uri http_status bytes_sent referer user_agent"
    )
)
KINDS: dict[str, ExtraKind] = {
    **dict.fromkeys(("object_size", "total_time", "turn_around_time"), "number"),
    **dict.fromkeys(
        (
            "bucket_owner",
            "bucket",
            "request_id",
            "error_code",
            "version_id",
            "host_id",
            "signature_version",
            "cipher_suite",
            "authentication_type",
            "tls_version",
            "acl_required",
            "source_region",
        ),
        "code",
    ),
}

_HEAD = re.compile(r"(\S+) (\S+) \[([^\]\s]+) ([^\]\s]+)\] (\S+) (\S+) (\S+) (\S+) (?=(.*))", re.DOTALL)
# What follows a request, whatever quotes and spaces are in it: status, error, four numbers, a quote.
_NUMBER = r"(-|\d{1,18})"
_BEHIND_URI = re.compile(rf'(?<=["-]) (-|\d{{3}}) (\S+) {_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER} (?=["-])')
_TAIL = re.compile(r'(?:"(?P<referer>.*?)"|-) (?:"(?P<agent>.*)"|-)(?P<rest>(?: [^"]*)?)', re.DOTALL)
_ENCODED_TWICE = r"%25([0-9A-Fa-f]{2})"
# Several records share the request id: one for each object of a batch, two for a copy.
_SHARED_ID = r"^(BATCH|S3)\.|COPY"


def name_of(place: int) -> str:
    """Return the name of a cell; what AWS may add later has its column's number."""
    if place == ZONE:
        return ""  # the time holds it
    return NAMES[place] if place < len(NAMES) else f"column_{place}"


def parse(block: bytes, _header: str | None = None, /) -> Parsed:
    """Read whole lines; those with quotes or spaces inside a field one by one."""
    starts, ends, lines = filled_lines(block)
    padded = block + bytes(PADDING)
    grid = grid_of(padded, starts, ends, Sign(" ", quotes=True))
    usual = grid.fine & trusted(block, starts, ends) & _shaped(grid)
    begins, ends_of_zone = grid.cell(TIME).begins + 1, grid.cell(ZONE).ends - 1
    grid = replace(grid, own={TIME: Places(begins, ends_of_zone)})
    cells, missed = cut_cells(block, starts, ends, lines, name_of, grid, usual, _cut)
    read = _lines(block, cells)
    refused = [
        Refused(int(lines[place]), int(starts[place]), body, _why(body))
        for place in missed.tolist()
        for body in [block[starts[place] : ends[place]]]
    ]
    every = tuple(sorted((*read.refused, *refused), key=lambda line: line.line))
    return Parsed(read.rows, every, read.extra, keyed=True)


def _shaped(grid: Grid) -> Flags:
    """Say which lines have their time in brackets, and enough cells, at the usual places."""
    buffer, begin, end = grid.buffer, grid.cell(TIME).begins, grid.cell(ZONE).ends
    shaped = (grid.counts >= FEWEST) & (end - begin == 28)
    shaped &= (buffer[begin] == ord("[")) & (buffer[end - 1] == ord("]"))
    for name in ("request_uri", "referer", "user_agent"):
        place = NAMES.index(name)
        begin, end = grid.cell(place)
        shaped &= grid.quoted(place) | ((end - begin == 1) & (buffer[begin] == ord("-")))
    # Spaces in a key move all that follows: then a quote stands where the status should.
    shaped &= ~grid.quoted(NAMES.index("http_status"))
    return np.asarray(shaped, np.bool_)


def _cut(text: str) -> list[str | None] | None:
    """Read a line whose key, request, referrer or user agent holds what the grid cannot cut."""
    head = _HEAD.match(text)
    if head is None:
        return None
    rest = head[9]
    behind = _BEHIND_URI.search(rest)
    if behind is None:
        return None
    tail = _TAIL.fullmatch(rest, behind.end())
    if tail is None:
        return None
    named = rest[: behind.start()]
    if named.endswith('"'):
        key, quote, request = named.partition(' "')
        if not quote:
            return None
        request = request[:-1]
    else:
        key, _, request = named.rpartition(" ")
    later = tail["rest"].split()
    moment = f"{head[3]} {head[4]}"
    front = [head[1], head[2], moment, None, *(head[place] for place in range(5, 9)), key, request]
    return [*front, *behind.groups(), tail["referer"], tail["agent"], *later]


def _why(body: bytes) -> tuple[str, ...]:
    text = body.decode(errors="replace")
    if _HEAD.match(text) is None:
        return ("it does not begin with a bucket's owner, its name, a [time], an address and a request",)
    fields = text.count(" ") + 1
    return (
        f"behind the request it has not all of status, error, bytes, size, times, referrer and user agent "
        f"(it has {fields} words; a line of an S3 server access log has {FEWEST} or more)",
    )


def _lines(block: bytes, cells: Cells) -> Parsed:
    """Return cells as rows, or as refused lines with their reasons."""
    created, untimed = clf_moments(cells.get("time"))
    status, no_status = statuses(cells.get("http_status"))
    size, unsized = whole_numbers(cells.get("bytes_sent"))
    request = request_parts(cells.get("request_uri"))
    path = mapped(request["target"], lambda values: pc.replace_substring_regex(values, r"\?.*$", ""))
    query = mapped(
        request["target"],
        lambda values: pc.struct_field(pc.extract_regex(values, r"^[^?]*\?(?P<query>.*)$"), "query"),
    )
    scheme = _said(cells.get("tls_version"))
    columns = {
        "created_at": pa.array(created).cast(pa.timestamp("us")),
        "ip": cells.get("remote_ip"),
        "method": cells.get("operation"),
        "target": request_url(scheme, cells.get("host_header"), path, query),
        "note": request["note"],
        "status": status,
        "bytes": pc.fill_null(size, 0),  # "-" when there were none, the documentation says
        "referrer": cells.get("referer"),
        "user_agent": cells.get("user_agent"),
        "object": mapped(cells.get("key"), _objects),
        "id": _ids(cells),
    }
    wrong = (
        (untimed, "its time is not like 06/Feb/2019:00:00:38 +0000"),
        (no_status, "its status is neither three digits nor -"),
        (unsized, "its bytes are neither a number nor -"),
    )
    return conclude(block, cells, columns, wrong, extras(cells, USED, KINDS))


def _said(tls: pa.DictionaryArray) -> pa.DictionaryArray:
    scheme = pc.if_else(tls.indices.is_valid(), "https", "http")
    return scheme.dictionary_encode()


def _objects(keys: pa.Array) -> pa.Array:
    """Keys are encoded once more than in the request: ``a%2520b`` there is ``a%20b``."""
    once = pc.replace_substring_regex(keys, _ENCODED_TWICE, r"%\1")
    return pc.binary_join_element_wise("/", pc.utf8_ltrim(once, "/"), "")


def _ids(cells: Cells) -> pa.Array:
    """Return the request ids; with the operation and key where records share one."""
    request, operation = cells.get("request_id"), cells.get("operation")
    shared = np.asarray(
        pc.fill_null(
            pc.match_substring_regex(operation.dictionary, _SHARED_ID).take(operation.indices), False
        )
    )
    ids = singled_out(request)
    if not shared.any():
        return ids
    some = pa.array(np.flatnonzero(shared))

    def named(request: str | None, operation: str | None, key: str | None) -> str | None:
        if request is None:
            return None
        record = blake2b(f"{operation} {key}".encode("utf-8", "replace"), digest_size=8)
        return f"{request}-{record.hexdigest()}"

    parts = [column.take(some) for column in (request, operation, cells.get("key"))]
    every = together(named, parts)
    longer = singled_out(respread(every.dictionary, every.indices))
    return pc.replace_with_mask(ids, pa.array(shared), longer)


S3 = LogFormat(
    name="s3",
    title="S3 server access logs",
    example=(
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be bucket1 "
        "[06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a.pdf "
        '"GET /a.pdf HTTP/1.1" 200 - 113 113 7 3 "-" "Mozilla/5.0" -'
    ),
    parse=parse,
)
