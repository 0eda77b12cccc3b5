"""The event path on AWS, emulated on this machine: what the templates deploy, made of the stand-ins.

HTTP API -> collect -> Kinesis -> stream -> Firehose (Parquet in S3); and the same function a second time
for OpenSearch, so that neither store waits for the other.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from footfall.adapters.aws.opensearch import SearchSink, search_client
from footfall.testing.aws.account import Account, Bundles
from footfall.testing.aws.delivery_stream import DeliveryStream, firehose_server
from footfall.testing.aws.event_source import EventSource
from footfall.testing.aws.function import Function, lambda_function
from footfall.testing.aws.http_api import http_api

__all__ = ["Emulated", "emulated"]

LAKE, CLICKS, ROWS = "lake", "clicks", "rows"
DRAIN_SECONDS = 300.0
TRIES = 8  # as in the templates


@dataclass
class Reader:
    """A function on the stream, and what reads the stream for it."""

    function: Function
    source: EventSource


@dataclass
class Emulated:
    """A running event path; ``url`` is the API's address, ``readers`` are stream and stream-search."""

    url: str
    account: Account
    collect: Function
    readers: Mapping[str, Reader]
    delivery: DeliveryStream

    @property
    def failures(self) -> list[str]:
        """Why batches came again."""
        return [why for reader in self.readers.values() for why in reader.source.failures]

    def drain(self) -> None:
        """Wait until everything that is in Kinesis now is delivered; then flush Firehose."""
        for reader in self.readers.values():
            reader.source.settle(DRAIN_SECONDS)
        self.delivery.flush()

    def lake_files(self) -> Iterator[bytes]:
        """Yield the Parquet files of the lake."""
        return self.account.objects(LAKE, "events/")

    def failed_files(self) -> list[str]:
        """Return the keys of what Firehose could not deliver."""
        return self.account.keys(LAKE, "errors/")


@contextmanager
def emulated(
    account: Account,
    bundles: Bundles,
    *,
    shards: int = 2,
    instances: int = 2,
    batch_size: int = 100,
    port: int = 0,
) -> Iterator[Emulated]:
    """Run the path in an account; the API listens on ``port``, any where it is 0."""
    _make_stream(account, shards)
    s3, search = account.client("s3"), account.servers.search
    undelivered = account.client("sqs").create_queue(QueueName="undelivered")["QueueUrl"]
    delivery = DeliveryStream(
        ROWS, lambda key, data: s3.put_object(Bucket=LAKE, Key=key, Body=data), buffer_seconds=5.0
    )

    def give_up(document: object) -> None:
        account.client("sqs").send_message(QueueUrl=undelivered, MessageBody=json.dumps(document))

    with firehose_server(delivery) as firehose, ExitStack() as stack:

        def deploy(door: str, part: str, count: int, more: Mapping[str, str]) -> Function:
            bundle = bundles.door if door == "collect" else bundles.columns
            return stack.enter_context(
                lambda_function(
                    f"footfall.apps.lambdas.{door}.handler",
                    {**account.variables, **more},
                    bundles.folder,
                    instances=count,
                    seconds=120.0,
                    bundle=bundle,
                    part=part,
                )
            )

        stores = {"stream": {"FOOTFALL_AWS_FIREHOSE": ROWS, "AWS_ENDPOINT_URL_FIREHOSE": firehose}}
        if search:
            SearchSink(search_client(search)).prepare(replicas=0, policy=False)
            stores["stream-search"] = {"FOOTFALL_AWS_SEARCH": account.through.get("search", search)}
        collect = deploy("collect", "collect", instances, {"FOOTFALL_AWS_STREAM": CLICKS})
        readers = {}
        for part, store in stores.items():
            function = deploy("stream", part, shards, store)
            source = EventSource(
                account.client("kinesis"),
                CLICKS,
                function.invoke,
                batch_size=batch_size,
                window_seconds=0.5,
                tries=TRIES,
                on_failure=give_up,
            )
            readers[part] = Reader(function, source)
            source.start()
            stack.callback(source.stop)
        url = stack.enter_context(http_api(collect.invoke, port))
        yield Emulated(url, account, collect, readers, delivery)


def _make_stream(account: Account, shards: int) -> None:
    kinesis = account.client("kinesis")
    kinesis.create_stream(StreamName=CLICKS, ShardCount=shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=CLICKS, WaiterConfig={"Delay": 1})
