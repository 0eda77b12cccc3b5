"""Rows into a DynamoDB table of events, by person and time.

Key: ``user_id`` (the row's ``visitor_id``: the person where known, else the device) and ``event_time``,
which is ``created_at`` in RFC 3339, ``#``, the event's id: in order of time, and none over another.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, send_piecemeal
from footfall.core.schema import EVENTS
from footfall.ports.delivery import Written

__all__ = ["EventsTable", "items_of"]

REQUEST = Bounds(things=25, size=16_000_000)  # BatchWriteItem
ITEM_BYTES = 409_600
TAGS = {"text": "S", "json": "S", "time": "S", "number": "N", "integer": "N", "flag": "BOOL"}
LARGEST, SMALLEST = 9.9e125, 1e-130  # of a DynamoDB number

Item = dict[str, dict[str, Any]]


class EventsTable:
    """The Sink port on one table."""

    name = "events"
    once = True

    def __init__(self, table: str, client: Any, patience: Patience | None = None) -> None:
        self._table = table
        self._client = client
        self._patience = patience or Patience()

    def write(self, rows: pa.Table) -> Written:
        """See the port; refused is an item of more than 400 KB."""
        items = list(items_of(rows))
        refused = {
            number: f"the item has {_size(item)} bytes, DynamoDB takes {ITEM_BYTES}"
            for number, item in enumerate(items)
            if _size(item) > ITEM_BYTES
        }
        # The same event twice in one request is refused as a whole; the first copy stands for both.
        first: dict[tuple[str, str], int] = {}
        for number, item in enumerate(items):
            if number not in refused:
                first.setdefault((item["user_id"]["S"], item["event_time"]["S"]), number)
        numbers = list(first.values())
        failed = send_piecemeal(
            [items[number] for number in numbers], self._put, _size, REQUEST, self._patience
        )
        for place, failure in failed.items():
            if failure.whole:
                refused[numbers[place]] = failure.reason
        left = {numbers[place]: failure.reason for place, failure in failed.items() if not failure.whole}
        return Written(refused, left)

    def _put(self, group: Sequence[Item]) -> Mapping[int, Failure]:
        from botocore.exceptions import ClientError  # type: ignore[import-untyped]

        try:
            answer = self._client.batch_write_item(
                RequestItems={self._table: [{"PutRequest": {"Item": item}} for item in group]}
            )
        except ClientError as error:
            told = error.response["Error"]
            if told["Code"] != "ValidationException":
                raise
            failure = Failure(f"{told['Code']}: {told['Message']}", for_now=False, whole=True)
            return dict.fromkeys(range(len(group)), failure)
        unprocessed = answer.get("UnprocessedItems", {}).get(self._table, [])
        left = {_key(each["PutRequest"]["Item"]) for each in unprocessed}
        return {
            place: Failure("DynamoDB left the item unprocessed", for_now=True)
            for place, item in enumerate(group)
            if _key(item) in left
        }


def items_of(rows: pa.Table) -> Iterator[Item]:
    """Yield each row (``EVENTS_SCHEMA``) as an item in DynamoDB's own notation; nulls are left out.

    A number that DynamoDB cannot hold is written as text.
    """
    columns = []
    for column in EVENTS:
        values = rows[column.name]
        if column.kind == "time":
            values = pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
        columns.append((column.name, TAGS[column.kind], values.to_pylist()))
    for number in range(rows.num_rows):
        item = {
            name: _typed(tag, values[number]) for name, tag, values in columns if values[number] is not None
        }
        item["user_id"] = item["visitor_id"]
        item["event_time"] = {"S": f"{item['created_at']['S']}#{item['event_id']['S']}"}
        yield item


def _typed(tag: str, value: Any) -> dict[str, Any]:
    if tag != "N":
        return {tag: value}
    fits = value == 0 or SMALLEST <= abs(value) <= LARGEST
    return {"N" if fits else "S": repr(value)}


def _key(item: Item) -> tuple[str, str]:
    return item["user_id"]["S"], item["event_time"]["S"]


def _size(item: Item) -> int:
    """Count the bytes as DynamoDB does: names and texts in UTF-8, numbers up to 21 bytes."""
    return sum(
        len(name) + (len(value["S"].encode()) if "S" in value else 21) for name, value in item.items()
    )
