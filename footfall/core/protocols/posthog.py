"""PostHog's capture, V0 and V1, and the answers that its clients need before they send.

https://posthog.com/docs/api/capture, the capture server's sources, and the published clients posthog,
posthog-node and posthog-js.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from footfall.core.access import key_in_header
from footfall.core.body import BodyRefused, unpack
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
from footfall.core.protocols.posthog_events import TABLES, event_of
from footfall.core.protocols.reading import json_object, json_value, query_of

__all__ = ["POSTHOG"]

CAPTURE = ("/e", "/i/v0/e", "/capture", "/track", "/batch", "/i/v0/ai/batch")
V1 = "/i/v1/analytics/events"
UNPACKED_BYTES = 20 << 20
"""The most that a form's or query's own gzip may hold: PostHog's limit of a batch."""

FIRST_MILLISECONDS = 1_577_836_800_000  # 2020; smaller ones are seconds of old clients
GZIP_MAGIC = b"\x1f\x8b\x08"
JSON_STARTS = (b"{", b"[", b"\xef\xbb\xbf")
FORM = "application/x-www-form-urlencoded"
RECORDINGS = ("$snapshot", "$snapshot_items")
SERVER = re.compile(r"posthog-(?!ios|android|react-native|flutter|js)", re.IGNORECASE)
"""The agents of clients that run on servers, whose address and agent are nobody's."""


class Sent(NamedTuple):
    """What a request holds: its events, the key, the clock at sending, and whether that corrects times."""

    items: list[Any]
    key: str | None
    sent_at: Any


def _data(request: Request) -> bytes:
    """Return the JSON of a request: the body, or ``data`` of a form or query; gzip and Base64 undone."""
    body = request.body.strip() if not request.body.startswith(GZIP_MAGIC) else request.body
    if not body:
        body = _plus(request.query.get("data", ""))
        if not body:
            raise Unheard("there is no body, and no data in the query")
    elif body.startswith(b"data=") or (request.headers.get("content-type") or "").lower().startswith(FORM):
        form = query_of(body.decode("utf-8", "replace"))
        if "data" in form:
            body = _plus(form["data"])
    if body.startswith(JSON_STARTS):
        return body
    if not body.startswith(GZIP_MAGIC):
        try:
            body = base64.b64decode(body.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(body) % 4))
        except (binascii.Error, ValueError) as error:
            raise Unheard(f"the body is neither JSON nor Base64: {error}") from error
    try:
        return unpack(body, None, UNPACKED_BYTES, UNPACKED_BYTES)
    except BodyRefused as error:
        raise Unheard(error.reason, error.status) from error


def _plus(data: str) -> bytes:
    """Return ``data`` as bytes; Base64 that nobody escaped lost its plus signs to blanks."""
    data = data.strip()
    return (data if data.startswith(("{", "[")) else data.replace(" ", "+")).encode("utf-8", "replace")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _key(named: Mapping[str, Any]) -> str | None:
    return next((key for name in ("api_key", "token", "$token") if (key := _text(named.get(name)))), None)


