"""From parsed log lines to ``ARRIVED``: what is personal is masked here, once per distinct value.

A line becomes the event ``file_open`` when a GET (or S3's ``REST.GET.OBJECT``) was answered with a
file (200 or 206, and the path ends like a file that is no page), else ``request``: a page's own events
come from the browser, and calling requests ``page_view`` would count them twice.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from footfall.core.accesslog.fields import Extra, Parsed
from footfall.core.accesslog.meaning import combinations
from footfall.core.accesslog.properties import property_objects
from footfall.core.arrow import ARRIVED_SCHEMA
from footfall.core.enrich.distinct import Spread, plain
from footfall.core.enrich.url import read_address

__all__ = ["LineRules", "arrive", "event_ids"]

PAGES = frozenset(
    {"asp", "aspx", "cfm", "cgi", "do", "htm", "html", "jsp", "jspx"}
    | {"php", "php3", "php5", "phtml", "pl", "shtml", "xhtml"}
)
_EXTENSION = re.compile(r"[^/.][^/]*\.([A-Za-z0-9]{1,10})$")
_OPENED = frozenset({200, 206})


@dataclass(frozen=True, slots=True)
class LineRules:
    """What is done with the personal parts of a line.

    ``urls``, ``agents`` and ``texts`` mask many distinct values at once and keep their order;
    ``network`` cuts an address; ``country`` looks the whole one up; ``visitors`` gives the hash of
    a day's addresses and user agents; ``person`` is the keyed hash of the name that the server
    logged in; ``named`` masks the values of a property, by its name too.
    """

    urls: Callable[[Sequence[str]], Sequence[str | None]]
    agents: Callable[[Sequence[str]], Sequence[str | None]]
    texts: Callable[[Sequence[str]], Sequence[str | None]]
    network: Callable[[str], str | None]
    country: Callable[[str], str | None]
    visitors: Callable[[date], Callable[[str, str | None], str | None]]
    person: Callable[[str], str | None]
    named: Callable[[str, Sequence[str]], Sequence[str | None]] = lambda _, values: values


def arrive(
    parsed: Parsed, ids: pa.Array, *, app_id: str, origin: str, received_at: int, rules: LineRules
) -> pa.Table:
    """Return the lines as ``ARRIVED`` rows; ``received_at`` is UTC microseconds since 1970."""
    lines = parsed.rows
    count = lines.num_rows
    target, method = _spread(lines, "target"), _spread(lines, "method")
    urls = rules.urls([_one_slash(value) for value in target.values])
    keyed = parsed.keyed
    place = _spread(lines, "object") if keyed else target
    places = rules.urls(place.values) if keyed else urls
    objects = Spread([read_address(url).path if url else None for url in places], place.index)
    address, agent = _spread(lines, "ip"), _spread(lines, "user_agent")
    agents = rules.agents(agent.values)
    status = plain(lines["status"])
    columns: dict[str, Any] = {
        "event_id": ids,
        "app_id": _same(app_id, count),
        "origin": _same(origin, count),
        "event": _events(method, objects, status),
        "user_id": _spread(lines, "user").map(rules.person, pa.string()),
        "created_at": plain(lines["created_at"]),
        "received_at": pa.array([received_at], pa.timestamp("us")).take(pa.repeat(0, count)),
        "url": target.of(urls, pa.string()),
        "referrer": _masked(_spread(lines, "referrer"), rules.urls),
        "user_agent": agent.of(agents, pa.string()),
        "ip": address.map(rules.network, pa.string()),
        "ip_country": address.map(rules.country, pa.string()),
        "visitor_hash": _visitors(lines, address, agent, rules),
        "properties": property_objects(_extra(parsed), rules.named, count),
        "method": method.of(method.values, pa.string()),
        "status": status,
        "bytes": plain(lines["bytes"]),
        "object": objects.of(objects.values, pa.string()),
    }
    return pa.Table.from_arrays(
        [columns.get(field.name, pa.nulls(count, field.type)) for field in ARRIVED_SCHEMA],
        schema=ARRIVED_SCHEMA,
    )


def event_ids(parsed: Parsed, contents: Sequence[tuple[int, str]]) -> pa.Array:
    """Return an id for each row: the request's own, else its content's name and the line's byte in it.

    ``contents`` tells, in order, at which byte of the block each content begins (below 0 where that is
    before the block), and its name.
    """
    offsets = np.asarray(parsed.rows["offset"])
    begins = np.array([begin for begin, _ in contents], np.int64)
    which = np.searchsorted(begins, offsets, side="right") - 1
    names = pa.array([name for _, name in contents]).take(pa.array(which))
    places = pa.array(offsets - begins[which]).cast(pa.string())
    own = plain(parsed.rows["id"])
    return pc.coalesce(own, pc.binary_join_element_wise(names, places, "-"))


def _spread(lines: pa.Table, name: str) -> Spread:
    column = plain(lines[name])
    return Spread(column.dictionary.to_pylist(), column.indices)


def _same(value: str, count: int) -> pa.Array:
    return pa.array([value]).take(pa.repeat(0, count))


def _one_slash(target: str) -> str:
    """Robots ask for ``//x``; as an address on its own that would name the host x (RFC 3986, 4.2)."""
    return "/" + target.lstrip("/") if target.startswith("//") else target


def _masked(spread: Spread, rule: Callable[[Sequence[str]], Sequence[str | None]]) -> pa.Array:
    return spread.of(rule(spread.values), pa.string())


def _is_file(path: str | None) -> bool:
    found = _EXTENSION.search(path) if path else None
    return found is not None and found[1].lower() not in PAGES


def _events(method: Spread, objects: Spread, status: pa.Array) -> pa.Array:
    got = method.map(lambda value: value == "GET" or value.endswith(".GET.OBJECT"), pa.bool_())
    file = objects.map(_is_file, pa.bool_())
    answered = pc.is_in(status, pa.array(sorted(_OPENED)))
    opened = pc.fill_null(pc.and_(pc.and_(got, file), answered), False)
    return pc.if_else(opened, "file_open", "request")


def _visitors(lines: pa.Table, address: Spread, agent: Spread, rules: LineRules) -> pa.Array:
    """Hash each distinct address, user agent and day; without an address there is no visitor."""
    days = plain(lines["created_at"]).cast(pa.date32()).dictionary_encode()
    rows, index = combinations([days, plain(lines["ip"]), plain(lines["user_agent"])])
    hashers = [rules.visitors(day) for day in days.dictionary.to_pylist()]
    ips, agents = [*address.values, None], [*agent.values, None]
    places = (
        column.fill_null(-1).take(pa.array(rows)).to_pylist()
        for column in (days.indices, address.index, agent.index)
    )
    hashes = [
        hashers[day](ip, agents[agent]) if (ip := ips[place]) else None
        for day, place, agent in zip(*places, strict=True)
    ]
    return pa.array(hashes, pa.string()).take(index)


def _extra(parsed: Parsed) -> dict[str, Extra]:
    """Return what becomes properties; a request that is no HTTP among it."""
    note = plain(parsed.rows["note"])
    if note.null_count == len(note):
        return dict(parsed.extra)
    return {**parsed.extra, "request": Extra("text", note)}
