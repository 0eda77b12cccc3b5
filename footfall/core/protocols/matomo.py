"""Matomo's tracking API, a hit at a time or many in one body; trackers of Piwik's days speak it too.

https://developer.matomo.org/api-reference/tracking-api and the published client matomo-tracker.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote_plus, urlencode

import msgspec

from footfall.core.moments import moment
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
from footfall.core.protocols.mapping import DROPPED, Field, address, mapped, number, text
from footfall.core.protocols.reading import json_object, pixel_reply, query_of
from footfall.core.protocols.repeats import REPEATS, event_ids

__all__ = ["MATOMO"]

ITEM = ("sku", "name", "category", "price", "quantity")
SCREEN = re.compile(r"[1-9][0-9]{0,5}x[1-9][0-9]{0,5}")
# A number or a time of the client's that tells two hits apart.
TELLING = ("rand", "r", "cdt")
# Without a visitor the sender may be a server, and equal hits those of two people.
VISITOR = ("_id", "cid", "uid", "cip")
CAMPAIGN = re.compile(
    r"[?&;#](?:mtm|matomo|pk|piwik)_(campaign|cpn|keyword|kwd|source|medium|content)=([^&;#]+)"
)
UTM = {"cpn": "campaign", "keyword": "term", "kwd": "term"}
LONGEST_AGO = 31_536_000 * 20
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
JSON_START = (b"{", b"[", b"\xef\xbb\xbf")


def _time(value: Any) -> str | None:
    told = text(value)
    try:
        return moment(told).isoformat() if told else None
    except ValueError:
        return None


def _screen(value: Any) -> str | None:
    return value if isinstance(value, str) and SCREEN.fullmatch(value) else None


def _language(value: Any) -> str | None:
    """Return the first of a list as browsers send it: ``de-AT,de;q=0.8``."""
    return text(value.split(",")[0].split(";")[0]) if isinstance(value, str) else None


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _categories(value: Any) -> Any:
    """Return a category, or an array of them that is written as JSON."""
    told = _json(value)
    return told if isinstance(told, list) else text(value)


def _items(value: Any) -> list[Any] | None:
    """Return an order's rows (sku, name, category, price, quantity) as objects."""
    rows = _json(value)
    if not isinstance(rows, list):
        return None
    return [dict(zip(ITEM, row, strict=False)) if isinstance(row, list) else row for row in rows]


COMMON = (
    Field("uid", "user_id", text),
    Field("cid", "anonymous_id", text, "a visitor id that a server sets"),
    Field("_id", "anonymous_id", text, "the visitor id, 16 hex digits"),
    Field("cdt", "created_at", _time, "epoch or UTC"),
    Field("cdo", "properties.cdo", number, "seconds ago: taken from created_at"),
    Field("h", "properties.local_hour", number, "by the visitor's clock"),
    Field("m", "properties.local_minute", number),
    Field("s", "properties.local_second", number),
    Field("url", "url", text, "without it and urlref, the header Referer"),
    Field("urlref", "referrer", text),
    Field("action_name", "title", text),
    Field("ua", "user_agent", text, "a server's word for the browser's"),
    Field("uadata", "properties.uadata", _json, "client hints"),
    Field("lang", "language", _language),
    Field("res", "screen", _screen),
    Field("cip", "ip", address, "cut to its network at the door"),
    Field("country", "country", text),
    Field("_rcn", "properties.utm_campaign", text),
    Field("_rck", "properties.utm_term", text),
    Field("cvar", "properties.cvar", _json, "custom variables of the page"),
    Field("_cvar", "properties._cvar", _json, "custom variables of the visit"),
    Field("idsite", DROPPED, note="the write key; the app where no key is asked for"),
    Field("rec", DROPPED),
    Field("apiv", DROPPED),
    Field("rand", DROPPED, note="tells hits apart: part of event_id"),
    Field("r", DROPPED, note="as rand"),
    Field("send_image", DROPPED),
    Field("token_auth", DROPPED, note="never stored"),
    Field("write_key", DROPPED),
)
PAGE = (
    *(Field(f"pf_{name}", f"properties.pf_{name}", number) for name in ("net", "srv", "tfr")),
    *(Field(f"pf_{name}", f"properties.pf_{name}", number) for name in ("dm1", "dm2", "onl")),
    Field("gt_ms", "properties.gt_ms", number),
    Field("_pks", "properties.product_sku", text),
    Field("_pkn", "properties.product_name", text),
    Field("_pkc", "properties.product_category", _categories, "one, or an array of them"),
    Field("_pkp", "properties.product_price", number),
)
EVENT = (
    Field("e_a", "event", text, "the action names the event"),
    Field("e_c", "properties.event_category", text),
    Field("e_n", "properties.event_name", text),
    Field("e_v", "value", number),
)
SEARCH = (
    Field("search", "properties.search_term", text),
    Field("search_cat", "properties.search_category", text),
    Field("search_count", "properties.search_count", number),
)
CONTENT = (
    Field("c_n", "properties.content_name", text),
    Field("c_p", "properties.content_piece", text),
    Field("c_t", "properties.content_target", text),
    Field("c_i", "properties.content_interaction", text),
)
DOWNLOAD = (Field("download", "properties.link_url", text),)
CLICK = (Field("link", "properties.link_url", text),)
GOAL = (Field("idgoal", "properties.goal_id", text), Field("revenue", "value", number))
ORDER = (
    Field("revenue", "value", number),
    Field("ec_id", "properties.order_id", text),
    Field("ec_items", "properties.items", _items, "sku, name, category, price, quantity"),
    Field("ec_st", "properties.subtotal", number),
    Field("ec_tx", "properties.tax", number),
    Field("ec_sh", "properties.shipping", number),
    Field("ec_dt", "properties.discount", number),
    Field("idgoal", DROPPED, note="0 means e-commerce"),
)
PING = (Field("ping", DROPPED),)
ACTION = (Field("ca", DROPPED, note="what a plugin of Matomo tracks by itself"),)

