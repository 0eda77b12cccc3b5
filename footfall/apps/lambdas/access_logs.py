"""New lines of access logs -> S3 -> a Glue job, which writes them to MySQL.

Event: a schedule's ``{"bucket": of logs, "to": folder of the results bucket, "job": of Glue}``.
Environment: FOOTFALL_AWS_STATE_TABLE, FOOTFALL_AWS_RESULTS_BUCKET, FOOTFALL_AWS_DEAD_LETTERS,
FOOTFALL_AWS_KEY_SECRET. Lines come at least once: nothing is marked as done before the job was started, and
the job writes over a row that is there. What there was no time for is the next call's.
"""

from functools import cache, partial
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.glue import start_job
from footfall.adapters.aws.keys import secret_key
from footfall.adapters.dynamodb_import_state import DynamoDBImportState
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt
from footfall.adapters.s3_objects import S3Objects
from footfall.apps.lambdas.steps import letters, now, settings
from footfall.core.intake import DEFAULT_APP
from footfall.core.scrub import plan_for
from footfall.services.fresh_logs import FreshLogs, take_fresh
from footfall.services.imports.rows import ImportRules
from footfall.settings import App

__all__ = ["handler"]

logger, metrics = Logger(), Metrics()


@cache
def _rules() -> ImportRules:
    key = secret_key(settings().aws.key_secret, client("secretsmanager"))
    plan = plan_for(settings().apps.get(DEFAULT_APP, App()).scrub, key)
    country_of = open_country_lookup(settings().loader.geo_database)
    return ImportRules(DEFAULT_APP, plan, partial(derived_salt, key), country_of)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Bring what is new to the job; say what was done. A call that AWS makes again has the same id."""
    aws = settings().aws
    source = {"--source": f"s3://{aws.results_bucket}/{event['to']}"}
    taken = take_fresh(FreshLogs(
        S3Objects(event["bucket"]), S3Objects(aws.results_bucket), event["to"],
        DynamoDBImportState(aws.state_table), letters(),
        lambda: start_job(event["job"], source, client("glue")),
        _rules(), context.aws_request_id, now, lambda: context.get_remaining_time_in_millis() / 1_000,
    ))  # fmt: skip
    metrics.add_metric("LogLines", MetricUnit.Count, taken.lines)
    metrics.add_metric("LogsLeft", MetricUnit.Count, taken.more)
    return dict(msgspec.to_builtins(taken))
