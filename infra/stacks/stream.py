"""stream: Kinesis, the function that turns records into rows, and where the rows go."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
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
        self.search = (
            Search(self, installation, lake.identity, network) if network and profile.search_nodes else None
        )
        self._function(installation, lake, network.vpc if self.search and network else None)

    def _function(self, installation: Installation, lake: LakeStack, vpc: ec2.IVpc | None) -> None:
        key = lake.identity.key
        function = Function(
            self,
            "stream",
            installation,
            key,
            seconds=120,
            vpc=vpc,
            variables={
                "stream": self.records.stream_name,
                "firehose": self.rows.name,
                "search": self.search.endpoint if self.search else "",
                "dead_letters": lake.dead_letters.queue_url,
            },
        )
        may(function, ["firehose:PutRecordBatch"], [self.rows.arn])
        may(function, ["sqs:SendMessage"], [lake.dead_letters.queue_arn])
        if self.search:
            self.search.writer(function)
        reads = ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords",
                 "kinesis:GetShardIterator", "kinesis:ListShards"]  # fmt: skip
        may(function, reads, [self.records.stream_arn])
        undelivered = queue(self, "undelivered", installation, key)
        may(function, ["sqs:SendMessage"], [undelivered.queue_arn])
        made = lambda_.CfnEventSourceMapping(
            self,
            "Source",
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
                    destination=undelivered.queue_arn
                )
            ),
        )
        made.node.add_dependency(function.role)
