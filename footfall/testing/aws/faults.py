"""What services do to a batch under load, as alterations for a proxy: they take a part of it.

Their answers are those that AWS documents; none of the stand-ins ever gives them by itself.
"""

import json
from typing import Any

from footfall.testing.aws.altering_proxy import Alteration, Exchange, Later, part_of_batch

__all__ = ["at_the_next", "busy_documents", "throttled_records", "unprocessed_items"]

THROTTLED = {
    "ErrorCode": "ProvisionedThroughputExceededException",
    "ErrorMessage": "Rate exceeded for shard shardId-000000000000 in stream clicks",
}
BUSY = {"type": "rejected_execution_exception", "reason": "queue is full"}


def throttled_records(places: set[int]) -> Alteration:
    """Return what refuses records of a PutRecords for now."""
    return part_of_batch("Records", "Records", places, THROTTLED)


def busy_documents(status: int, places: set[int]) -> Alteration:
    """Return what takes documents out of a bulk and answers them as a node under load does."""

    def alter(exchange: Exchange) -> tuple[int, bytes]:
        lines = exchange.body.splitlines(keepends=True)
        pairs = [lines[at : at + 2] for at in range(0, len(lines), 2)]
        rest = [pair for place, pair in enumerate(pairs) if place not in places]
        outcomes: list[Any] = []
        if rest:
            answered, reply = exchange.forward(b"".join(line for pair in rest for line in pair))
            assert answered == 200, reply
            outcomes = json.loads(reply)["items"]
        busy = {"create": {"status": status, "error": BUSY}}
        items = [busy if place in places else outcomes.pop(0) for place in range(len(pairs))]
        return 200, json.dumps({"took": 1, "errors": True, "items": items}).encode()

    return alter


def unprocessed_items(places: set[int]) -> Alteration:
    """Return what leaves items of a batch write unprocessed, as a table over its throughput does."""

    def alter(exchange: Exchange) -> tuple[int, bytes]:
        request = json.loads(exchange.body)
        [(table, puts)] = request["RequestItems"].items()
        left = [put for place, put in enumerate(puts) if place in places]
        request["RequestItems"][table] = [put for place, put in enumerate(puts) if place not in places]
        if request["RequestItems"][table]:
            status, reply = exchange.forward(json.dumps(request).encode())
            assert status == 200, reply
        return 200, json.dumps({"UnprocessedItems": {table: left}}).encode()

    return alter


def at_the_next(call: str, alteration: Alteration) -> Alteration:
    """Return what waits for a call (its target, or a part of its path) and lets the others pass."""

    def alter(exchange: Exchange) -> tuple[int, bytes] | None:
        if exchange.target != call and call not in exchange.path:
            raise Later
        return alteration(exchange)

    return alter
