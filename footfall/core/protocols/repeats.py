"""Ids for events whose clients give none: what is sent again gets its first id, what is new another.

Plausible, Umami and GoatCounter number nothing, and two views of one page are the same bytes. Only the
time tells a second view from a first that is sent again; see ``Repeats``.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from footfall.core.protocols.exchange import Repeats, Request
from footfall.core.protocols.reading import derived_id
from footfall.core.sender import cut_ip

__all__ = ["REPEATS", "event_ids", "mark_of", "parts_of", "said_of"]

REPEATS = Repeats(seconds=2)
"""Browsers and proxies send again at once, when a connection breaks; people take longer."""

_write = msgspec.json.Encoder(order="sorted").encode


def said_of(repeats: Repeats) -> str:
    """Return what a reader of the docs has to know about it."""
    return (
        f"The client gives its events no ids. The same bytes from the same address and agent within "
        f"{repeats.seconds} s of the first count once, as a request that is sent again; two real events "
        f"that are the same to the byte count as one when they are closer than that. With several workers "
        f"one that is sent again to another of them can count twice."
    )


def parts_of(request: Request, repeats: Repeats) -> tuple[bytes, ...]:
    """Return what has to be the same for a request to be one that is sent again.

    The method is no part of it: a beacon that fails goes out again as an image.
    """
    told = (request.headers.get(name) or "" for name in repeats.headers)
    words = (request.path, urlencode(request.query, errors="replace"), *told)
    return (*(word.encode("utf-8", "replace") for word in words), request.body)


def mark_of(name: str, first_at: int, repeats: Repeats) -> str:
    """Return the mark of requests of one name; ``first_at`` is when the first came, in microseconds.

    Workers that know nothing of each other agree on it but at the border of two spans of time.
    """
    return derived_id(name.encode(), str(first_at // (repeats.seconds * 1_000_000)).encode())


def event_ids(
    request: Request, items: Sequence[Any], lasting: Callable[[Any], Mapping[str, Any] | None]
) -> list[str | None]:
    """Return an id for each item of a request; None where the request has no mark.

    ``lasting`` returns what makes an item one of a kind for good, when it has a clock or a random number
    of its own: then its id is that whatever the time and the batch. Of items that are the same in one
    request each gets an id of its own. An address among it counts as its network, no more.
    """
    seen: Counter[bytes] = Counter()
    ids: list[str | None] = []
    for index, item in enumerate(items):
        told = lasting(item)
        if told is None:
            ids.append(f"{request.mark}-{index}" if request.mark else None)
            continue
        if "ip" in told:
            told = {**told, "ip": cut_ip(str(told["ip"]))}
        words = _write(told)
        ids.append(derived_id(request.secret, words, str(seen[words]).encode()))
        seen[words] += 1
    return ids
