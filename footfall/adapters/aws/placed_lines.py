"""Records as lines with a place of their own, cut to what a service takes as one record."""

import gzip
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, send_piecemeal
from footfall.core.raw_line import GZIP, write_line
from footfall.core.record import Logged, Offset, Record
from footfall.core.split_record import split_record
from footfall.errors import BodyTooLarge, StreamFailed

__all__ = ["PlacedLine", "Places", "refused", "send_lines"]

FRAME_BYTES = 8_192  # what a line has beside its events; the user agent is up to 2,000 characters


class PlacedLine(NamedTuple):
    """A line, its place, and a text that is the place's alone."""

    offset: Offset
    key: str
    data: bytes


class Places:
    """The places of one writer. ``log`` names it; no other may have the name at any time.

    Offsets go on from ``clock`` (microseconds since 1970), as in every log of ours.
    """

    def __init__(self, log: str, clock: Callable[[], int], most_bytes: int) -> None:
        self._log = log
        self._offsets = itertools.count(clock())
        self._most_bytes = most_bytes
        self._lock = threading.Lock()

    def lines_of(self, records: Sequence[Record]) -> list[PlacedLine]:
        """Return records as lines; key and line have at most ``most_bytes``.

        A larger record is cut into parts, a single event that is larger is compressed. Raises
        BodyTooLarge when that doesn't help.
        """
        limit = self._most_bytes - FRAME_BYTES
        parts = [part for record in records for part in split_record(record, limit)]
        with self._lock:
            offsets = [Offset(next(self._offsets)) for _ in parts]
        return [
            self._placed(Logged(self._log, offset, part))
            for offset, part in zip(offsets, parts, strict=True)
        ]

    def _placed(self, logged: Logged) -> PlacedLine:
        key = f"{logged.log}-{logged.offset}"
        line = write_line(logged)
        if len(key) + len(line) > self._most_bytes:
            line = gzip.compress(line, 6, mtime=0)
            assert line.startswith(GZIP)  # noqa: S101 - read_line tells it by this
        if len(key) + len(line) > self._most_bytes:
            raise BodyTooLarge(limit=self._most_bytes, when="as one event, compressed")
        return PlacedLine(logged.offset, key, line)


def send_lines(
    stream: str,
    lines: Sequence[PlacedLine],
    put: Callable[[Sequence[PlacedLine]], Mapping[int, Failure]],
    request: Bounds,
    patience: Patience,
) -> list[Offset]:
    """Send lines until each is taken, and return their places. Raises StreamFailed when some are not."""
    failed = send_piecemeal(lines, put, lambda line: len(line.key) + len(line.data), request, patience)
    if failed:
        reasons = "; ".join(sorted({failure.reason for failure in failed.values()}))
        raise StreamFailed(log=stream, cause=f"{len(failed)} of {len(lines)} records: {reasons}")
    return [line.offset for line in lines]


def refused(entries: Sequence[Mapping[str, Any]]) -> dict[int, Failure]:
    """Return the failures in an answer that has an entry for each record.

    Such an error is the service's, never the record's own: too much for now, or a fault inside.
    """
    return {
        place: Failure(f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}", for_now=True)
        for place, entry in enumerate(entries)
        if entry.get("ErrorCode")
    }
