"""workflow: Step Functions, Ingest -> Process -> Write, started by an event, by a call, or by a file."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as api
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.function import Function, may_hash
from infra.installation import Installation
from infra.machine import Machine
from infra.outputs import tell
from infra.permissions import may
from infra.stacks.lake import LakeStack
from infra.storage import log_group, queue, table

__all__ = ["WorkflowStack"]

DEFINITION = Path(__file__).parents[1] / "asl" / "workflow.asl.json"
ARRIVALS = "incoming/"


class WorkflowStack(cdk.Stack):
    """``events`` holds a record a person and time; ``bus`` is where events are put to start it."""

    def __init__(self, scope: Construct, id_: str, installation: Installation, lake: LakeStack) -> None:
        super().__init__(scope, id_, description="footfall: Ingest, Process, Write")
        key = lake.identity.key
        self.events = table(
            self, "events", installation, key, partition="user_id", sort="event_time", expires="expires"
        )
        self.seen = table(self, "idempotency", installation, key, partition="id", expires="expiration")
        self.failed = queue(self, "workflow-failures", installation, key)
        functions = self._functions(installation, lake)
        self.machine = Machine(
            self,
            "workflow",
            installation,
            key,
            definition=DEFINITION,
            values={
                "IngestFunction": functions["ingest"].function_arn,
                "ProcessFunction": functions["process"].function_arn,
                "WriteFunction": functions["write"].function_arn,
                "DeadLetters": self.failed.queue_url,
            },
        )
        arns = [function.function_arn for function in functions.values()]
        may(self.machine.role, ["lambda:InvokeFunction"], arns)
        may(self.machine.role, ["sqs:SendMessage"], [self.failed.queue_arn])
        tell(self, events_table=self.events.table_name)
        self._by_event(installation, lake)
        self._by_call(installation, lake)

    def _functions(self, installation: Installation, lake: LakeStack) -> dict[str, Function]:
        shared = {
            "raw_bucket": lake.raw.bucket_name,
            "dead_letters": lake.dead_letters.queue_url,
            "idempotency_table": self.seen.table_name,
            "key_secret": lake.identity.secret.secret_name,
            "salts_table": installation.named("salts"),
        }
        made = {}
        for door in ("ingest", "process", "write"):
            more = {"events_table": self.events.table_name} if door == "write" else {}
            made[door] = Function(self, door, installation, lake.identity.key, variables={**shared, **more})
        raw = f"arn:{self.partition}:s3:::{installation.bucket('raw')}"
        writes = ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"]
        may(made["ingest"], writes, [f"{raw}/ingest/*"])
        may(made["ingest"], ["s3:GetObject"], [f"{raw}/{ARRIVALS}*"])
        may(made["process"], writes, [f"{raw}/ingest/*", f"{raw}/processed/*"])
        may(made["write"], ["s3:GetObject"], [f"{raw}/processed/*"])
        may_hash(made["ingest"], installation, lake.identity.secret)
        may(made["write"], ["dynamodb:BatchWriteItem", "dynamodb:PutItem"], [self.events.table_arn])
        once = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
        for function in made.values():
            may(function, once, [self.seen.table_arn])
            may(function, ["s3:ListBucket"], [raw])  # else an object that is not there looks forbidden
            may(function, ["sqs:SendMessage"], [lake.dead_letters.queue_arn])
        return made

    def _by_event(self, installation: Installation, lake: LakeStack) -> None:
        """Start on an event of the bus, and on a file that arrives in the raw bucket."""
        bus = events.CfnEventBus(
            self, "Bus", name=installation.name, kms_key_identifier=lake.identity.key.key_arn,
            description="Put an event with detail-type footfall.event here to start the workflow",
        )  # fmt: skip
        starter = iam.Role(
            self, "Starter", role_name=installation.named("starter"),
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
            description="Lets EventBridge start the workflow",
        )  # fmt: skip
        may(starter, ["states:StartExecution"], [self.machine.arn])
        target = events.CfnRule.TargetProperty(
            id="workflow",
            arn=self.machine.arn,
            role_arn=starter.role_arn,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.failed.queue_arn),
            retry_policy=events.CfnRule.RetryPolicyProperty(maximum_retry_attempts=24),
        )
        said = events.CfnRule(
            self, "Said", name=installation.named("event"), event_bus_name=bus.ref,
            description="An event was put on the bus",
            event_pattern={"detail-type": ["footfall.event"]}, targets=[target],
        )  # fmt: skip
        arrived = events.CfnRule(
            self, "Arrived", name=installation.named("arrival"),
            description=f"A file arrived below {ARRIVALS} of the raw bucket",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [lake.raw.bucket_name]},
                    "object": {"key": [{"prefix": ARRIVALS}]},
                },
            },
            targets=[target],
        )  # fmt: skip
        self.failed.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.failed.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": [said.attr_arn, arrived.attr_arn]}},
            )
        )

    def _by_call(self, installation: Installation, lake: LakeStack) -> None:
        """Start on POST /executions, for callers with a role that may."""
        door = api.HttpApi(
            self,
            "Api",
            api_name=installation.named("workflow"),
            description="Starts the workflow; callers sign their request",
            create_default_stage=False,
        )
        starter = iam.Role(
            self, "Caller", role_name=installation.named("caller"),
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="Lets the API start the workflow",
        )  # fmt: skip
        may(starter, ["states:StartExecution"], [self.machine.arn])
        start = api.CfnIntegration(
            self,
            "Start",
            api_id=door.api_id,
            integration_type="AWS_PROXY",
            integration_subtype="StepFunctions-StartExecution",
            payload_format_version="1.0",
            credentials_arn=starter.role_arn,
            request_parameters={"StateMachineArn": self.machine.arn, "Input": "$request.body"},
        )
        api.CfnRoute(
            self,
            "Route",
            api_id=door.api_id,
            route_key="POST /executions",
            authorization_type="AWS_IAM",
            target=f"integrations/{start.ref}",
        )
        stage = api.HttpStage(
            self,
            "Stage",
            http_api=door,
            stage_name="$default",
            auto_deploy=True,
            throttle=api.ThrottleSettings(rate_limit=50, burst_limit=100),
        )
        group = log_group(
            Construct(self, "ApiLog"), f"/aws/apigateway/{installation.named('workflow')}", installation,
            lake.identity.key,
        )  # fmt: skip
        stage.node.default_child.access_log_settings = api.CfnStage.AccessLogSettingsProperty(
            destination_arn=group.log_group_arn, format="$context.requestId $context.status"
        )
        cdk.CfnOutput(
            self, "Executions", value=f"{door.api_endpoint}/executions", description="POST, signed"
        )
