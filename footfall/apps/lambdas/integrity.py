"""The lake against what arrived: a count in Athena against the raw archive; a loss is told to people.

Event: a schedule's ``{"partitions": how the lake's folders are named}``, and perhaps ``"day"``; without one
it is the day before yesterday, whose last events had a day to arrive. Environment:
FOOTFALL_AWS_WORKGROUP, FOOTFALL_AWS_DATABASE, FOOTFALL_AWS_RAW_BUCKET, FOOTFALL_AWS_ALERTS_TOPIC.
"""

from datetime import date, timedelta
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from footfall.adapters.aws.athena import Athena
from footfall.adapters.aws.clients import client
from footfall.adapters.aws.sns import TopicNotifier
from footfall.apps.lambdas.steps import now, objects, settings
from footfall.core.lake_count import Partitions
from footfall.services.lake_check import LakeCheck, check_lake

__all__ = ["handler"]

logger = Logger()
metrics = Metrics()


@cache
def _check(partitions: Partitions) -> LakeCheck:
    aws = settings().aws
    athena = Athena(aws.workgroup, aws.database, client("athena"))
    return LakeCheck(objects(), athena.ask, partitions, TopicNotifier(aws.alerts_topic, client("sns")))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Compare one day; return both sides."""
    told = event.get("day")
    day = date.fromisoformat(told) if told else now().date() - timedelta(days=2)
    found = check_lake(day, _check(event["partitions"]))
    metrics.add_metric("EventsMissing", MetricUnit.Count, sum(found.missing.values()))
    metrics.add_metric("EventsRepeated", MetricUnit.Count, sum(found.repeated.values()))
    logger.info("compared", **msgspec.to_builtins(found))
    return dict(msgspec.to_builtins(found))
