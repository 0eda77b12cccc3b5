"""What passes between the collector and a protocol: values only.

A protocol reads a ``Request`` into ``Heard`` (events in our contract's form), and says in its own words
what became of it: ``Told`` when it was taken, ``Refusal`` when it was not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from footfall.core.protocols.mapping import Field

__all__ = [
    "JSON",
    "Endpoint",
    "Example",
    "Headers",
    "Heard",
    "Refusal",
    "Repeats",
    "Reply",
    "Request",
    "Snippet",
    "Told",
    "Tracker",
    "Unheard",
    "json_reply",
    "plain_refusal",
]

JSON = (("content-type", "application/json"),)


class Headers(Protocol):
    """A request's headers; names are in lower case."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value, None when it was not sent."""
        ...


class Request(NamedTuple):
    """A request as a protocol sees it.

    ``query`` and ``params`` (the path's placeholders) are percent-decoded, the last of a name counts;
    ``body`` is unzipped already; ``received_at`` is UTC microseconds since 1970; ``secret`` is the
    installation's own, for what a protocol has to sign.

    Only for a tracker with ``repeats``: ``visitor`` is the day's hash of the sender's address and agent;
    ``mark`` is the same for the same bytes from the same sender within its seconds, and else another.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes = b""
    params: Mapping[str, str] = {}
    received_at: int = 0
    secret: bytes = b""
    visitor: str = ""
    mark: str = ""


class Heard(NamedTuple):
    """What a request says.

    ``events`` are in the form of ``POST /v1/events``, one for each that the sender meant, also where
    one can't be right: the door judges each and keeps what it refuses. ``key`` is the write key that
    the protocol carries, ``app`` the app it names (honoured where no key is asked for). ``unseen``
    asks that neither address nor agent of the sender be used. ``extra`` is for the protocol's reply.
    """

    events: Sequence[Mapping[str, Any]]
    key: str | None = None
    app: str | None = None
    unseen: bool = False
    extra: Any = None


class Unheard(Exception):
    """No event can be made out of the request: the text says why; ``status`` is what the client is told."""

    def __init__(self, why: str, status: int = 400, key: str | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.key = key


class Told(NamedTuple):
    """What became of the events, which are on disk now; ``rejected`` has (index, reasons) of each."""

    accepted: int
    duplicates: int = 0
    rejected: Sequence[tuple[int, Sequence[str]]] = ()


class Refusal(NamedTuple):
    """Why a request was not taken; ``retry_after`` is in seconds, None when sending again can't help."""

    kind: Literal["key", "origin", "unreadable", "too_large", "too_fast", "unavailable"]
    status: int
    error: str
    reasons: Sequence[str] = ()
    retry_after: int | None = None

    @property
    def why(self) -> str:
        """Error and reasons in one line."""
        return "; ".join((self.error, *self.reasons))

    @property
    def again(self) -> Sequence[tuple[str, str]]:
        """The header that says when to come again, if coming again can help."""
        return () if self.retry_after is None else (("retry-after", str(self.retry_after)),)


class Reply(NamedTuple):
    """Status, body and headers, without those of CORS."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = JSON


class Endpoint(NamedTuple):
    """A path of a protocol: what it reads and how it answers.

    ``path`` is exact, but for placeholders of one segment (``/array/{token}/config``). Without ``read`` it
    takes no events: ``answer`` is all.
    """

    methods: tuple[str, ...]
    path: str
    read: Callable[[Request], Heard] | None = None
    reply: Callable[[Request, Heard, Told], Reply] | None = None
    answer: Callable[[Request], Reply] | None = None


class Snippet(NamedTuple):
    """How one client is pointed here: ``{collector}`` and ``{key}`` stand for address and write key."""

    client: str
    language: str
    code: str


class Example(NamedTuple):
    """A request as a client of the protocol sends it, with one event; ``path`` holds the query too."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = JSON


class Repeats(NamedTuple):
    """How a request that is sent again is told from a new one, where clients give their events no ids.

    The same bytes from the same sender less than ``seconds`` after the first are that request again;
    the values of ``headers`` count among the bytes.
    """

    seconds: int
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tracker:
    """One protocol, whole: a row that makes its routes, its docs and its place in the console.

    ``refuse`` says a refusal in the client's words; without it they are those of ``POST /v1/events``.
    ``example`` makes the test event that the console sends, of an event's id, the write key, and the time
    in UTC microseconds; where the protocol carries no id, it stands in the event's properties.
    Without it the test event goes to ``POST /v1/events``.
    """

    name: str
    title: str
    about: str
    endpoints: tuple[Endpoint, ...]
    fields: Mapping[str, tuple[Field, ...]]
    snippets: tuple[Snippet, ...]
    key_is: str
    source: str
    notes: str = ""
    refuse: Callable[[Request, Refusal], Reply] | None = None
    repeats: Repeats | None = None
    example: Callable[[str, str, int], Example] | None = None


def json_reply(value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Reply:
    """Return a value as JSON; ``headers`` are further ones."""
    return Reply(status, msgspec.json.encode(value), (*JSON, *headers))


def plain_refusal(refusal: Refusal) -> Reply:
    """Return a refusal in the words of ``POST /v1/events``."""
    return json_reply({"error": refusal.error, "reasons": refusal.reasons}, refusal.status, refusal.again)
