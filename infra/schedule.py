"""Functions called by the clock: EventBridge Scheduler, with retries and a queue of what failed."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.function import Function
from infra.installation import Installation
from infra.permissions import may

__all__ = ["schedule"]


def schedule(
    scope: Construct,
    installation: Installation,
    key: kms.IKey,
    function: Function,
    *,
    when: str,
    failures: str,
    told: Mapping[str, str] | None = None,
) -> None:
    """Call a function by the clock (EventBridge Scheduler, UTC), with ``told`` as its event.

    A call that fails goes to ``failures``.
    """
    place = Construct(scope, f"{function.door.title().replace('_', '')}Schedule")
    role = iam.Role(
        place,
        "Role",
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"),
        description=f"Lets the clock call {function.door}",
    )
    may(role, ["lambda:InvokeFunction"], [function.function_arn])
    may(role, ["sqs:SendMessage"], [failures])
    may(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
    scheduler.CfnSchedule(
        place,
        "Schedule",
        name=installation.named(function.door.replace("_", "-")),
        description=f"Calls {function.door}",
        schedule_expression=when,
        schedule_expression_timezone="UTC",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(
            mode="FLEXIBLE", maximum_window_in_minutes=15
        ),
        kms_key_arn=key.key_arn,
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            input=cdk.Stack.of(scope).to_json_string(dict(told or {})),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=failures),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_retry_attempts=3, maximum_event_age_in_seconds=3_600
            ),
        ),
    )
