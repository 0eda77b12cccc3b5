"""First step of the workflow: the events of an execution's input, scrubbed, kept as they came.

Input: an event of EventBridge, of S3's arrivals through it, or of a caller. Output: where they lie.
Environment: FOOTFALL_AWS_RAW_BUCKET, FOOTFALL_AWS_IDEMPOTENCY_TABLE, FOOTFALL_AWS_KEY_SECRET,
FOOTFALL_AWS_SALTS_TABLE.
"""

from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.keys import SaltsTable, secret_key
from footfall.adapters.geo import open_country_lookup
from footfall.apps.lambdas.steps import now, objects, settings, step
from footfall.core.scrub import plan_for
from footfall.services.workflow import IngestRules, ingest
from footfall.settings import App

__all__ = ["handler"]

logger = Logger()


@cache
def _rules() -> IngestRules:
    aws, apps = settings().aws, settings().apps
    key = secret_key(aws.key_secret, client("secretsmanager"))
    return IngestRules(
        key,
        lambda app: plan_for(apps.get(app, App()).scrub, key),
        SaltsTable(aws.salts_table, client("dynamodb")).daily_salt,
        open_country_lookup(settings().loader.geo_database),
    )


@logger.inject_lambda_context
@step
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Keep the events; return where."""
    ingested: dict[str, Any] = msgspec.to_builtins(ingest(event, objects(), _rules(), now))
    logger.info("ingested", **ingested)
    return ingested
