"""What the workflow's steps share: their stores, their idempotency, and how they name what time mends."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.sqs import LetterQueue
from footfall.adapters.s3_objects import S3Objects
from footfall.errors import FootfallError, StoreFailed
from footfall.settings import Settings, load_settings

__all__ = ["letters", "now", "objects", "settings", "step"]

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@functools.cache
def settings() -> Settings:
    """Return the settings in force."""
    return load_settings()


@functools.cache
def objects() -> S3Objects:
    """Return the bucket of raw events."""
    return S3Objects(settings().aws.raw_bucket)


@functools.cache
def letters() -> LetterQueue:
    """Return the queue of dead letters."""
    return LetterQueue(settings().aws.dead_letters, client("sqs"))


def now() -> datetime:
    """Return the time, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def step(handler: Handler) -> Handler:
    """Make a handler answer the same input once within an hour, and name every passing fault StoreFailed.

    The state machine tries StoreFailed again, and nothing else of ours: the rest would fail again.
    """

    @functools.cache
    def once() -> Handler:
        table = DynamoDBPersistenceLayer(table_name=settings().aws.idempotency_table)
        remembered: Handler = idempotent(persistence_store=table, config=IdempotencyConfig())(handler)
        return remembered

    @functools.wraps(handler)
    def run(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            return once()(event, context)
        except FootfallError as error:
            if error.retryable and not isinstance(error, StoreFailed):
                raise StoreFailed(store=handler.__module__, cause=error) from error
            raise

    return run
