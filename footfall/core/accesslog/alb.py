"""Application Load Balancer access logs.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html;
fields that a later version adds behind the known ones are kept by their number.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.cells import Cells, cut_cells, filled_lines, trusted
from footfall.core.accesslog.columnar import PADDING
from footfall.core.accesslog.fields import ExtraKind, LogFormat, Parsed, Refused, words
from footfall.core.accesslog.grid import Sign, grid_of
from footfall.core.accesslog.meaning import (
    address_of,
    conclude,
    extras,
    iso_moments,
    mapped,
    request_parts,
    statuses,
    whole_numbers,
)

__all__ = ["ALB", "parse"]

NAMES = words(
    "type time elb client:port target:port request_processing_time target_processing_time "
    "response_processing_time elb_status_code target_status_code received_bytes sent_bytes "
    "request user_agent "
    "ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn matched_rule_priority "
    "request_creation_time actions_executed redirect_url error_reason target:port_list "
    "target_status_code_list classification classification_reason conn_trace_id transformed_host "
    "transformed_uri request_transform_status"
)
FEWEST = NAMES.index("target_group_arn") + 1
USED = frozenset(words("time client:port elb_status_code sent_bytes request user_agent"))
KINDS: dict[str, ExtraKind] = {
    **dict.fromkeys(
        words(
            "request_processing_time target_processing_time response_processing_time target_status_code "
            "received_bytes matched_rule_priority"
        ),
        "number",
    ),
    **dict.fromkeys(
        words(
            "type elb target:port ssl_cipher ssl_protocol target_group_arn chosen_cert_arn "
            "request_creation_time "
            "actions_executed error_reason target:port_list target_status_code_list classification "
            "classification_reason conn_trace_id request_transform_status"
        ),
        "code",
    ),
}

_TYPES = ("http", "https", "h2", "grpcs", "ws", "wss")
_HEAD = re.compile(r'((?:[^ "]+ ){12})"')
# User agents hold quotes, with and without a backslash; cipher, protocol and target group follow.
_BEHIND_AGENT = re.compile(r'" ([A-Z0-9_-]+) (TLSv[\d.]+|-) ([^ "]+)(?= "|$)')
_FIELD = re.compile(r'"((?:[^"\\]|\\.|"(?! |$))*)"(?= |$)|([^ ]+)')


def parse(block: bytes, _header: str | None = None, /) -> Parsed:
    """Read whole lines; those with quotes inside a field one by one."""
    starts, ends, lines = filled_lines(block)
    padded = block + bytes(PADDING)
    grid = grid_of(padded, starts, ends, Sign(" ", quotes=True))
    usual = grid.fine & trusted(block, starts, ends) & (grid.counts >= FEWEST)
    usual &= grid.quoted(NAMES.index("request")) & grid.quoted(NAMES.index("user_agent"))
    cells, missed = cut_cells(block, starts, ends, lines, _name, grid, usual, _cut)
    read = _lines(block, cells)
    refused = [
        Refused(int(lines[place]), int(starts[place]), block[starts[place] : ends[place]], (_WHY,))
        for place in missed.tolist()
    ]
    every = tuple(sorted((*read.refused, *refused), key=lambda line: line.line))
    return Parsed(read.rows, every, read.extra)


_WHY = (
    f"it has not the fields of a load balancer's line: {FEWEST} or more, request and user agent in quotes"
)


def _name(place: int) -> str:
    return NAMES[place] if place < len(NAMES) else f"field_{place + 1}"


def _cut(text: str) -> list[str | None] | None:
    head = _HEAD.match(text)
    behind = _BEHIND_AGENT.search(text, head.end()) if head else None
    if head is None or behind is None:
        return None
    request, both, agent = text[head.end() : behind.start()].partition('" "')
    if not both:
        return None
    found: list[str | None] = [*head[1].split(" ")[:-1], _plain(request), _plain(agent), *behind.groups()]
    later = _FIELD.finditer(text, behind.end())
    return [*found, *(match[2] if match[1] is None else _plain(match[1]) for match in later)]


def _plain(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


def _lines(block: bytes, cells: Cells) -> Parsed:
    created, untimed = iso_moments(cells.get("time"))
    status, no_status = statuses(cells.get("elb_status_code"))
    size, unsized = whole_numbers(cells.get("sent_bytes"))
    request = request_parts(cells.get("request"))
    kind = cells.get("type")
    known = pc.is_in(kind.dictionary, pa.array(_TYPES)).take(kind.indices)
    columns = {
        "created_at": pa.array(created).cast(pa.timestamp("us")),
        "ip": address_of(cells.get("client:port")),
        "method": request["method"],
        "target": mapped(request["target"], _without_port),
        "note": request["note"],
        "status": status,
        "bytes": size,
        "user_agent": cells.get("user_agent"),
    }
    wrong = (
        (~np.asarray(pc.fill_null(known, False)), f"its type is none of {', '.join(_TYPES)}"),
        (untimed, "its time is not like 2018-07-02T22:23:00.186641Z"),
        (no_status, "its elb_status_code is neither three digits nor -"),
        (unsized, "its sent_bytes are neither a number nor -"),
    )
    return conclude(block, cells, columns, wrong, extras(cells, USED, KINDS))


def _without_port(targets: pa.Array) -> pa.Array:
    """Leave out the scheme's own port, as browsers do; the log always writes it."""
    for scheme, port in (("http", 80), ("https", 443), ("ws", 80), ("wss", 443)):
        targets = pc.replace_substring_regex(targets, rf"^({scheme}://[^/?#]+):{port}(/|$)", r"\1\2")
    return targets


ALB = LogFormat(
    name="alb",
    title="Application Load Balancer access logs",
    example=(
        "https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.0.2.1:2817 10.0.0.1:80 "
        '0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/a.pdf HTTP/1.1" "curl/7.46.0" '
        'ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 - "Root=1-58337281-1d84f3d73c47ec4e58577259"'
    ),
    parse=parse,
)
