"""Rows into a Firehose stream, which turns them into Parquet by the table's schema.

Several rows are one Firehose record: it is billed in steps of 5 KB a record. Firehose stores at
least once, so a row that was sent again may stand twice in the lake; who reads it takes the first
of its app and event id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, send_piecemeal
from footfall.core.json_rows import json_rows
from footfall.ports.delivery import Written

__all__ = ["FirehoseSink"]

RECORD_BYTES = 1_024_000  # 1,000 KiB
PACK_BYTES = 204_800  # small enough that one lost pack is few rows, large enough to waste no 5 KB steps
REQUEST = Bounds(things=500, size=4_000_000)  # PutRecordBatch


class _Pack(NamedTuple):
    rows: list[int]
    data: bytes


class FirehoseSink:
    """The Sink port on one delivery stream."""

    name = "firehose"
    once = False

    def __init__(self, stream: str, client: Any, patience: Patience | None = None) -> None:
        self._stream = stream
        self._client = client
        self._patience = patience or Patience()

    def write(self, rows: pa.Table) -> Written:
        """See the port; a row of more than 1,000 KiB is refused."""
        lines = [line + b"\n" for line in json_rows(rows, "sql", nested=False)]
        refused = {
            number: f"the row has {len(line)} bytes, Firehose takes {RECORD_BYTES}"
            for number, line in enumerate(lines)
            if len(line) > RECORD_BYTES
        }
        packs = _packs({number: line for number, line in enumerate(lines) if number not in refused})
        failed = send_piecemeal(packs, self._put, lambda pack: len(pack.data), REQUEST, self._patience)
        left = {row: failure.reason for place, failure in failed.items() for row in packs[place].rows}
        return Written(refused, left)

    def _put(self, group: Sequence[_Pack]) -> Mapping[int, Failure]:
        answer = self._client.put_record_batch(
            DeliveryStreamName=self._stream, Records=[{"Data": pack.data} for pack in group]
        )
        return {
            place: Failure(f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}", for_now=True)
            for place, entry in enumerate(answer["RequestResponses"])
            if entry.get("ErrorCode")
        }


def _packs(lines: Mapping[int, bytes]) -> list[_Pack]:
    packs: list[_Pack] = []
    rows: list[int] = []
    size = 0
    for number, line in lines.items():
        if rows and size + len(line) > PACK_BYTES:
            packs.append(_Pack(rows, b"".join(lines[row] for row in rows)))
            rows, size = [], 0
        rows.append(number)
        size += len(line)
    if rows:
        packs.append(_Pack(rows, b"".join(lines[row] for row in rows)))
    return packs
