"""IIS logs in the W3C extended format.

https://learn.microsoft.com/windows/win32/http/w3c-logging: times are UTC, a space inside a value is
written as ``+``, and ``#Fields`` may change midway, when the administrator chooses others.
"""

import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells, no_values
from footfall.core.accesslog.extended import Below, moment_cell, names_of, parse_below
from footfall.core.accesslog.fields import ExtraKind, LogFormat, Parsed, words
from footfall.core.accesslog.meaning import (
    conclude,
    extras,
    iso_moments,
    mapped,
    request_url,
    statuses,
    whole_numbers,
)

__all__ = ["W3C", "parse"]

USED = frozenset(
    words(
        "date time c-ip cs-username cs-method cs-uri cs-uri-stem cs-uri-query cs-host cs(Host) "
        "sc-status sc-bytes "
        "cs(User-Agent) cs(Referer) cs(Cookie)"
    )
)
KINDS: dict[str, ExtraKind] = {
    **dict.fromkeys(
        ("time-taken", "cs-bytes", "sc-substatus", "sc-win32-status", "s-port", "c-port"), "number"
    ),
    **dict.fromkeys(("s-sitename", "s-computername", "cs-version", "sc(Content-Type)"), "code"),
}


def parse(block: bytes, header: str | None = None, /) -> Parsed:
    """Read whole lines below the fields that ``header`` names, until a line in the block names others."""
    return parse_below(block, header, _WAY)


def _refusal(header: str | None) -> str | None:
    if header is None:
        return "no #Fields line above it names its fields"
    names = names_of(header)
    if "x-edge-location" in names:
        return "its #Fields line is CloudFront's: the format is cloudfront"
    missing = [name for name in ("date", "time") if name not in names]
    return f"its #Fields line names no {' and no '.join(missing)}" if missing else None


def _lines(block: bytes, cells: Cells, header: str | None) -> Parsed:
    created, untimed = iso_moments(moment_cell(cells))
    status, no_status = statuses(cells.get("sc-status"))
    size, unsized = whole_numbers(cells.get("sc-bytes"))
    host = cells.get("cs-host") if "cs-host" in cells.columns else cells.get("cs(Host)")
    stem = cells.get("cs-uri-stem") if "cs-uri-stem" in cells.columns else cells.get("cs-uri")
    port = cells.get("s-port")
    scheme = mapped(
        port, lambda values: pc.if_else(pc.is_in(values, pa.array(["80", "8080"])), "http", "https")
    )
    query = cells.get("cs-uri-query")
    columns = {
        "created_at": pa.array(created).cast(pa.timestamp("us")),
        "ip": cells.get("c-ip"),
        "user": cells.get("cs-username"),
        "method": cells.get("cs-method"),
        "target": request_url(scheme, host, stem, query),
        "status": status,
        "bytes": size,
        "referrer": cells.get("cs(Referer)"),
        "user_agent": _spaced(cells.get("cs(User-Agent)")),
        "note": no_values(len(cells)),
    }
    wrong = (
        (untimed, "its date and time are not like 2024-02-29 23:59:59"),
        (no_status, "its status is neither three digits nor -"),
        (unsized, "its sc-bytes are neither a number nor -"),
    )
    return conclude(block, cells, columns, wrong, extras(cells, USED, KINDS), header)


def _spaced(agents: pa.DictionaryArray) -> pa.DictionaryArray:
    return mapped(agents, lambda values: pc.replace_substring(values, "+", " "))


_WAY = Below(delimiter=" ", lines=_lines, refusal=_refusal)

W3C = LogFormat(
    name="w3c",
    title="W3C extended logs of IIS",
    example=(
        "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
        "cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"
        "2024-02-29 23:59:59 192.0.2.9 GET /a.pdf - 443 - 192.0.2.1 Mozilla/5.0 - 200 0 0 15"
    ),
    parse=parse,
    headed=True,
)
