"""Records into a Firehose stream whose transform makes rows of them: the way without Kinesis."""

from collections.abc import Mapping, Sequence
from typing import Any

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, failure_of
from footfall.adapters.aws.placed_lines import PlacedLine, Places, refused, send_lines
from footfall.core.record import Offset, Record
from footfall.errors import StreamFailed

__all__ = ["RECORD_BYTES", "FirehoseStream"]

RECORD_BYTES = 1_024_000  # 1,000 KiB
REQUEST = Bounds(things=500, size=4_000_000)  # PutRecordBatch


class FirehoseStream:
    """The Stream port on one delivery stream; ``places`` are this writer's, with ``RECORD_BYTES``."""

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
            self._client.describe_delivery_stream(DeliveryStreamName=self.name)
        except Exception as error:
            raise StreamFailed(log=self.name, cause=failure_of(error).reason) from error

    def _put(self, group: Sequence[PlacedLine]) -> Mapping[int, Failure]:
        answer = self._client.put_record_batch(
            DeliveryStreamName=self.name, Records=[{"Data": line.data} for line in group]
        )
        return refused(answer["RequestResponses"])
