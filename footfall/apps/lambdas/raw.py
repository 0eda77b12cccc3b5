"""Kinesis -> raw archive: blocks in S3, laid out as on one machine, so that replay and Spark read both.

Event source: Kinesis, without ReportBatchItemFailures and without bisecting: a batch that comes
again is the same batch, and is written over with the same bytes. A record that is no line of ours is left
to ``stream``, which puts it into the queue. Environment: FOOTFALL_AWS_RAW_BUCKET.
"""

import base64
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from footfall.adapters.aws.clients import client
from footfall.core.raw_block import CHECKSUM, block_name, check_line, day_folder, encode_block
from footfall.core.raw_line import read_line
from footfall.core.record import Logged
from footfall.settings import load_settings

__all__ = ["handler"]

logger = Logger()


@cache
def _bucket() -> str:
    return load_settings().aws.raw_bucket


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: Any) -> None:
    """Keep one batch: a block for each day of receipt, named after shard and sequence numbers."""
    days: dict[date, list[tuple[str, Logged]]] = {}
    for record in event["Records"]:
        try:
            logged = read_line(base64.b64decode(record["kinesis"]["data"]))
        except msgspec.DecodeError as error:
            logger.error("no line of ours", place=record["eventID"], why=str(error))
            continue
        day = datetime.fromtimestamp(logged.record.received_at / 1e6, UTC).date()
        days.setdefault(day, []).append((record["kinesis"]["sequenceNumber"], logged))
    shard = event["Records"][0]["eventID"].partition(":")[0]
    for day, kept in days.items():
        name = block_name(shard, int(kept[0][0]), int(kept[-1][0]))
        block = encode_block([logged for _, logged in kept])
        place = f"raw/{day_folder(day)}/{name}"
        # The checksum first: a block without one is damaged, a checksum without its block is nothing.
        for key, body in ((place + CHECKSUM, check_line(block, name).encode()), (place, block)):
            client("s3").put_object(Bucket=_bucket(), Key=key, Body=body)
