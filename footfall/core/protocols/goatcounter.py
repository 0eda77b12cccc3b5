"""GoatCounter: its pixel and beacon ``/count``, and the API by which servers and log readers count.

https://www.goatcounter.com/help/pixel, https://www.goatcounter.com/help/api and its count.js.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from footfall.core.protocols.exchange import (
    Endpoint,
    Example,
    Heard,
    Refusal,
    Reply,
    Request,
    Snippet,
    Told,
    Tracker,
    Unheard,
    json_reply,
)
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, text
from footfall.core.protocols.reading import json_object, pixel_reply
from footfall.core.protocols.repeats import REPEATS, event_ids, said_of

__all__ = ["GOATCOUNTER"]

MOST_HITS = 500
LONGEST_HEADER = 500
TRUE = ("true", "1", "t", "on", "yes", True, 1)


class _Names(NamedTuple):
    """How a hit's fields are called that take more than a row of a table."""

    path: str
    query: str
    event: str
    size: str


SHORT = _Names("p", "q", "e", "s")
LONG = _Names("path", "query", "event", "size")


def _country(value: Any) -> str | None:
    told = text(value)
    return told.partition("-")[0] if told and len(told.partition("-")[0]) == 2 else None


COUNT = (
    Field("t", "title", text),
    Field("r", "referrer", text),
    Field("b", "properties.bot", number, "what count.js took for a bot; the label is our own"),
    Field("ns", "properties.no_session"),
    Field("rnd", DROPPED, note="makes the event's id"),
    Field("write_key", DROPPED),
)
HIT = (
    Field("title", "title", text),
    Field("ref", "referrer", text),
    Field("bot", "properties.bot", number, "the label is our own"),
    Field("user_agent", "user_agent", text),
    Field("ip", "ip", text, "cut to its network at the door"),
    Field("location", "country", _country, "of NL-NB the NL"),
    Field("language", "language", text),
    Field("created_at", "created_at"),
    Field("session", "anonymous_id", text, "without one address and agent name the visitor"),
)
PATH = (
    Field("p (path)", "event", note="of an event; else it is page_view"),
    Field("p (path)", "url", note="of a page; behind the host that the request's Origin or Referer names"),
    Field("e (event)", DROPPED, note="says which of the two the path is"),
    Field("q (query)", "url", note="added to the page's url, where campaigns are read from"),
    Field("s (size)", "screen", note="width, height, scale"),
    Field("s (size)", "properties.screen_width", note="the width alone, as today's count.js sends it"),
)


def _page(path: str, query: Any, origin: str) -> str:
    """Return the page's address: its host where that is known, and the query once."""
    more = (text(query) or "").lstrip("?")
    if more and "?" not in path:
        path = f"{path}?{more}"
    return f"{origin}{path}" if path.startswith("/") else path


def _origin(headers: Any) -> tuple[str, str | None]:
    """Return scheme and host of the page that sends, and its whole address where the browser told it."""
    referer = headers.get("referer") or ""
    for told in (headers.get("origin") or "", referer):
        try:
            parts = urlsplit(told)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.netloc:
            whole = (
                referer if referer.startswith(told) and urlsplit(referer).path not in ("", "/") else None
            )
            return f"{parts.scheme}://{parts.netloc}", whole
    return "", None


