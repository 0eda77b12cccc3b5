"""Where functions bring rows: the stores that the settings name, and the queue of what none took."""

import os
from datetime import UTC, datetime

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.firehose import FirehoseSink
from footfall.adapters.aws.opensearch import SearchSink, search_client
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.sqs import LetterQueue
from footfall.errors import BadSettings
from footfall.ports.delivery import Sink
from footfall.services.deliver import Delivery
from footfall.settings import Settings

__all__ = ["delivery_of"]

PATIENCE = Patience(seconds=10.0)  # each sink's; the function's own time must be longer than all of them


def delivery_of(settings: Settings, place: str, *, rows: bool = True) -> Delivery:
    """Return the delivery of what comes from ``place``, into every store that is set (``rows``).

    Raises BadSettings without a queue, or without a store where rows have to go to one.
    """
    aws = settings.aws
    sinks: list[Sink] = []
    if rows and aws.search:
        region = os.environ.get("AWS_REGION", "") if aws.search.startswith("https") else ""
        sinks.append(SearchSink(search_client(aws.search, region), PATIENCE))
    if rows and aws.firehose:
        sinks.append(FirehoseSink(aws.firehose, client("firehose"), PATIENCE))
    problems = [] if aws.dead_letters else ["aws.dead_letters is not set"]
    if rows and not sinks:
        problems.append("neither aws.firehose nor aws.search is set, so events had nowhere to go")
    if problems:
        raise BadSettings(problems="; ".join(problems))
    return Delivery(place, sinks, LetterQueue(aws.dead_letters, client("sqs"), PATIENCE), _now)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
