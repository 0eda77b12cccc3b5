"""ingest: the HTTP API and collect, which answers 200 only when the events are stored."""

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.delivery import Delivery
from infra.function import Function, may_hash
from infra.installation import Installation
from infra.outputs import tell
from infra.permissions import acknowledge, may
from infra.stacks.lake import LakeStack
from infra.storage import log_group, table

__all__ = ["IngestStack"]

# Short, without address or user agent: it is paid by the byte, and personal data has no place in it.
ACCESS_LOG = "$context.requestId $context.status $context.integrationStatus $context.responseLatency"


class IngestStack(cdk.Stack):
    """``host`` is where senders post to; ``records`` is Kinesis, or None for the Firehose-only way."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        lake: LakeStack,
        records: kinesis.IStream | None,
    ) -> None:
        super().__init__(scope, id_, description="footfall: HTTP API and collect")
        self.key = lake.identity.key
        self.salts = table(
            self,
            "salts",
            installation,
            lake.identity.key,
            partition="day",
            expires="expires",
            backed_up=False,
        )
        collect = self._collect(installation, lake, records)
        if records:
            may(collect, ["kinesis:PutRecords", "kinesis:DescribeStreamSummary"], [records.stream_arn])
        else:
            self._firehose(installation, lake, collect)
        if installation.profile.door == "http-api":
            self._api(installation, lake, collect)
        else:
            self._url(installation, collect)
        cdk.CfnOutput(self, "Address", value=f"https://{self.host}", description="Where trackers send to")

    def _collect(
        self, installation: Installation, lake: LakeStack, records: kinesis.IStream | None
    ) -> Function:
        edge = lake.identity.edge
        collect = Function(
            self,
            "collect",
            installation,
            lake.identity.key,
            seconds=10,
            variables={
                "edge_secret": edge.secret_value.unsafe_unwrap() if edge else "",
                "stream": records.stream_name if records else "",
                "firehose": "" if records else installation.named("rows"),
                "dead_letters": lake.dead_letters.queue_url,
                "key_secret": lake.identity.secret.secret_name,
                "salts_table": self.salts.table_name,
            },
        )
        may_hash(collect, installation, lake.identity.secret)
        may(collect, ["sqs:SendMessage"], [lake.dead_letters.queue_arn])
        return collect

    def _firehose(self, installation: Installation, lake: LakeStack, collect: Function) -> None:
        """Build the cheaper way: no stream to pay by the hour, and rows a minute later."""
        transform = Function(
            self,
            "transform",
            installation,
            lake.identity.key,
            seconds=300,
            variables={"dead_letters": lake.dead_letters.queue_url},
        )
        may(transform, ["sqs:SendMessage"], [lake.dead_letters.queue_arn])
        delivery = Delivery(self, "rows", installation, lake)
        delivery.rows(transform)
        tell(self, firehose=delivery.name)
        may(collect, ["firehose:PutRecordBatch", "firehose:DescribeDeliveryStream"], [delivery.arn])

    def _api(self, installation: Installation, lake: LakeStack, collect: Function) -> None:
        self.api = api.HttpApi(
            self,
            "Api",
            api_name=installation.name,
            description="footfall's collector: every path of every tracker; the function knows them",
            create_default_stage=False,
        )
        self.api.add_routes(
            path="/{proxy+}",
            methods=[api.HttpMethod.ANY],
            integration=integrations.HttpLambdaIntegration(
                "Collect", collect, payload_format_version=api.PayloadFormatVersion.VERSION_2_0
            ),
        )
        acknowledge(
            self.api,
            "AwsSolutions-APIG4",
            "anyone's browser may send: write keys and origins are collect's to check",
        )
        rate = installation.profile.requests_per_second
        stage = api.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=api.ThrottleSettings(rate_limit=rate, burst_limit=2 * rate),
        )
        group = log_group(
            Construct(self, "ApiLog"),
            f"/aws/apigateway/{installation.name}",
            installation,
            lake.identity.key,
        )
        stage.node.default_child.access_log_settings = api.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format=ACCESS_LOG
        )
        self.host = f"{self.api.api_id}.execute-api.{self.region}.{self.url_suffix}"
        self.api_id = self.api.api_id

    def _url(self, installation: Installation, collect: Function) -> None:
        """Give collect an address of its own: anyone may call it, as anyone may call the HTTP API."""
        url = collect.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        self.host = cdk.Fn.select(2, cdk.Fn.split("/", url.url))
        self.api_id = ""
        # What the API's throttling does there: beyond it Lambda answers 429.
        made = collect.node.default_child
        made.reserved_concurrent_executions = max(20, installation.profile.requests_per_second // 20)