KINDS: Mapping[str, tuple[Field, ...]] = {
    "page_view": PAGE,
    "page_ping": PING,
    "event": EVENT,
    "search": SEARCH,
    "download": DOWNLOAD,
    "click": CLICK,
    "content_impression": CONTENT,
    "content_interaction": CONTENT,
    "goal": GOAL,
    "purchase": ORDER,
    "cart_update": ORDER,
    "custom_action": ACTION,
}
"""For each kind of hit its own fields; the kind names the event, but for Matomo's events."""

TABLES = {kind: (*own, *COMMON) for kind, own in KINDS.items()}


def _kind(hit: Mapping[str, Any]) -> str:
    """Return what a hit is, in the order in which Matomo decides it."""
    said = {name for name, value in hit.items() if value not in ("", None)}
    if str(hit.get("ping", "0")) == "1":
        return "page_ping"
    if "ec_id" in said:
        return "purchase"
    if "idgoal" in said:
        return "cart_update" if str(hit["idgoal"]) == "0" else "goal"
    if "c_n" in said:
        return "content_interaction" if "c_i" in said else "content_impression"
    for name, kind in (
        ("e_a", "event"),
        ("e_c", "event"),
        ("search", "search"),
        ("download", "download"),
        ("link", "click"),
    ):
        if name in said:
            return kind
    return "custom_action" if str(hit.get("ca", "0")) == "1" else "page_view"


def _recorded(hit: Any) -> bool:
    """Whether a hit says its site and that it is to be recorded; others Matomo refuses, and we too."""
    return isinstance(hit, dict) and text(hit.get("idsite")) is not None and str(hit.get("rec")) == "1"


def _event(hit: Any, request: Request) -> dict[str, Any]:
    if not _recorded(hit):
        # Without a name the door refuses it, and keeps it with the reason.
        return {"properties": {"hit": _without_token(hit)}}
    kind = _kind(hit)
    event = mapped(hit, TABLES[kind])
    event.setdefault("event", kind)
    if kind == "click":
        event["properties"]["outbound"] = True
    if (page := request.headers.get("referer")) and not hit.get("url") and not hit.get("urlref"):
        event["url"] = page
    _set_campaign(event)
    ago = abs(number(hit.get("cdo")) or 0)
    if 0 < ago <= LONGEST_AGO:
        since = max(moment(event.get("created_at", request.received_at)), EARLIEST)
        event["created_at"] = (since - timedelta(seconds=ago)).isoformat()
    return event


def _events(hits: Sequence[Any], request: Request) -> list[dict[str, Any]]:
    events = [_event(hit, request) for hit in hits]
    agent = request.headers.get("user-agent")
    ids = event_ids(request, hits, lambda hit: _lasting(hit, agent))
    for event, hit, event_id in zip(events, hits, ids, strict=True):
        if event_id and _recorded(hit) and any(hit.get(name) for name in (*TELLING, *VISITOR)):
            event["event_id"] = event_id
    return events


def _lasting(hit: Any, agent: str | None) -> dict[str, Any] | None:
    """Return what makes a hit one of a kind wherever and whenever it comes, if anything does."""
    if not isinstance(hit, dict) or not any(hit.get(name) for name in TELLING):
        return None
    said = {"hit": {name: value for name, value in hit.items() if name not in ("token_auth", "cip")}}
    address = {"ip": hit["cip"]} if hit.get("cip") else {}
    return {**said, **address, "agent": agent}


def _without_token(hit: Any) -> Any:
    if not isinstance(hit, dict):
        return hit
    return {name: value for name, value in hit.items() if name != "token_auth"}


