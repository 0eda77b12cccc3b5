"""Firehose transform: the raw records that collect put there become rows, for Firehose to store.

Event source: a Firehose stream's processor, with buffers of at most 1 MB, so that the reply stays
below Lambda's 6 MB. A record that holds no row (rejected, or unreadable) is Dropped: it is in the queue,
with its reasons, before the answer. Environment: FOOTFALL_AWS_DEAD_LETTERS.
"""

import base64
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from footfall.apps.lambdas.destinations import delivery_of
from footfall.services.deliver import Arrived, Delivery, Transformed, transform
from footfall.settings import load_settings

__all__ = ["handler"]

REPLY_BYTES = 6_200_000  # Lambda takes 6,291,556
FRAME_BYTES = 200  # of a record, beside its data

logger = Logger()


@cache
def _delivery() -> Delivery:
    return delivery_of(load_settings(), "firehose", rows=False)


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Transform one buffer; what the reply has no room for fails, and Firehose keeps it as it came."""
    arrived = [Arrived(record["recordId"], base64.b64decode(record["data"])) for record in event["records"]]
    room = REPLY_BYTES
    records = []
    for each in transform(arrived, _delivery()):
        record = _record(each)
        size = len(record.get("data", "")) + FRAME_BYTES
        if size > room:
            logger.error("no room in the reply", record=each.position)
            record = {"recordId": each.position, "result": "ProcessingFailed"}
        room -= size if size <= room else FRAME_BYTES
        records.append(record)
    return {"records": records}


def _record(each: Transformed) -> dict[str, str]:
    if each.lines is None:
        return {"recordId": each.position, "result": "Dropped"}
    data = base64.b64encode(each.lines).decode()
    return {"recordId": each.position, "result": "Ok", "data": data}
