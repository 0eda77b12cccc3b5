"""Sending many things in groups to a service that may take some of a group and not others.

Every batch call of AWS is of this kind (PutRecords, PutRecordBatch, BatchWriteItem, _bulk): an answer
of 200 says nothing until each entry was looked at. What fails for now is tried again with others of
its kind after a pause; the pause is drawn anew between zero and a bound that doubles ("full jitter",
Brooker, Exponential Backoff And Jitter, 2015), so that senders who failed together don't come back
together.
"""

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

__all__ = ["FOR_NOW", "Bounds", "Failure", "Patience", "failure_of", "send_piecemeal"]

Item = TypeVar("Item")

FOR_NOW = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalFailureException",
        "InternalServerError",
        "KMSThrottlingException",
        "KmsThrottled",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Error codes that time mends; so does any other with a status of 429 or 500 and more."""


class Failure(NamedTuple):
    """Why one thing was not taken, and whether time may mend it.

    ``whole`` says that the request was refused for something in it that the answer does not name:
    halves of the group are tried, down to the one.
    """

    reason: str
    for_now: bool
    whole: bool = False


class Bounds(NamedTuple):
    """The most things and bytes of one call."""

    things: int
    size: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried again; ``chance`` gives a number from 0 to 1."""

    seconds: float = 5.0
    first_pause: float = 0.05
    longest_pause: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def pauses(self, began: float) -> Iterator[float]:
        """Yield pauses that have been slept, until the next would end after the time that began then."""
        end = began + self.seconds
        bound = self.first_pause
        while True:
            pause = self.chance() * bound
            if self.clock() + pause >= end:
                return
            self.sleep(pause)
            yield pause
            bound = min(bound * 2, self.longest_pause)


def failure_of(error: Exception) -> Failure:
    """Return what a call that raised says about everything in it.

    Raises the error itself when it is none of the SDK's.
    """
    # Loaded by the first failure: it would be a fifth of the time in which a function starts.
    from botocore import exceptions  # type: ignore[import-untyped]
    from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

    lost = (
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        exceptions.ResponseStreamingError,
        ResponseParserError,
    )
    if isinstance(error, exceptions.ClientError):
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        for_now = code in FOR_NOW or status == 429 or status >= 500
        return Failure(f"{code}: {told.get('Message', '')}".strip(": "), for_now)
    if isinstance(error, lost):
        return Failure(f"{type(error).__name__}: {error}", for_now=True)
    if isinstance(error, exceptions.BotoCoreError):  # no credentials, a wrong endpoint, a bad parameter
        return Failure(f"{type(error).__name__}: {error}", for_now=False)
    raise error


def send_piecemeal(
    items: Sequence[Item],
    send: Callable[[Sequence[Item]], Mapping[int, Failure]],
    size_of: Callable[[Item], int],
    bounds: Bounds,
    patience: Patience,
) -> dict[int, Failure]:
    """Send all items in groups within bounds; return those that failed in the end, by their number.

    ``send`` sends one group and returns the failures in it by their place; what it raises of the SDK's
    is a failure of the whole group. Items that fail for good are not tried again, others until the
    patience ends.
    """
    failed: dict[int, Failure] = {}
    waiting: Sequence[int] = range(len(items))
    pauses = patience.pauses(patience.clock())
    while waiting:
        for_now: dict[int, Failure] = {}
        groups = deque(_groups(waiting, items, size_of, bounds))
        while groups:
            group = groups.popleft()
            outcome = _sent([items[number] for number in group], send)
            if len(group) > 1 and any(failure.whole for failure in outcome.values()):
                half = len(group) // 2
                groups.extendleft((group[half:], group[:half]))
                continue
            for place, failure in outcome.items():
                (for_now if failure.for_now else failed)[group[place]] = failure
        if for_now and next(pauses, None) is None:
            return failed | for_now
        waiting = sorted(for_now)
    return failed


def _sent(
    group: Sequence[Item], send: Callable[[Sequence[Item]], Mapping[int, Failure]]
) -> Mapping[int, Failure]:
    try:
        return send(group)
    except Exception as error:
        return dict.fromkeys(range(len(group)), failure_of(error))


def _groups(
    numbers: Sequence[int], items: Sequence[Item], size_of: Callable[[Item], int], bounds: Bounds
) -> Iterator[list[int]]:
    group: list[int] = []
    size = 0
    for number in numbers:
        own = size_of(items[number])
        if group and (len(group) == bounds.things or size + own > bounds.size):
            yield group
            group, size = [], 0
        group.append(number)
        size += own
    if group:
        yield group
