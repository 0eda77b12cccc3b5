"""The log's record: what one request left behind, ready to be written and read again."""

from typing import Literal, NewType

from msgspec import Struct

__all__ = ["AppId", "Logged", "Offset", "Record", "RecordKind", "Sender"]

AppId = NewType("AppId", str)
Offset = NewType("Offset", int)
RecordKind = Literal["events", "rejected"]


class Sender(Struct, frozen=True, array_like=True):
    """What the door saw of the sender, with nothing personal left in it.

    ``ip`` is cut to /24 or /48; ``country`` was looked up before the cut; ``visitor_hash`` is
    the daily-salted hash of app, full IP and user agent.
    """

    ip: str | None = None
    country: str | None = None
    user_agent: str | None = None
    language: str | None = None
    visitor_hash: str | None = None


class Record(Struct, frozen=True, kw_only=True):
    """One request's accepted (or rejected) events of one app.

    ``body`` is a JSON array of ``Event`` (kind ``events``) or ``Rejected`` (kind ``rejected``)
    with ``count`` items; it may hold the sender's own white space but no personal data.
    ``received_at`` is UTC microseconds since 1970.
    """

    kind: RecordKind
    app_id: AppId
    origin: str
    received_at: int
    count: int
    sender: Sender
    body: bytes


class Logged(Struct, frozen=True):
    """A record with its place: the log's name and the offset in it, 1 or more, ascending."""

    log: str
    offset: Offset
    record: Record
