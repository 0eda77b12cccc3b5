"""stream: Kinesis, the function that turns records into rows, and where the rows go."""

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.delivery import Delivery
from infra.function import Function
from infra.installation import Installation
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
            retention_period=cdk.Duration.days(7) if profile.protected else cdk.Duration.days(1),
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=lake.identity.key,
            removal_policy=installation.removal,
        )
        acknowledge(self.records, "AwsSolutions-KDS3", "the key is ours, of the stack identity")
        self.rows = Delivery(self, "rows", installation, lake)
        self.rows.rows()
        Delivery(self, "raw", installation, lake).copy(self.records)
        self.failed = queue(self, "undelivered", installation, lake.identity.key)
        # The same door twice, so that neither store waits while the other one is down.
        to_lake = self._function(installation, lake, "stream", {"firehose": self.rows.name})
        may(to_lake, ["firehose:PutRecordBatch"], [self.rows.arn])
        if network and profile.search_nodes:
            search = Search(self, installation, lake.identity, network)
            search.writer(
                self._function(installation, lake, "stream-search", {"search": search.endpoint}, network)
            )

    def _function(
        self,
        installation: Installation,
        lake: LakeStack,
        part: str,
        store: dict[str, str],
        network: NetworkStack | None = None,
    ) -> Function:
        """Return a reader of the stream that brings rows to one store."""
        function = Function(
            self,
            "stream",
            installation,
            lake.identity.key,
            part=part,
            seconds=120,
            vpc=network.vpc if network else None,
            variables={
                "stream": self.records.stream_name,
                "dead_letters": lake.dead_letters.queue_url,
                **store,
            },
        )
        may(function, READS, [self.records.stream_arn])
        may(function, ["sqs:SendMessage"], [lake.dead_letters.queue_arn, self.failed.queue_arn])
        made = lambda_.CfnEventSourceMapping(
            self,
            f"{part.title().replace('-', '')}Source",
            event_source_arn=self.records.stream_arn,
            function_name=function.function_name,
            starting_position="TRIM_HORIZON",
            batch_size=2_000,
            maximum_batching_window_in_seconds=5,
            parallelization_factor=2,
            function_response_types=["ReportBatchItemFailures"],
            bisect_batch_on_function_error=True,
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
