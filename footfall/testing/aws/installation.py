"""A whole installation on AWS, emulated on this machine: what the templates deploy, made of the stand-ins.

HTTP API -> collect -> Kinesis -> stream -> Firehose (Parquet in S3) and OpenSearch, with the queue of
dead letters, the daily salts, and the installation's key.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.opensearch import SearchSink, search_client
from footfall.adapters.aws.sqs import LetterQueue
from footfall.testing.aws.delivery_stream import DeliveryStream, firehose_server
from footfall.testing.aws.event_source import EventSource
from footfall.testing.aws.function import Function, lambda_function
from footfall.testing.aws.http_api import http_api
from footfall.testing.aws.servers import environment

__all__ = ["Emulated", "Servers", "emulated"]

LAKE, CLICKS, ROWS = "lake", "clicks", "rows"
DRAIN_SECONDS = 300.0


@dataclass(frozen=True)
class Servers:
    """Where the stand-ins listen; ``search`` may be empty. Functions speak to ``through`` instead.

    ``through`` maps kinesis, firehose or search to another address (a proxy's).
    """

    moto: str
    kinesis: str
    search: str = ""


@dataclass
class Emulated:
    """A running installation; ``url`` is the API's address."""

    url: str
    servers: Servers
    collect: Function
    stream: Function
    source: EventSource
    delivery: DeliveryStream
    letters: LetterQueue

    def drain(self) -> None:
        """Wait until everything that is in Kinesis now is delivered; then flush Firehose."""
        self.source.settle(DRAIN_SECONDS)
        self.delivery.flush()

    def lake_files(self) -> Iterator[bytes]:
        """Yield the Parquet files of the lake."""
        s3 = client("s3", self.servers.moto)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE, Prefix="events/"):
            for each in page.get("Contents", []):
                yield s3.get_object(Bucket=LAKE, Key=each["Key"])["Body"].read()

    def failed_files(self) -> list[str]:
        """Return the keys of what Firehose could not deliver."""
        s3 = client("s3", self.servers.moto)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=LAKE, Prefix="errors/")
        return [each["Key"] for page in pages for each in page.get("Contents", [])]


@contextmanager
def emulated(
    folder: Path,
    servers: Servers,
    *,
    shards: int = 2,
    instances: int = 2,
    through: Mapping[str, str] | None = None,
    batch_size: int = 100,
) -> Iterator[Emulated]:
    """Run an installation; ``folder`` has the ``footfall.toml`` that its functions are deployed with.

    ``through`` gives functions another address for kinesis or search: that of a proxy.
    """
    through = through or {}
    variables, letters = _made(servers, shards)
    s3 = client("s3", servers.moto)
    delivery = DeliveryStream(
        ROWS, lambda key, data: s3.put_object(Bucket=LAKE, Key=key, Body=data), buffer_seconds=5.0
    )
    with firehose_server(delivery) as firehose:
        variables |= environment(
            aws=servers.moto,
            kinesis=through.get("kinesis", servers.kinesis),
            firehose=through.get("firehose", firehose),
        )
        variables["FOOTFALL_AWS_SEARCH"] = through.get("search", servers.search)
        with (
            lambda_function(
                "footfall.apps.lambdas.collect.handler", variables, folder, instances=instances
            ) as collect,
            lambda_function(
                "footfall.apps.lambdas.stream.handler", variables, folder, instances=shards, seconds=120
            ) as stream,
            http_api(collect.invoke) as url,
        ):
            kinesis = client("kinesis", servers.kinesis, seconds=60)
            source = EventSource(kinesis, CLICKS, stream.invoke, batch_size=batch_size, window_seconds=0.5)
            source.start()
            try:
                yield Emulated(url, servers, collect, stream, source, delivery, letters)
            finally:
                source.stop()


def _made(servers: Servers, shards: int) -> tuple[dict[str, str], LetterQueue]:
    """Make what the templates make; return the functions' settings, and the queue."""
    kinesis = client("kinesis", servers.kinesis, seconds=60)
    kinesis.create_stream(StreamName=CLICKS, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=CLICKS, WaiterConfig={"Delay": 1})
    region = environment()["AWS_REGION"]
    client("s3", servers.moto).create_bucket(
        Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": region}
    )
    client("dynamodb", servers.moto).create_table(
        TableName="salts",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
    )
    client("secretsmanager", servers.moto).create_secret(
        Name="footfall/key", SecretBinary=secrets.token_bytes(32)
    )
    sqs = client("sqs", servers.moto)
    queue = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    if servers.search:
        SearchSink(search_client(servers.search)).prepare(replicas=0, policy=False)
    return {
        "FOOTFALL_AWS_STREAM": CLICKS,
        "FOOTFALL_AWS_FIREHOSE": ROWS,
        "FOOTFALL_AWS_DEAD_LETTERS": queue,
        "FOOTFALL_AWS_SALTS_TABLE": "salts",
        "FOOTFALL_AWS_KEY_SECRET": "footfall/key",
    }, LetterQueue(queue, sqs)
