"""A Lambda function made our way: its own role and log group, our key, X-Ray, and nothing more."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.bundling import code
from infra.installation import Installation
from infra.permissions import acknowledge, may
from infra.storage import log_group

__all__ = ["INTERFACES", "Function", "may_hash"]

# What a function in a VPC needs before it can run: a network interface there.
INTERFACES = [
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
]  # fmt: skip

ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
MEMORY = {"door": "collect_mib", "columns": "stream_mib"}


class Function(lambda_.Function):
    """``door`` is a file of footfall/apps/lambdas; ``variables`` are settings by their short names.

    ``part`` is the function's name where the same door is deployed a second time.
    """

    def __init__(
        self,
        scope: Construct,
        door: str,
        installation: Installation,
        key: kms.IKey,
        *,
        variables: Mapping[str, str],
        part: str = "",
        seconds: int = 60,
        vpc: ec2.IVpc | None = None,
    ) -> None:
        asset = "door" if door == "collect" else "columns"
        part = part or door.replace("_", "-")
        name = installation.named(part)
        place = Construct(scope, part.title().replace("-", ""))
        traced = asset != "door" or not installation.profile.protected
        group = log_group(place, f"/aws/lambda/{name}", installation, key)
        role = _role(place, name, door)
        may(role, ["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])
        # GenerateDataKey to write what the key encrypts: queues, streams and buckets ask for it in our name
        may(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        if vpc:
            may(role, INTERFACES, ["*"])
        if traced:
            may(role, ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])
        settings = {f"FOOTFALL_AWS_{short.upper()}": value for short, value in variables.items()}
        super().__init__(
            place,
            "Function",
            function_name=name,
            description=f"footfall.apps.lambdas.{door}",
            runtime=lambda_.Runtime.PYTHON_3_12,
            architecture=ARCHITECTURES[installation.architecture],
            code=code(asset, installation),
            handler=f"footfall.apps.lambdas.{door}.handler",
            role=role,
            memory_size=getattr(installation.profile, MEMORY[asset]),
            timeout=cdk.Duration.seconds(seconds),
            environment={
                "FOOTFALL_DATA": "/tmp/footfall-data",  # noqa: S108 - the only folder that Lambda lets us write
                "POWERTOOLS_SERVICE_NAME": part,
                "POWERTOOLS_METRICS_NAMESPACE": installation.name,
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **settings,
            },
            environment_encryption=key,
            log_group=group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            # START, END and REPORT of each request would cost more than the request.
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            # X-Ray can't be sampled lower for Lambda than 5 %: at ten million events a day that costs more
            # than collect itself, so the door is traced in unprotected profiles only.
            tracing=lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.DISABLED,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED) if vpc else None,
        )
        self.door = door
        acknowledge(self, "AwsSolutions-L1", "the wheels of the assets are those of Python 3.12")


def _role(place: Construct, name: str, door: str) -> iam.Role:
    return iam.Role(
        place,
        "Role",
        role_name=name,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"What footfall.apps.lambdas.{door} may do",
    )


def may_hash(function: Function, installation: Installation, secret: secrets.ISecret) -> None:
    """Let a function stand hashes in for addresses: the installation's key, and the salts of the days."""
    may(function, ["secretsmanager:GetSecretValue"], [secret.secret_arn])
    salts = installation.arn("dynamodb", f"table/{installation.named('salts')}")
    may(function, ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"], [salts])
