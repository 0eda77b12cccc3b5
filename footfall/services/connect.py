"""Connecting a tracker: what to put into a site, and a test event through the real collector."""

import http.client
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from msgspec import Struct

from footfall.core.protocols.exchange import Tracker
from footfall.core.protocols.trial import trial_of, ways_in
from footfall.errors import BadQuery, NotFound, SendFailed
from footfall.ports import Warehouse
from footfall.services.trace import Trace
from footfall.settings import Settings

__all__ = ["Code", "Connection", "Trial", "Way", "connections", "find_test", "send_test", "ways"]

ANY_KEY = "any"
WAIT_SECONDS = 10.0
CARRIERS = """
select event_id from events
where received_at >= $since
    and event = any(['test_event', 'page_view'])
    and contains(properties, $id)
union all
select rejected_id from rejected_events where received_at >= $since and contains(body, $id)
limit 1
"""
SHOWN_BYTES = 4_000
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not listened on
AGENT = "footfall-test-event/1"


class Code(Struct, frozen=True):
    """How one client is pointed here; ``{collector}`` and ``{key}`` are for the page to fill in."""

    client: str
    language: str
    code: str


class Way(Struct, frozen=True):
    """One way to send: a card of the page. ``own_form`` says whether its test event has its own form."""

    name: str
    title: str
    about: str
    key_is: str
    notes: str
    own_form: bool
    snippets: list[Code]


class Connection(Struct, frozen=True):
    """An app and a key that may write for it; without configured apps ``default``, and any key."""

    app: str
    key: str


class Trial(Struct, frozen=True):
    """A test event that the collector answered: what was sent, in which form, and its words.

    ``event_id`` is what ``find_test`` looks for; the event's own id is another where the protocol
    carries none.

    ``sent_at`` is ISO 8601 in UTC; bodies are cut to 4,000 bytes and shown as text.
    """

    event_id: str
    form: str
    method: str
    path: str
    body: str
    sent_at: str
    status: int
    reply: str
    milliseconds: float


def ways() -> list[Way]:
    """Return every way to send, our own first, then the registry's."""
    return [
        Way(
            tracker.name,
            tracker.title,
            tracker.about,
            tracker.key_is,
            tracker.notes,
            tracker.example is not None,
            [Code(*snippet) for snippet in tracker.snippets],
        )
        for tracker in ways_in()
    ]


def connections(settings: Settings) -> list[Connection]:
    """Return who can send: each app that has a key, or anyone where no app is configured."""
    if not settings.apps:
        return [Connection("default", ANY_KEY)]
    return [Connection(name, app.write_keys[0]) for name, app in settings.apps.items() if app.write_keys]


def send_test(
    name: str,
    app: str | None,
    settings: Settings,
    clock: Callable[[], datetime],
    event_id: str | None = None,
) -> Trial:
    """Send one event as the named tracker would, over HTTP to the collector's own address.

    It is sent for ``app``, by default the first that has a key. ``clock`` tells naive UTC.
    Raises NotFound, BadQuery when no app has a key, SendFailed when nothing answers.
    """
    tracker = _tracker(name)
    key = _key(app, settings)
    at = clock()
    now = round((at - datetime(1970, 1, 1)).total_seconds() * 1_000_000)  # noqa: DTZ001 - naive UTC
    event_id = event_id or str(uuid.uuid4())
    trial = trial_of(tracker, event_id, key, now)
    example = trial.example
    began = time.perf_counter()
    status, reply = _ask(
        settings.collector.address, example.method, example.path, example.body, dict(example.headers)
    )
    return Trial(
        event_id=event_id,
        form=trial.form,
        method=example.method,
        path=example.path,
        body=_shown(example.body),
        sent_at=at.isoformat(timespec="milliseconds") + "Z",
        status=status,
        reply=_shown(reply),
        milliseconds=round((time.perf_counter() - began) * 1000, 1),
    )


def find_test(event_id: str, trace: Callable[[str], Trace], warehouse: Warehouse, now: datetime) -> Trace:
    """Return the life of a test event of the last hour, by the id that it was sent with."""
    found = trace(event_id)
    if found.found:
        return found
    rows = warehouse.query(CARRIERS, {"id": event_id, "since": now - timedelta(hours=1)}).rows
    return trace(rows[0][0]) if rows else found


def _tracker(name: str) -> Tracker:
    found = {tracker.name: tracker for tracker in ways_in()}
    if name not in found:
        raise NotFound(what="tracker", name=name, hint=f"There are {', '.join(found)}")
    return found[name]


def _key(app: str | None, settings: Settings) -> str:
    found = {each.app: each.key for each in connections(settings)}
    if not found:
        raise BadQuery(cause="no app has a write key; give one of [apps.NAME] write_keys in footfall.toml")
    if not app or not settings.apps:
        return next(iter(found.values()))
    if app not in found:
        raise NotFound(what="app with a write key", name=app, hint=f"There are {', '.join(found)}")
    return found[app]


def _ask(address: str, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), int(port), timeout=WAIT_SECONDS)
    with closing(connection):
        try:
            connection.request(method, path, body or None, {"user-agent": AGENT, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read(SHOWN_BYTES)
        except (OSError, http.client.HTTPException) as error:
            cause = str(error) or type(error).__name__
            hint = 'Is "footfall up" running? Its collector listens at collector.address'
            raise SendFailed(url=f"http://{address}", sent=0, cause=cause, hint=hint) from error


def _shown(body: bytes) -> str:
    """Return bytes as text for a page: an image or a packed body is told by its length."""
    try:
        return body[:SHOWN_BYTES].decode()
    except UnicodeDecodeError:
        return f"({len(body)} bytes that are no text)"
