"""HTTP API -> stream: every path of the collector; what is accepted is stored before the answer 200.

Event source: API Gateway HTTP API, payload format 2.0, all methods of all paths, without its own CORS.
Environment: FOOTFALL_AWS_STREAM (or FOOTFALL_AWS_FIREHOSE), FOOTFALL_AWS_KEY_SECRET,
FOOTFALL_AWS_SALTS_TABLE, FOOTFALL_AWS_EDGE_SECRET behind CloudFront; the apps in footfall.toml.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from footfall.apps.lambdas.public_door import PublicDoor
from footfall.settings import load_settings

__all__ = ["handler"]

logger = Logger()
metrics = Metrics()


@cache
def _door() -> PublicDoor:
    return PublicDoor(load_settings())


@logger.inject_lambda_context
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer one request. Only refusals of ours are logged: a line a request would cost more than it."""
    answer = _door().answer(event)
    if answer["statusCode"] >= 500:
        logger.error("not stored", status=answer["statusCode"], answer=answer["body"])
        metrics.add_metric("NotStored", MetricUnit.Count, 1)
        metrics.flush_metrics()
    return answer
