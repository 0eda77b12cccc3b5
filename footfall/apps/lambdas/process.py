"""Second step of the workflow: rows of events, by the same rules as everywhere; the rejected in the queue.

Input: what ingest returned. Output: where the rows lie. Environment: FOOTFALL_AWS_RAW_BUCKET,
FOOTFALL_AWS_DEAD_LETTERS, FOOTFALL_AWS_IDEMPOTENCY_TABLE.
"""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from footfall.apps.lambdas.steps import letters, now, objects, step
from footfall.services.workflow import Ingested, process

__all__ = ["handler"]

logger = Logger()


@logger.inject_lambda_context
@step
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Make rows; return where they are."""
    done = process(msgspec.convert(event, Ingested), objects(), letters(), now)
    processed: dict[str, Any] = msgspec.to_builtins(done)
    logger.info("processed", **processed)
    return processed