def _set_campaign(event: dict[str, Any]) -> None:
    """Take the campaign out of the page's address, where Matomo has parameters of its own for it."""
    url = event.get("url")
    found = CAMPAIGN.findall(url) if isinstance(url, str) else ()
    for name, value in found:
        properties = event.setdefault("properties", {})
        properties.setdefault(f"utm_{UTM.get(name, name)}", unquote_plus(value))


class _Form(NamedTuple):
    """How the sender wants its answer."""

    many: bool = False
    silent: bool = False
    indices: bool = False


def _read(request: Request) -> Heard:
    body = request.body.lstrip()
    if body.startswith(JSON_START):
        return _many(request, json_object(body))
    hit = query_of(body.decode(errors="replace")) | dict(request.query)
    if not hit:
        return Heard([], extra=_Form())
    site = text(hit.get("idsite"))
    return Heard(
        _events([hit], request), key=site, app=site, extra=_Form(silent=hit.get("send_image") == "0")
    )


def _many(request: Request, body: Mapping[str, Any]) -> Heard:
    items = body.get("requests")
    if not isinstance(items, list):
        raise Unheard("requests is missing; send an array of query strings or objects")
    hits = [query_of(item[item.find("?") + 1 :]) if isinstance(item, str) else item for item in items]
    sites = {text(hit["idsite"]) for hit in hits if _recorded(hit)}
    site = min(sites, default=None, key=str)
    if len(sites) > 1:
        raise Unheard("the requests are of several sites; send those of one idsite in a body", key=site)
    form = _Form(True, str(body.get("send_image", "")) == "0", bool(body.get("token_auth")))
    return Heard(_events(hits, request), key=site, app=site, extra=form)


def _taken(_request: Request, heard: Heard, told: Told) -> Reply:
    form: _Form = heard.extra
    if form.many and not form.silent:
        invalid = [index for index, _ in told.rejected]
        indices = {"invalid_indices": invalid} if form.indices else {}
        tracked = told.accepted + told.duplicates
        return json_reply({"status": "success", "tracked": tracked, "invalid": len(invalid), **indices})
    if told.rejected and not form.many:
        reasons = "; ".join(reason for _, reasons in told.rejected for reason in reasons)
        return Reply(400, reasons.encode(), (("content-type", "text/plain; charset=utf-8"),))
    return Reply(204, headers=()) if form.silent else pixel_reply()


def _refused(_request: Request, refusal: Refusal) -> Reply:
    told = {"status": "error", "tracked": 0, "invalid": 0, "message": refusal.why}
    return json_reply(told, refusal.status, refusal.again)


def _example(event_id: str, key: str, now: int) -> Example:
    hit = {"idsite": key, "rec": "1", "e_c": "footfall", "e_a": "test_event", "test": event_id, "rand": now}
    return Example("GET", f"/matomo.php?{urlencode(hit)}", headers=())


MATOMO = Tracker(
    name="matomo",
    title="Matomo",
    about="Matomo's tracking API, as its trackers for pages, servers and apps speak it.",
    endpoints=(
        Endpoint(("GET", "POST"), "/matomo.php", _read, _taken),
        Endpoint(("GET", "POST"), "/piwik.php", _read, _taken),
    ),
    fields={"every hit": COMMON, **KINDS},
    snippets=(
        Snippet(
            "matomo-tracker",
            "javascript",
            'import MatomoTracker from "matomo-tracker";\n\n'
            'const matomo = new MatomoTracker("{key}", "{collector}/matomo.php");\n'
            'matomo.track({ url: "https://shop.example/cart", action_name: "Cart", rand: Math.random() });',
        ),
        Snippet(
            "matomo.js",
            "javascript",
            "var _paq = window._paq = window._paq || [];\n"
            '_paq.push(["trackPageView"], ["enableLinkTracking"]);\n'
            '_paq.push(["setTrackerUrl", "{collector}/matomo.php"], ["setSiteId", "{key}"]);',
        ),
    ),
    key_is="the site id (idsite)",
    source="https://developer.matomo.org/api-reference/tracking-api",
    notes=(
        "The clients give their hits no ids. A hit with `rand`, `r` or `cdt` gets one that is made of all "
        "that it says: sent again, at any time, it counts once; of hits that are equal in everything each "
        "in a body counts. A hit with none of these that names its visitor (`_id`, `cid`, `uid`, `cip`) "
        f"counts once when the same bytes come again within {REPEATS.seconds} s. A hit with nothing of the "
        "kind may be a server's for two people: it counts each time. "
        "`mtm_`, `matomo_`, `pk_` and `piwik_` parameters of a page's address (campaign, keyword, source, "
        "medium, content) become `properties.utm_...`. A hit without `idsite` or `rec=1` is refused and "
        "kept as rejected. The hits of one body are of one site. Matomo keeps the currency in a site's "
        "settings, so orders come without one."
    ),
    refuse=_refused,
    repeats=REPEATS,
    example=_example,
)
