"""Third step of the workflow: rows into DynamoDB by person and time; a second time changes nothing.

Input: what process returned. Environment: FOOTFALL_AWS_RAW_BUCKET, FOOTFALL_AWS_EVENTS_TABLE,
FOOTFALL_AWS_DEAD_LETTERS, FOOTFALL_AWS_IDEMPOTENCY_TABLE.
"""

from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.dynamodb import EventsTable
from footfall.adapters.aws.piecemeal import Patience
from footfall.apps.lambdas.steps import letters, objects, settings, step
from footfall.services.workflow import Processed, write

__all__ = ["handler"]

PATIENCE = Patience(seconds=30.0)

logger = Logger()


@logger.inject_lambda_context
@step
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Write the rows; return how many."""
    table = EventsTable(settings().aws.events_table, client("dynamodb"), PATIENCE)
    done = write(msgspec.convert(event, Processed), objects(), table, letters())
    wrote: dict[str, Any] = msgspec.to_builtins(done)
    logger.info("wrote", **wrote)
    return wrote
