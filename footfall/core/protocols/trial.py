"""The test event of a tracker: the request that the console sends for it, and what to look for."""

from typing import NamedTuple

from footfall.core.protocols.exchange import Example, Tracker
from footfall.core.protocols.native import NATIVE, WEB_SDK
from footfall.core.protocols.registry import TRACKERS

__all__ = ["Trial", "trial_of", "ways_in"]


class Trial(NamedTuple):
    """A request, and the name of the protocol whose form it has."""

    example: Example
    form: str


def ways_in() -> tuple[Tracker, ...]:
    """Return every way to send, our own first."""
    return (WEB_SDK, NATIVE, *TRACKERS.values())


def trial_of(tracker: Tracker, event_id: str, key: str, now: int) -> Trial:
    """Return the tracker's test event; in the form of ``POST /v1/events`` where it has none of its own.

    ``event_id`` is the event's where the protocol carries ids, else it stands in its properties.
    ``now`` is UTC microseconds.
    """
    if tracker.example is None:
        tracker = NATIVE
    assert tracker.example is not None  # noqa: S101 - ours has one
    form = tracker.name if tracker.endpoints else NATIVE.name
    return Trial(tracker.example(event_id, key, now), form)
