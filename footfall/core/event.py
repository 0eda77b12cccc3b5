"""The event as it is taken in, and the rejected event: the two outcomes at the door.

``Event`` is both the fast lane's typed decoder (a request that decodes into it is valid) and the
form in which the log keeps events. What a sender may write more loosely (numbers as ids, other
spellings of times, unknown fields) is brought into this form by ``validate``.
"""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

__all__ = ["Event", "Outcome", "Rejected"]

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=2_000)]
Address = Annotated[str, Meta(max_length=8_192)]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
# Microseconds up to the end of year 9998, so that no time zone leads out of the calendar.
LATEST = 253_370_764_800_000_000
Moment = datetime | Annotated[int, Meta(ge=0, le=LATEST)] | Annotated[float, Meta(ge=0, le=LATEST)]
Network = Annotated[
    str, Meta(pattern=r"^(?:(?:[0-9]{1,3}\.){3}0|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,2}::)\Z", max_length=16)
]


class Event(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One event as the contract has it; times are RFC 3339 or epoch s/ms/us by magnitude.

    ``element`` to ``country`` are columns of their own and may also come inside ``properties``;
    ``user_agent`` and ``ip`` are for servers that send on behalf of a browser. ``ip`` only ever
    holds a cut network here: the door cuts what a sender writes in full.
    """

    event: Name
    event_id: Id | None = None
    app_id: Id | None = None
    user_id: Id | None = None
    anonymous_id: Id | None = None
    session_id: Id | None = None
    created_at: Moment | None = None
    timestamp: Moment | None = None
    sent_at: Moment | None = None
    url: Address | None = None
    referrer: Address | None = None
    title: Text | None = None
    screen: Text | None = None
    language: Text | None = None
    time_spent: Seconds | None = None
    element: Text | None = None
    value: float | None = None
    currency: Text | None = None
    timezone: Text | None = None
    country: Text | None = None
    user_agent: Text | None = None
    ip: Network | None = None
    properties: dict[str, Any] | None = None
    user: dict[str, Any] | None = None


class Rejected(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A refused event as a value: its scrubbed bytes and every reason.

    ``index`` is its place in the request; ``body`` is the event as JSON text when it was JSON,
    else the request's scrubbed bytes, decoded with replacement and cut to 64 KiB.
    """

    reasons: list[str]
    body: str
    index: int = 0
    event_id: str | None = None


Outcome = Event | Rejected
