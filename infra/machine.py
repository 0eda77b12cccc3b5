"""A state machine made our way: defined by a file that Terraform reads too; history, traces, our key."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from infra.installation import Installation
from infra.permissions import may
from infra.storage import log_group

__all__ = ["Machine"]

LOGGING = [
    "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
]  # fmt: skip


class Machine(Construct):
    """``role`` is what its steps may do; whoever makes a machine says so with ``may``."""

    def __init__(
        self,
        scope: Construct,
        part: str,
        installation: Installation,
        key: kms.IKey,
        *,
        definition: Path,
        values: Mapping[str, str],
    ) -> None:
        super().__init__(scope, f"{part.title()}Machine")
        name = installation.named(part)
        self.arn = installation.arn("states", f"stateMachine:{name}")
        self.role = iam.Role(
            self,
            "Role",
            role_name=f"{name}-steps",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            description=f"What the steps of {part} may do",
        )
        may(self.role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        may(self.role, ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"])
        may(self.role, LOGGING, ["*"])
        group = log_group(self, f"/aws/vendedlogs/states/{name}", installation, key)
        made = states.CfnStateMachine(
            self,
            "States",
            state_machine_name=name,
            state_machine_type="STANDARD",
            role_arn=self.role.role_arn,
            definition_string=definition.read_text(encoding="utf-8"),
            definition_substitutions=dict(values),
            tracing_configuration=states.CfnStateMachine.TracingConfigurationProperty(enabled=True),
            logging_configuration=states.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    states.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=states.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=group.log_group_arn
                        )
                    )
                ],
            ),
            encryption_configuration=states.CfnStateMachine.EncryptionConfigurationProperty(
                type="CUSTOMER_MANAGED_KMS_KEY",
                kms_key_id=key.key_arn,
                kms_data_key_reuse_period_seconds=300,
            ),
        )
        made.node.add_dependency(self.role)
