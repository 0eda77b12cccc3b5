"""One request's body in, its records out: judged, scrubbed, and counted, by two lanes of one meaning.

A body that is valid and clean as it stands is kept as its own bytes; else each event goes alone
(``settle``). Nothing here reads a clock or writes anywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from footfall.core.event import Event, Rejected
from footfall.core.pieces import Pieces, Unreadable, split
from footfall.core.reasons import reason
from footfall.core.record import AppId, Record, RecordKind, Sender
from footfall.core.scrub import ScrubPlan, suspect_body, suspect_places
from footfall.core.scrub.loose import scrub_loose
from footfall.core.settle import Settled, settle
from footfall.core.validate import MAX_DEPTH, too_deep

__all__ = ["DEFAULT_APP", "Policy", "Taken", "refuse", "take"]

DEFAULT_APP = AppId("default")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_read_many = msgspec.json.Decoder(list[Event]).decode
_read_one = msgspec.json.Decoder(Event).decode
_read_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_write = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a request: the app that its write key fixes, and the scrub plan.

    Without ``app_id`` (open, on loopback) an event's own app is honoured, else it is "default".
    """

    app_id: AppId | None
    plan: ScrubPlan


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request.

    ``records`` go to the log; ``rejected`` has (index, reasons) of each refused event; ``keys`` are
    64-bit hashes of (app, event_id) of accepted events with an id, comparable within this process;
    ``refused`` is the reason for a 400, when no event could be made out at all.
    """

    records: tuple[Record, ...]
    accepted: int
    rejected: tuple[tuple[int, tuple[str, ...]], ...] = ()
    keys: tuple[int, ...] = ()
    refused: str | None = None


def _record(
    kind: RecordKind, app: AppId, count: int, body: bytes, frame: tuple[str, int, Sender]
) -> Record:
    origin, received_at, sender = frame
    return Record(
        kind=kind,
        app_id=app,
        origin=origin,
        received_at=received_at,
        count=count,
        sender=sender,
        body=body,
    )


def _any_too_deep(body: bytes, events: list[Event]) -> bool:
    # Depth needs brackets: only a body with many more than flat events have is looked at closely.
    brackets = body.count(b"{") + body.count(b"[") + (body[:1] == b"{")  # as if in an array
    if brackets <= len(events) + MAX_DEPTH:
        return False
    flat = sum((event.properties is not None) + (event.user is not None) for event in events)
    if brackets <= len(events) + flat + MAX_DEPTH - 2:
        return False
    below = MAX_DEPTH - 1
    return any(too_deep(event.properties, below) or too_deep(event.user, below) for event in events)


def _valid(body: bytes, policy: Policy) -> tuple[AppId, list[Event]] | None:
    """Return the one app and the events of a body that is valid as it stands; None for any other."""
    try:
        events = [_read_one(body)] if body[:1] == b"{" else _read_many(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    apps = {event.app_id for event in events}
    if len(apps) != 1 or _any_too_deep(body, events):
        return None
    named = apps.pop()
    app = policy.app_id or AppId(named or DEFAULT_APP)
    return (app, events) if named is None or named == app else None


def _as_it_stands(body: bytes, app: AppId, events: list[Event], frame: tuple[str, int, Sender]) -> Taken:
    """Take the fast lane: keep the sender's bytes."""
    if body[:1] == b"{":
        body = b"[%b]" % body
    keys = tuple([hash((app, event.event_id)) for event in events if event.event_id is not None])
    return Taken((_record("events", app, len(events), body, frame),), len(events), keys=keys)


def _but_for_some(
    body: bytes,
    app: AppId,
    events: list[Event],
    policy: Policy,
    frame: tuple[str, int, Sender],
    look: "_Look",
) -> Taken | None:
    """Keep the bytes of a valid body's clean events, and settle the others; None if one is refused.

    A batch of a hundred events often has one that needs a closer look: the rest need not pay for it.
    """
    kept: list[bytes] = []
    copied = 0
    ids = [event.event_id for event in events]
    for index, start, end in _suspects(body):
        one = look.settle(body[start:end], index, policy, halved=False)
        if isinstance(one.outcome, Rejected) or (one.app_id or DEFAULT_APP) != app:
            return None
        kept += (body[copied:start], one.outcome)
        copied = end
        ids[index] = one.event_id
    kept.append(body[copied:])
    keys = tuple([hash((app, event_id)) for event_id in ids if event_id is not None])
    return Taken((_record("events", app, len(events), b"".join(kept), frame),), len(events), keys=keys)


