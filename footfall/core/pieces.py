"""Takes a body apart into its events' bytes, and says why a body is none."""

import re
from typing import NamedTuple

import msgspec

from footfall.core.reasons import reason
from footfall.core.validate import MAX_DEPTH, kind_of

__all__ = ["Pieces", "Unreadable", "split"]

_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_read_raw = msgspec.json.Decoder(msgspec.Raw).decode
_read_any = msgspec.json.Decoder().decode

# Every escape of a body; a surrogate that is not half of a pair is the second group.
_ESCAPES = re.compile(
    rb"\\(?:(u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2})|(u[dD][89a-fA-F][0-9A-Fa-f]{2})|.)",
    re.DOTALL,
)
REPLACEMENT = rb"\ufffd"  # as many bytes as the escape that it replaces


class Unreadable(ValueError):
    """The body holds no events; the message is the reason."""


class Pieces(NamedTuple):
    """Each event's bytes; ``halved`` are the indices of those with half a UTF-16 pair, replaced."""

    items: list[bytes]
    halved: frozenset[int] = frozenset()


def _read(body: bytes) -> list[bytes]:
    if body.lstrip(b" \t\r\n")[:1] == b"[":
        return [bytes(raw) for raw in _read_array(body)]
    return [bytes(_read_raw(body)).strip(b" \t\r\n")]


def _mend(body: bytes) -> tuple[bytes, list[int]]:
    places: list[int] = []

    def mend(match: re.Match[bytes]) -> bytes:
        if not match.group(2):
            return match.group()
        places.append(match.start())
        return REPLACEMENT

    return _ESCAPES.sub(mend, body), places


def _halved(items: list[bytes], body: bytes, places: list[int]) -> frozenset[int]:
    found: set[int] = set()
    at = 0
    for index, item in enumerate(items):
        start = body.index(item, at)
        at = start + len(item)
        while places and places[0] < at:
            places.pop(0)
            found.add(index)
    return frozenset(found)


def split(body: bytes) -> Pieces:
    """Return the events of a body that is UTF-8: an array's items, or the one object.

    Raises Unreadable for what is not JSON, is too deep to read, or holds no event.
    """
    if not body.strip(b" \t\r\n"):
        raise Unreadable(reason("empty_body"))
    places: list[int] = []
    try:
        try:
            items = _read(body)
        except msgspec.DecodeError:
            body, places = _mend(body)
            if not places:
                raise
            items = _read(body)
    except msgspec.DecodeError as error:
        raise Unreadable(reason("not_json", cause=_cause(error))) from error
    except RecursionError as error:
        raise Unreadable(reason("too_deep", limit=MAX_DEPTH)) from error
    if not items:
        raise Unreadable(reason("empty_array"))
    halved = _halved(items, body, places) if places else frozenset()
    for item in items:
        _check(item)
    if len(items) == 1 and body.lstrip(b" \t\r\n")[:1] not in (b"[", b"{"):
        raise Unreadable(reason("not_events", kind=kind_of(_read_any(items[0]))))
    return Pieces(items, halved)


def _check(item: bytes) -> None:
    # Skipping over bytes is more lenient than reading them: both must agree that this is JSON.
    try:
        _read_any(item)
    except msgspec.ValidationError:
        return  # JSON, but with a number out of range: the event's own fault
    except RecursionError:
        return
    except msgspec.DecodeError as error:
        raise Unreadable(reason("not_json", cause=_cause(error))) from error


def _cause(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix("JSON is malformed: ")
