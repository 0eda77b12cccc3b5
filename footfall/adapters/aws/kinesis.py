"""Records into a Kinesis data stream: each is one line of JSON (``core.raw_line``).

The partition key is the record's own place, so records spread evenly over the shards and a large
sender never fills one: nothing here needs the order of a shard, since every event has its times.
"""

import gzip
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, failure_of, send_piecemeal
from footfall.core.raw_line import GZIP, write_line
from footfall.core.record import Logged, Offset, Record
from footfall.core.split_record import split_record
from footfall.errors import BodyTooLarge, StreamFailed

__all__ = ["KinesisStream"]

RECORD_BYTES = 1_048_576
"""Largest record with its key, the default of a stream (MaxRecordSizeInKiB)."""

REQUEST = Bounds(things=500, size=5_242_880)
"""PutRecords; AWS takes 10 MiB since 2025, older endpoints and the emulators half of it."""

FRAME_BYTES = 8_192  # what a line has beside its events; the user agent is up to 2,000 characters


class _Entry(NamedTuple):
    key: str
    data: bytes


class KinesisStream:
    """The Stream port on one stream. ``log`` names this writer; no other may have the name at any time.

    Offsets go on from ``clock`` (microseconds since 1970), as in every log of ours.
    """

    def __init__(
        self,
        name: str,
        client: Any,
        *,
        log: str,
        clock: Callable[[], int],
        patience: Patience | None = None,
    ) -> None:
        self.name = name
        self._client = client
        self._log = log
        self._offsets = itertools.count(clock())
        self._lock = threading.Lock()
        self._patience = patience or Patience()

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """See the port; raises StreamFailed as LogFailed.

        A record that is too large for the stream is stored in parts, a single event that is too
        large is compressed.
        """
        parts = [part for record in records for part in split_record(record, RECORD_BYTES - FRAME_BYTES)]
        with self._lock:
            offsets = [Offset(next(self._offsets)) for _ in parts]
        entries = [
            self._entry(Logged(self._log, offset, part))
            for offset, part in zip(offsets, parts, strict=True)
        ]
        failed = send_piecemeal(
            entries, self._put, lambda entry: len(entry.key) + len(entry.data), REQUEST, self._patience
        )
        if failed:
            reasons = "; ".join(sorted({failure.reason for failure in failed.values()}))
            cause = f"{len(failed)} of {len(entries)} records: {reasons}"
            raise StreamFailed(log=self.name, cause=cause)
        return offsets

    def check(self) -> None:
        """See the port."""
        try:
            self._client.describe_stream_summary(StreamName=self.name)
        except Exception as error:
            raise StreamFailed(log=self.name, cause=failure_of(error).reason) from error

    def _entry(self, logged: Logged) -> _Entry:
        key = f"{logged.log}-{logged.offset}"
        line = write_line(logged)
        if len(key) + len(line) > RECORD_BYTES:
            line = gzip.compress(line, 6, mtime=0)
            assert line.startswith(GZIP)  # noqa: S101 - read_line tells it by this
        if len(key) + len(line) > RECORD_BYTES:
            raise BodyTooLarge(limit=RECORD_BYTES, when="as one event, compressed")
        return _Entry(key, line)

    def _put(self, group: Sequence[_Entry]) -> Mapping[int, Failure]:
        answer = self._client.put_records(
            StreamName=self.name,
            Records=[{"PartitionKey": entry.key, "Data": entry.data} for entry in group],
        )
        # An entry's error is the shard's, never the record's own: too much for now, or a fault inside.
        return {
            place: Failure(f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}", for_now=True)
            for place, entry in enumerate(answer["Records"])
            if entry.get("ErrorCode")
        }