def _key_of_item(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    properties = item.get("properties")
    return _key(item) or (_text(properties.get("token")) if isinstance(properties, dict) else None)


def _checked(keys: set[str]) -> str | None:
    """Return the one key. Raises Unheard for several, and for one that may never be public."""
    if len(keys) > 1:
        raise Unheard("the events name different keys; send each key's alone", 401)
    key = next(iter(keys), None)
    if key is not None and key.startswith("phx_"):
        raise Unheard("this is a personal key; send the write key", 401)
    return key


def _clock(request: Request) -> int | None:
    """Return when the query says that the request was sent, in milliseconds."""
    for name in ("sent_at", "_"):
        told = request.query.get(name, "")
        if told.isascii() and told.isdigit() and len(told) < 16 and int(told) >= FIRST_MILLISECONDS:
            return int(told)
    return None


def _opened(request: Request) -> Sent:
    value = json_value(_data(request))
    sent_at: Any = None
    if isinstance(value, dict) and "batch" in value:
        items, named = value["batch"], _key(value)
        sent_at = value.get("sent_at") or value.get("sentAt")
        keys = {named} if named else _keys(items)
        if value.get("historical_migration") is True:
            return Sent(_some(items), _checked(keys), None)
    else:
        items = [value] if isinstance(value, dict) else value
        keys = _keys(items)
    asked = _key(request.query)
    return Sent(_some(items), _checked(keys) or asked, sent_at or _clock(request))


def _keys(items: Any) -> set[str]:
    return {key for item in items if (key := _key_of_item(item))} if isinstance(items, list) else set()


def _some(items: Any) -> list[Any]:
    if not isinstance(items, list) or not items:
        raise Unheard("there are no events; send an object, an array of them, or a batch")
    return items


def _recording(item: Any) -> bool:
    return isinstance(item, dict) and item.get("event") in RECORDINGS


def _heard(request: Request, sent: Sent, kept: list[tuple[int, Any]]) -> Heard:
    events = [
        event_of(
            item,
            key=sent.key,
            sent_at=sent.sent_at,
            index=index,
            received_at=request.received_at,
            secret=request.secret,
        )
        for index, item in kept
    ]
    uuids = [item.get("uuid") if isinstance(item, dict) else None for _, item in kept]
    return Heard(events, key=sent.key, unseen=_of_servers(request, [item for _, item in kept]), extra=uuids)


def _of_servers(request: Request, items: list[Any]) -> bool:
    """Whether the sender is a server: its address and agent say nothing of the person."""
    if SERVER.match(request.headers.get("user-agent") or ""):
        return True
    return all(
        isinstance(item, dict)
        and isinstance(item.get("properties"), dict)
        and item["properties"].get("$is_server") is True
        for item in items
    )


def _v0(request: Request, *, unnamed: str | None = None) -> Heard:
    """Read V0; ``unnamed`` is the event that one without a name is (``/engage`` names none)."""
    sent = _opened(request)
    items = sent.items
    if unnamed:
        items = [{"event": unnamed} | item if isinstance(item, dict) else item for item in items]
    kept = [(index, item) for index, item in enumerate(items) if not _recording(item)]
    return _heard(request, sent, kept)


def _v1(request: Request) -> Heard:
    body = json_object(request.body)
    items = _some(body.get("batch"))
    library, _, version = (request.headers.get("posthog-sdk-info") or "").partition("/")
    told = {"$lib": library, "$lib_version": version} if library and version else {}
    past = body.get("historical_migration") is True
    sent_at = None if past else _text(request.headers.get("posthog-request-timestamp"))
    kept = [
        (index, item | {"properties": told | item["properties"]})
        if isinstance(item, dict) and isinstance(item.get("properties"), dict)
        else (index, item)
        for index, item in enumerate(items)
        if not _recording(item)
    ]
    key = key_in_header(request.headers.get("authorization"))
    return _heard(request, Sent(items, _checked({key} if key else set()), sent_at), kept)


def _taken(request: Request, heard: Heard, told: Told) -> Reply:
    """Answer V0, whose clients look at the status alone: 400 where every event was refused."""
    if told.rejected and len(told.rejected) == len(heard.events):
        reasons = [reason for _, reasons in told.rejected for reason in reasons]
        return _refused(request, Refusal("unreadable", 400, "no event was right", reasons))
    if not told.rejected:
        return Reply(200, b'{"status":"Ok"}')
    refused = [{"index": index, "reasons": reasons} for index, reasons in told.rejected]
    return json_reply({"status": "Ok", "rejected": refused})


def _resulted(_request: Request, heard: Heard, told: Told) -> Reply:
    """Answer V1, which asks about each event by its uuid."""
    results: dict[str, Any] = {uuid: {"result": "ok"} for uuid in heard.extra if _text(uuid)}
    for index, reasons in told.rejected:
        if _text(uuid := heard.extra[index]):
            results[uuid] = {"result": "drop", "details": "; ".join(reasons)}
    return json_reply({"results": results})


TAGS = {
    "key": "invalid_api_token",
    "origin": "origin_not_allowed",
    "unreadable": "request_parsing_error",
    "too_large": "payload_too_large",
    "too_fast": "rate_limited",
    "unavailable": "service_unavailable",
}


def _refused(request: Request, refusal: Refusal) -> Reply:
    if request.path == V1:
        told: dict[str, Any] = {"error": TAGS[refusal.kind], "error_description": refusal.why}
    else:
        told = {"type": "validation_error", "code": TAGS[refusal.kind], "detail": refusal.why, "attr": None}
    return json_reply(told, refusal.status, refusal.again)


def _config(token: str) -> dict[str, Any]:
    """Return what a project without any of PostHog's extras tells posthog-js.

    Flags are said to be there, so that the client asks, gets none, and calls back who waits for them. Of
    surveys nothing is said: at any word, also at "no", it loads a script that is not here.
    """
    return {
        "token": token,
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": True,
        "analytics": {"endpoint": "/i/v0/e/"},
        "elementsChainAsString": True,
        "autocapture_opt_out": False,
        "autocaptureExceptions": False,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "defaultIdentifiedOnly": True,
        "heatmaps": False,
        "sessionRecording": False,
        "productTours": False,
        "conversations": False,
        "siteApps": [],
        "toolbarParams": {},
        "isAuthenticated": False,
    }


def _config_json(request: Request) -> Reply:
    return json_reply(_config(request.params["token"]))


def _config_script(request: Request) -> Reply:
    token = request.params["token"]
    known = msgspec.json.encode({"config": _config(token), "siteApps": []})
    name = msgspec.json.encode(token)
    script = (
        b"(function(w){w._POSTHOG_REMOTE_CONFIG=w._POSTHOG_REMOTE_CONFIG||{};"
        b"w._POSTHOG_REMOTE_CONFIG[%b]=%b;})(window);" % (name, known)
    )
    kept = ("cache-control", "public, max-age=300")
    return Reply(200, script, (("content-type", "text/javascript; charset=utf-8"), kept))


NO_FLAGS = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
}
NO_DEFINITIONS: dict[str, Any] = {"flags": [], "group_type_mapping": {}, "cohorts": {}}


