"""CloudFront standard logs: v1 and v2 with tabs below a ``#Fields`` line, v2 as JSON lines.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html.
Parquet files of v2 come here as JSON lines too; there ``cs(User-Agent)`` is ``cs_user_agent``.
"""

import re
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells
from footfall.core.accesslog.extended import Below, moment_cell, names_of, parse_below
from footfall.core.accesslog.fields import ExtraKind, LogFormat, Parsed, words
from footfall.core.accesslog.json_lines import json_cells
from footfall.core.accesslog.meaning import (
    conclude,
    extras,
    iso_moments,
    mapped,
    moments,
    present,
    request_url,
    singled_out,
    statuses,
    whole_numbers,
)

__all__ = ["CLOUDFRONT", "FIELDS", "parse"]

FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
    "cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type "
    "cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)
# v2 adds these; https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html
MORE = (
    "timestamp(ms) origin-fbl origin-lbl asn c-country cache-behavior-path-pattern DistributionId timestamp"
)
USED = frozenset(
    words(
        "date time timestamp(ms) timestamp sc-bytes c-ip cs-method cs-uri-stem cs-uri-query "
        "sc-status cs(Referer) "
        "cs(User-Agent) cs(Cookie) x-edge-request-id x-host-header cs-protocol"
    )
)
KINDS: dict[str, ExtraKind] = {
    **dict.fromkeys(
        words(
            "cs-bytes time-taken c-port time-to-first-byte sc-content-len sc-range-start sc-range-end asn "
            "origin-fbl origin-lbl"
        ),
        "number",
    ),
    **dict.fromkeys(
        words(
            "x-edge-location x-edge-result-type ssl-protocol ssl-cipher x-edge-response-result-type "
            "cs-protocol-version fle-status x-edge-detailed-result-type c-country DistributionId"
        ),
        "code",
    ),
}
TIMES = ("date", "time", "timestamp", "timestamp(ms)", "timestamp_ms")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


KNOWN = {_plain(name): name for name in words(f"{FIELDS} {MORE}")}


def parse(block: bytes, header: str | None = None, /) -> Parsed:
    """Read whole lines below the fields that ``header`` names; without one, below v1's 33."""
    if not block[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return parse_below(block, header, _WAY)
    cells, refused, _ = json_cells(block, TIMES)
    columns = {KNOWN.get(_plain(name), name): values for name, values in cells.columns.items()}
    read = _lines(block, Cells(cells.line, cells.offset, cells.end, columns), None)
    every = tuple(sorted((*read.refused, *refused), key=lambda line: line.line))
    return Parsed(read.rows, every, read.extra)


def _refusal(header: str | None) -> str | None:
    names = set(names_of(header or ""))
    if not ({"x-edge-location", "x-edge-request-id", "timestamp(ms)"} & names):
        return "its #Fields line is not CloudFront's: the format may be w3c"
    if "date" not in names and "timestamp(ms)" not in names:
        return "its #Fields line names neither date and time nor timestamp(ms)"
    return None


def _lines(block: bytes, cells: Cells, header: str | None) -> Parsed:
    when = moment_cell(cells)
    created, untimed = iso_moments(when)
    if not present(when).all():
        stamp = cells.get("timestamp(ms)") if "timestamp(ms)" in cells.columns else cells.get("timestamp")
        stamped, unstamped = moments(stamp)
        created = pc.if_else(pa.array(present(when)), created, stamped).to_numpy()
        untimed &= unstamped | present(when)
    status, no_status = statuses(cells.get("sc-status"))
    size, unsized = whole_numbers(cells.get("sc-bytes"))
    host = cells.get("x-host-header") if "x-host-header" in cells.columns else cells.get("cs(Host)")
    stem, query = (mapped(cells.get(name), _once) for name in ("cs-uri-stem", "cs-uri-query"))
    columns = {
        "created_at": pa.array(created).cast(pa.timestamp("us")),
        "ip": cells.get("c-ip"),
        "method": cells.get("cs-method"),
        "target": request_url(cells.get("cs-protocol"), host, stem, query),
        "status": status,
        "bytes": size,
        "referrer": mapped(cells.get("cs(Referer)"), _once),
        "user_agent": mapped(cells.get("cs(User-Agent)"), _agents),
        "id": singled_out(cells.get("x-edge-request-id")),
    }
    unlike = ~present(cells.get("sc-status")) & ~present(stem) & ~present(cells.get("x-edge-request-id"))
    wrong = (
        (untimed, "its date and time are not like 2019-12-04 21:02:31"),
        (no_status, "its status is neither three digits nor -"),
        (unsized, "its sc-bytes are neither a number nor -"),
        (unlike, "it has no status, no cs-uri-stem and no x-edge-request-id"),
    )
    return conclude(block, cells, columns, wrong, extras(cells, USED, KINDS), header)


def _once(values: pa.Array) -> pa.Array:
    """CloudFront encodes what it logs, so what the viewer had encoded is so twice: ``%2520``."""
    return pc.replace_substring_regex(values, r"%25([0-9A-Fa-f]{2})", r"%\1")


def _agents(values: pa.Array) -> pa.Array:
    """User agents are encoded once, and were twice until 2016."""
    return pa.array([_decoded(_decoded(value)) for value in values.to_pylist()], pa.string())


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


_WAY = Below(delimiter="\t", lines=_lines, refusal=_refusal, default=f"#Fields: {FIELDS}")

CLOUDFRONT = LogFormat(
    name="cloudfront",
    title="CloudFront standard logs (v1; v2 as W3C, JSON and Parquet)",
    example=(
        "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) "
        "cs-uri-stem sc-status\n"
        "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200"
    ),
    parse=parse,
    headed=True,
)
