"""The simulator's events as columns: what the encoder, the truth and the access logs all read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DAY", "SECOND", "Events", "join", "take"]

SECOND = 1_000_000
DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Events:
    """Columns of equal length, one entry an event.

    ``number`` makes the event's id and is shared by its copies; ``created`` and ``arrival`` are
    UTC microseconds; ``action``, ``page``, ``source`` are places in the site's tables, ``previous``
    the page before (-1: none); ``detail`` is the dish, menu element or search of the action;
    ``half_seconds`` is time spent (0: none), ``cents`` what was paid (0: nothing); ``source`` is -1
    but on a session's first event; ``slot`` tells the person's devices apart; ``age`` 0 is unknown.
    """

    number: NDArray[np.int64]
    person: NDArray[np.int32]
    slot: NDArray[np.int8]
    member: NDArray[np.bool_]
    created: NDArray[np.int64]
    arrival: NDArray[np.int64]
    action: NDArray[np.int8]
    page: NDArray[np.int16]
    previous: NDArray[np.int16]
    detail: NDArray[np.int16]
    half_seconds: NDArray[np.int32]
    cents: NDArray[np.int32]
    source: NDArray[np.int16]
    age: NDArray[np.int16]
    copy: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.number)


NAMES = tuple(field.name for field in fields(Events))


def take(events: Events, index: NDArray[Any] | slice) -> Events:
    """Return the events at ``index`` (places, a mask or a slice), in its order."""
    return Events(**{name: getattr(events, name)[index] for name in NAMES})


def join(parts: Sequence[Events]) -> Events:
    """Return all parts, one behind the other."""
    return Events(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES})