def _both(methods: tuple[str, ...], path: str, **means: Any) -> tuple[Endpoint, Endpoint]:
    """Return an endpoint without and with a slash at its end."""
    return Endpoint(methods, path, **means), Endpoint(methods, f"{path}/", **means)


def _example(event_id: str, key: str, now: int) -> Example:
    event = {
        "uuid": event_id,
        "event": "test_event",
        "distinct_id": "footfall-connect",
        "timestamp": datetime.fromtimestamp(now / 1e6, UTC).isoformat(),
        "properties": {"test": True, "$process_person_profile": False},
    }
    return Example("POST", "/i/v0/e/", msgspec.json.encode({"api_key": key, "batch": [event]}))


GET_POST = ("POST", "GET")

POSTHOG = Tracker(
    name="posthog",
    title="PostHog",
    about="PostHog's capture, V0 and V1, as its clients speak it, servers, phones and browsers.",
    endpoints=(
        *(each for path in CAPTURE for each in _both(GET_POST, path, read=_v0, reply=_taken)),
        *_both(GET_POST, "/engage", read=partial(_v0, unnamed="$identify"), reply=_taken),
        Endpoint(("POST",), V1, _v1, _resulted),
        *_both(GET_POST, "/s", answer=lambda _: Reply(200, b'{"status":"Ok"}')),
        Endpoint(
            ("GET",),
            "/array/{token}/config",
            answer=_config_json,
        ),
        Endpoint(("GET",), "/array/{token}/config.js", answer=_config_script),
        *_both(GET_POST, "/flags", answer=lambda _: json_reply(NO_FLAGS)),
        *_both(GET_POST, "/decide", answer=lambda _: json_reply(NO_FLAGS)),
        *_both(("GET",), "/flags/definitions", answer=lambda _: json_reply(NO_DEFINITIONS)),
        *_both(("GET",), "/api/feature_flag/local_evaluation", answer=lambda _: json_reply(NO_DEFINITIONS)),
    ),
    fields=TABLES,
    snippets=(
        Snippet(
            "posthog",
            "python",
            'from posthog import Posthog\n\nposthog = Posthog("{key}", host="{collector}")\n'
            'posthog.capture("Order Completed", distinct_id="user-1", properties={"revenue": 20})',
        ),
        Snippet(
            "posthog-node",
            "javascript",
            'import { PostHog } from "posthog-node";\n\n'
            'const posthog = new PostHog("{key}", { host: "{collector}" });\n'
            'posthog.capture({ distinctId: "user-1", event: "Order Completed" });',
        ),
        Snippet(
            "posthog-js",
            "javascript",
            'import posthog from "posthog-js";\n\nposthog.init("{key}", { api_host: "{collector}" });\n'
            'posthog.capture("Order Completed", { revenue: 20 });',
        ),
    ),
    key_is="the project's API key (`api_key`, `token`; in V1 the Bearer token)",
    source="https://posthog.com/docs/api/capture",
    notes=(
        "Session recordings (`/s/`, `$snapshot`) are answered and not stored; there are no feature flags, "
        "surveys or remote switches: every answer says so. An event without `uuid` gets an id by its bytes "
        "and its place in the request, so that the same request again adds nothing; with neither "
        "`timestamp` nor `sent_at` it gets none, and each request counts. A `distinct_id` is the "
        "`user_id`, but the `anonymous_id` where the client says that it made it: `$is_identified` is "
        "false, `$device_id` is the same, or `$process_person_profile` is false. Of a server that sends, "
        "address and agent are not used. Bodies packed with zstd or lz64 are refused."
    ),
    refuse=_refused,
    example=_example,
)