def _screen(value: Any, name: str) -> dict[str, Any]:
    """Return a size as a field of the event, or in its properties."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    sizes = [number(part) for part in parts[:2]]
    match sizes:
        case [int() | float() as width, int() | float() as height]:
            return {"screen": f"{width:g}x{height:g}"}
        case [int() | float() as width]:
            return {"properties": {"screen_width": width}}
    return {} if value in (None, "") else {"properties": {name: value}}


def _event(
    item: Mapping[str, Any], names: _Names, fields: tuple[Field, ...], sender: tuple[str, str | None]
) -> dict[str, Any]:
    """Return a hit as an event of ours; ``sender`` is the origin and the page of the one that sends."""
    event = mapped({name: value for name, value in item.items() if name not in names}, fields)
    more = _screen(item.get(names.size), names.size)
    path, query, kind = text(item.get(names.path)), item.get(names.query), item.get(names.event)
    origin, page = sender
    if path is None:  # the door will say what is missing
        pass
    elif (kind.lower() if isinstance(kind, str) else kind) not in TRUE:
        more |= {"event": "page_view", "url": _page(path, query, origin)}
    else:
        more |= {"event": path} | ({"url": page} if page else {})
        if not page and query:
            more["properties"] = more.get("properties", {}) | {"query": query}
    properties = {**event.pop("properties", {}), **more.pop("properties", {})}
    return event | more | ({"properties": properties} if properties else {})


def _numbered(events: list[dict[str, Any]], ids: list[str | None]) -> list[dict[str, Any]]:
    return [
        event if event_id is None else event | {"event_id": event_id}
        for event, event_id in zip(events, ids, strict=True)
    ]


def _count(request: Request) -> Heard:
    query = dict(request.query)
    key = request.params.get("write_key")
    if not query.get("p", "").strip():
        raise Unheard("p is missing: the page's path, or the event's name", key=key)
    event = _event(query, SHORT, COUNT, _origin(request.headers))
    ids = event_ids(
        request, [query], lambda item: item | {"visitor": request.visitor} if item.get("rnd") else None
    )
    return Heard(_numbered([event], ids), key=key)


def _lasting(hit: Any) -> Mapping[str, Any] | None:
    return hit if isinstance(hit, dict) and hit.get("created_at") else None


def _hits(request: Request) -> Heard:
    body = json_object(request.body)
    hits = body.get("hits")
    if not isinstance(hits, list) or not hits:
        raise Unheard("no hits: send an array of them")
    if len(hits) > MOST_HITS:
        raise Unheard(f"maximum amount of pageviews in one batch is {MOST_HITS}, these are {len(hits)}")
    events = [
        _event(hit, LONG, HIT, ("", None)) if isinstance(hit, dict) else {"properties": {"hit": hit}}
        for hit in hits
    ]
    return Heard(_numbered(events, event_ids(request, hits, _lasting)), unseen=True)


def _printable(words: str) -> str:
    told = words[:LONGEST_HEADER].encode("ascii", "replace").decode()
    return "".join(letter if letter.isprintable() else "?" for letter in told)


def _counted(_request: Request, _heard: Heard, told: Told) -> Reply:
    if not told.rejected:
        return pixel_reply()
    reasons = "; ".join(reason for _, each in told.rejected for reason in each)
    image = pixel_reply(400)
    return image._replace(headers=(*image.headers, ("x-goatcounter", _printable(f"not valid: {reasons}"))))


def _taken(_request: Request, _heard: Heard, told: Told) -> Reply:
    if not told.rejected:
        return json_reply({"status": "ok"}, 202)
    return json_reply({"errors": {str(index): "; ".join(reasons) for index, reasons in told.rejected}}, 400)


def _refused(request: Request, refusal: Refusal) -> Reply:
    if request.path.startswith("/api/"):
        return json_reply({"error": refusal.why}, refusal.status, refusal.again)
    image = pixel_reply(refusal.status)
    return image._replace(
        headers=(*image.headers, ("x-goatcounter", _printable(refusal.why)), *refusal.again)
    )


def _example(event_id: str, key: str, now: int) -> Example:
    hit = {"p": "test_event", "e": "true", "test": event_id, "rnd": now}
    return Example("GET", f"/count/{quote(key, safe='')}?{urlencode(hit)}", headers=())


GOATCOUNTER = Tracker(
    name="goatcounter",
    title="GoatCounter",
    about="GoatCounter's count.js and pixel for browsers, and its API for servers and log readers.",
    endpoints=(
        Endpoint(("GET", "POST"), "/count", _count, _counted),
        Endpoint(("GET", "POST"), "/count/{write_key}", _count, _counted),
        Endpoint(("POST",), "/api/v0/count", _hits, _taken),
    ),
    fields={"path": PATH, "/count": COUNT, "/api/v0/count": HIT},
    snippets=(
        Snippet(
            "count.js",
            "html",
            '<script data-goatcounter="{collector}/count/{key}" async src="/count.js"></script>',
        ),
        Snippet("the pixel", "html", '<img src="{collector}/count/{key}?p=/the-page" alt="">'),
        Snippet(
            "the API",
            "sh",
            "curl {collector}/api/v0/count -H 'Authorization: Bearer {key}' "
            '-d \'{"no_sessions": true, "hits": [{"path": "/the-page", "title": "The page"}]}\'',
        ),
    ),
    key_is="the last part of the address `/count/KEY`, of the API the token",
    source="https://www.goatcounter.com/help/api",
    notes="`rnd` of count.js, or `created_at` of a hit, makes the event's id: what is sent again, also as "
    "an image after a failed beacon, counts once for 7 days. Hits of one time that are the same in all "
    f"fields count each within one batch, and as one in two. Without them: {said_of(REPEATS)} Neither "
    "address nor agent of who calls the API is used for its hits.",
    refuse=_refused,
    repeats=REPEATS,
    example=_example,
)
