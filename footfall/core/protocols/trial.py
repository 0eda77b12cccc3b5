"""The test event of a tracker: the request that the console sends for it, and the id to look for."""

from typing import NamedTuple
from urllib.parse import unquote

from footfall.core.protocols.exchange import Endpoint, Example, Request, Tracker, Unheard
from footfall.core.protocols.native import NATIVE, WEB_SDK
from footfall.core.protocols.reading import query_of
from footfall.core.protocols.registry import TRACKERS

__all__ = ["Trial", "trial_of", "ways_in"]


class Trial(NamedTuple):
    """A request, the id of the event in it, and the name of the protocol whose form it has."""

    example: Example
    event_id: str
    form: str


def ways_in() -> tuple[Tracker, ...]:
    """Return every way to send, our own first."""
    return (WEB_SDK, NATIVE, *TRACKERS.values())


def trial_of(tracker: Tracker, event_id: str, key: str, now: int) -> Trial:
    """Return the tracker's test event; in the form of ``POST /v1/events`` where it has none of its own.

    ``event_id`` is used where the protocol carries ids. Where it carries none the id is the one that
    our reading of the request gives it. ``now`` is UTC microseconds.
    """
    if tracker.example is None:
        tracker = NATIVE
    assert tracker.example is not None  # noqa: S101 - ours has one
    example = tracker.example(event_id, key, now)
    form = tracker.name if tracker.endpoints else NATIVE.name
    return Trial(example, _id_in(tracker, example, now) or event_id, form)


def _id_in(tracker: Tracker, example: Example, now: int) -> str | None:
    path, _, query = example.path.partition("?")
    headers = dict(example.headers)
    for endpoint in tracker.endpoints:
        params = _params(endpoint, path)
        if endpoint.read is None or params is None or example.method not in endpoint.methods:
            continue
        request = Request(
            example.method, path, query_of(query), headers, example.body, params, received_at=now
        )
        try:
            heard = endpoint.read(request)
        except Unheard:
            return None  # the collector will say why
        return next((str(event["event_id"]) for event in heard.events if event.get("event_id")), None)
    return None


def _params(endpoint: Endpoint, path: str) -> dict[str, str] | None:
    """Return the values of the path's placeholders; None when it is another path."""
    declared, given = endpoint.path.split("/"), path.split("/")
    if len(declared) != len(given):
        return None
    params: dict[str, str] = {}
    for part, value in zip(declared, given, strict=True):
        if part.startswith("{") and value:
            params[part.strip("{}")] = unquote(value)
        elif part != value:
            return None
    return params
