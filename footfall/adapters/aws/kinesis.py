"""Records into a Kinesis data stream: each is one line of JSON (``core.raw_line``).

The partition key is the record's own place, so records spread evenly over the shards and a large
sender never fills one: nothing here needs the order of a shard, since every event has its times.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, failure_of
from footfall.adapters.aws.placed_lines import PlacedLine, Places, refused, send_lines
from footfall.core.record import Offset, Record
from footfall.errors import StreamFailed

__all__ = ["RECORD_BYTES", "KinesisStream"]

RECORD_BYTES = 1_048_576
"""Largest record with its key, the default of a stream (MaxRecordSizeInKiB)."""

REQUEST = Bounds(things=500, size=5_242_880)
"""PutRecords; AWS takes 10 MiB since 2025, older endpoints and the emulators half of it."""


class KinesisStream:
    """The Stream port on one data stream; ``places`` are this writer's, with ``RECORD_BYTES``."""

    def __init__(self, name: str, client: Any, places: Places, patience: Patience | None = None) -> None:
        self.name = name
        self._client = client
        self._places = places
        self._patience = patience or Patience()

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """See the port; raises StreamFailed as LogFailed."""
        lines = self._places.lines_of(records)
        return send_lines(self.name, lines, self._put, REQUEST, self._patience)

    def check(self) -> None:
        """See the port."""
        try:
            self._client.describe_stream_summary(StreamName=self.name)
        except Exception as error:
            raise StreamFailed(log=self.name, cause=failure_of(error).reason) from error

    def _put(self, group: Sequence[PlacedLine]) -> Mapping[int, Failure]:
        answer = self._client.put_records(
            StreamName=self.name,
            Records=[{"PartitionKey": line.key, "Data": line.data} for line in group],
        )
        return refused(answer["Records"])