def _suspects(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the place in the array, first and last byte of each event that needs a closer look."""
    places = suspect_places(body)
    at = nearest = 0
    for index, raw in enumerate(_read_raws(body)):
        piece = bytes(raw)
        start = body.index(piece, at)
        at = start + len(piece)
        if places is None:
            if suspect_body(piece):
                yield index, start, at
            continue
        while nearest < len(places) and places[nearest][1] <= start:
            nearest += 1
        if nearest < len(places) and places[nearest][0] < at:
            yield index, start, at


def refuse(
    body: bytes, why: str, *, policy: Policy, origin: str, received_at: int, sender: Sender
) -> Taken:
    """Return the outcome of a request in which a protocol found no event: one rejected event, scrubbed."""
    return _refused(body, why, policy, (origin, received_at, sender))


def _refused(body: bytes, why: str, policy: Policy, frame: tuple[str, int, Sender]) -> Taken:
    item = Rejected(reasons=[why], body=scrub_loose(body, policy.plan))
    record = _record("rejected", policy.app_id or DEFAULT_APP, 1, _write([item]), frame)
    return Taken((record,), 0, ((0, (why,)),), refused=why)


def _one_by_one(pieces: Pieces, policy: Policy, frame: tuple[str, int, Sender], look: "_Look") -> Taken:
    """Take the exact lane: each event alone; one record per app and kind."""
    accepted: dict[AppId, list[bytes]] = {}
    rejected: dict[AppId, list[Rejected]] = {}
    keys: list[int] = []
    for index, piece in enumerate(pieces.items):
        one = look.settle(piece, index, policy, halved=index in pieces.halved)
        app = AppId(one.app_id or DEFAULT_APP)
        if isinstance(one.outcome, Rejected):
            rejected.setdefault(app, []).append(one.outcome)
            continue
        accepted.setdefault(app, []).append(one.outcome)
        if one.event_id is not None:
            keys.append(hash((app, one.event_id)))
    records = [
        _record("events", app, len(bodies), b"[%b]" % b",".join(bodies), frame)
        for app, bodies in accepted.items()
    ]
    records += [
        _record("rejected", app, len(items), _write(items), frame) for app, items in rejected.items()
    ]
    refusals = sorted((item.index, tuple(item.reasons)) for items in rejected.values() for item in items)
    count = sum(map(len, accepted.values()))
    return Taken(tuple(records), count, tuple(refusals), tuple(keys))


@dataclass(frozen=True, slots=True)
class _Look:
    country_of: Callable[[str], str | None] | None
    visitor_of: Callable[[str, str | None], str] | None

    def settle(self, piece: bytes, index: int, policy: Policy, *, halved: bool) -> Settled:
        return settle(
            piece,
            index=index,
            halved=halved,
            fixed_app=policy.app_id,
            plan=policy.plan,
            country_of=self.country_of,
            visitor_of=self.visitor_of,
        )


def take(
    body: bytes,
    *,
    policy: Policy,
    origin: str,
    received_at: int,
    sender: Sender,
    country_of: Callable[[str], str | None] | None = None,
    visitor_of: Callable[[str, str | None], str] | None = None,
) -> Taken:
    """Judge and scrub the events of one request; ``received_at`` is UTC microseconds since 1970.

    Takes one event object or an array of them, in UTF-8 (a byte order mark is skipped). A rejected
    event's stored body goes through here again when it is retried. ``country_of`` and
    ``visitor_of(ip, user_agent)`` serve events that bring an ``ip`` of their own: the country is
    looked up and the visitor named before the address is cut. Never raises for what the body holds.
    """
    frame = (origin, received_at, sender)
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return _refused(body, reason("not_utf8", position=error.start), policy, frame)
    look = _Look(country_of, visitor_of)
    valid = _valid(body, policy)
    if valid is not None:
        if not suspect_body(body):
            return _as_it_stands(body, *valid, frame)
        if body[:1] != b"{" and (taken := _but_for_some(body, *valid, policy, frame, look)) is not None:
            return taken
    try:
        return _one_by_one(split(body), policy, frame, look)
    except Unreadable as error:
        return _refused(body, str(error), policy, frame)
