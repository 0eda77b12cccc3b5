"""stream: Kinesis, the function that turns records into rows, and where the rows go."""

from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.delivery import Delivery
from infra.function import Function
from infra.installation import Installation
from infra.outputs import tell
from infra.permissions import acknowledge, may
from infra.search import Search
from infra.stacks.lake import LakeStack
from infra.stacks.network import NetworkStack
from infra.storage import queue

__all__ = ["StreamStack"]

READS = [
    "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
    "kinesis:GetShardIterator", "kinesis:ListShards",
]  # fmt: skip


class Reader(NamedTuple):
    """A function on the stream: up to ``records`` or ``seconds`` a batch.

    ``partial`` says that it names the record from which on a batch has to come again, and that a batch
    which fails may be halved.
    """

    part: str
    door: str
    records: int
    seconds: int
    parallel: int
    partial: bool


# Firehose waits for a minute anyway; OpenSearch is looked at live.
ROWS = Reader("stream", "stream", 10_000, 20, 2, True)
SEARCH = Reader("stream-search", "stream", 2_000, 5, 2, True)
# Few, large objects; and whole batches, so that one that comes again is written over.
RAW = Reader("raw", "raw", 10_000, 60, 1, False)


class StreamStack(cdk.Stack):
    """``records`` is the durable log that collect writes before it answers 200."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        lake: LakeStack,
        network: NetworkStack | None,
    ) -> None:
        super().__init__(scope, id_, description="footfall: Kinesis to lake and search")
        profile = installation.profile
        self.records = kinesis.Stream(
            self,
            "Records",
            stream_name=installation.named("records"),
            stream_mode=kinesis.StreamMode.PROVISIONED if profile.shards else kinesis.StreamMode.ON_DEMAND,
            shard_count=profile.shards or None,
            retention_period=cdk.Duration.hours(profile.stream_hours),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=lake.identity.key,
            removal_policy=installation.removal,
        )
        acknowledge(self.records, "AwsSolutions-KDS3", "the key is ours, of the stack identity")
        self.rows = Delivery(self, "rows", installation, lake)
        self.rows.rows()
        self.failed = queue(self, "undelivered", installation, lake.identity.key)
        # The same door twice, so that neither store waits while the other one is down.
        to_lake = self._reader(installation, lake, ROWS, {"firehose": self.rows.name})
        may(to_lake, ["firehose:PutRecordBatch"], [self.rows.arn])
        archive = self._reader(installation, lake, RAW, {"raw_bucket": lake.raw.bucket_name})
        objects = f"arn:{self.partition}:s3:::{installation.bucket('raw')}/raw/*"
        may(archive, ["s3:PutObject"], [objects])
        if network and profile.search_nodes:
            search = Search(self, installation, lake.identity, network)
            store = {"search": search.endpoint}
            search.writer(self._reader(installation, lake, SEARCH, store, network))
            tell(self, search=search.endpoint)
        tell(self, stream=self.records.stream_name, firehose=self.rows.name)

    def _reader(
        self,
        installation: Installation,
        lake: LakeStack,
        reader: Reader,
        store: dict[str, str],
        network: NetworkStack | None = None,
    ) -> Function:
        """Return a function that reads the stream, and brings it to one store."""
        function = Function(
            self,
            reader.door,
            installation,
            lake.identity.key,
            part=reader.part,
            seconds=120,
            vpc=network.vpc if network else None,
            variables={"dead_letters": lake.dead_letters.queue_url, **store},
        )
        may(function, READS, [self.records.stream_arn])
        may(function, ["sqs:SendMessage"], [lake.dead_letters.queue_arn, self.failed.queue_arn])
        made = lambda_.CfnEventSourceMapping(
            self,
            f"{reader.part.title().replace('-', '')}Source",
            event_source_arn=self.records.stream_arn,
            function_name=function.function_name,
            starting_position="TRIM_HORIZON",
            batch_size=reader.records,
            maximum_batching_window_in_seconds=reader.seconds,
            parallelization_factor=reader.parallel,
            function_response_types=["ReportBatchItemFailures"] if reader.partial else None,
            bisect_batch_on_function_error=reader.partial,
            maximum_retry_attempts=8,
            maximum_record_age_in_seconds=20 * 3_600,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(
                    destination=self.failed.queue_arn
                )
            ),
        )
        made.node.add_dependency(function.role)
        return function
