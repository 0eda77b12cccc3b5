"""Kinesis -> Firehose and OpenSearch: records become rows; what can't be brought is in the queue.

Event source: Kinesis, with ReportBatchItemFailures. What was given back comes again from the named
record on, so bisecting and parallel batches per shard are of use, and a destination on failure is
what a batch goes to that Lambda itself could not hand over.
Environment: FOOTFALL_AWS_DEAD_LETTERS, FOOTFALL_AWS_FIREHOSE, FOOTFALL_AWS_SEARCH (empty is none).
Deployed twice, once for each store, neither waits while the other is down.
"""

import base64
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from footfall.apps.lambdas.destinations import delivery_of
from footfall.services.deliver import Arrived, Delivery, deliver
from footfall.settings import load_settings

__all__ = ["handler"]

logger = Logger()
metrics = Metrics()


@cache
def _delivery() -> Delivery:
    return delivery_of(load_settings(), "stream")


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Deliver one batch; name the record from which on it has to come again."""
    records = [record["kinesis"] for record in event["Records"]]
    arrived = [Arrived(each["sequenceNumber"], base64.b64decode(each["data"])) for each in records]
    done = deliver(arrived, _delivery())
    metrics.add_metric("Events", MetricUnit.Count, done.events)
    metrics.add_metric("DeadLetters", MetricUnit.Count, done.letters)
    if done.again_from is None:
        return {"batchItemFailures": []}
    logger.error("given back", again_from=done.again_from, why=done.why)
    return {"batchItemFailures": [{"itemIdentifier": done.again_from}]}
