"""Buckets, tables and queues, made our way: encrypted with our key, private, and not deleted by chance."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.installation import Installation
from infra.permissions import acknowledge

__all__ = ["log_group", "private_bucket", "queue", "table"]


def private_bucket(
    scope: Construct,
    part: str,
    installation: Installation,
    *,
    key: kms.IKey | None,
    audit: s3.IBucket | None,
    rules: list[s3.LifecycleRule],
    announces: bool = False,
) -> s3.Bucket:
    """Return a private, versioned bucket that takes TLS only, with its lifecycle.

    Without ``key`` S3's own keys encrypt: the target of S3's access logs can have no other. Where
    ``audit`` is given, access is logged there. ``announces`` sends arrivals to EventBridge.
    """
    ours = [
        s3.LifecycleRule(
            id="versions-and-leftovers",
            noncurrent_version_expiration=cdk.Duration.days(30),
            abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
        )
    ]
    bucket = s3.Bucket(
        scope,
        part.title(),
        bucket_name=installation.bucket(part),
        encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
        encryption_key=key,
        bucket_key_enabled=key is not None,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        server_access_logs_bucket=audit,
        server_access_logs_prefix=f"{part}/" if audit else None,
        lifecycle_rules=[*ours, *rules],
        removal_policy=installation.removal,
        auto_delete_objects=not installation.profile.protected,
    )
    if announces:
        made = bucket.node.default_child
        made.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(
                event_bridge_enabled=True
            )
        )
    return bucket


def table(
    scope: Construct,
    part: str,
    installation: Installation,
    key: kms.IKey,
    *,
    partition: str,
    sort: str | None = None,
    expires: str | None = None,
    backed_up: bool = True,
) -> dynamodb.Table:
    """Return an on-demand table; ``expires`` is its time-to-live attribute.

    ``backed_up`` is point-in-time recovery: off for what nobody may be able to bring back.
    """
    text = dynamodb.AttributeType.STRING
    made = dynamodb.Table(
        scope,
        part.title().replace("-", ""),
        table_name=installation.named(part),
        partition_key=dynamodb.Attribute(name=partition, type=text),
        sort_key=dynamodb.Attribute(name=sort, type=text) if sort else None,
        time_to_live_attribute=expires,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
        encryption_key=key,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=backed_up
        ),
        deletion_protection=installation.profile.protected and backed_up,
        removal_policy=installation.removal if backed_up else cdk.RemovalPolicy.DESTROY,
    )
    if not backed_up:
        acknowledge(made, "AwsSolutions-DDB3", "what expires here must not come back out of a backup")
    return made


def queue(scope: Construct, part: str, installation: Installation, key: kms.IKey) -> sqs.Queue:
    """Return a queue of what failed: kept for 14 days, TLS only. It has no dead-letter queue: it is one."""
    made = sqs.Queue(
        scope,
        part.title().replace("-", ""),
        queue_name=installation.named(part),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        data_key_reuse=cdk.Duration.hours(1),
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
        removal_policy=installation.removal,
    )
    acknowledge(made, "AwsSolutions-SQS3", "it is itself the queue of what failed elsewhere")
    return made


def log_group(scope: Construct, path: str, installation: Installation, key: kms.IKey) -> logs.LogGroup:
    """Return a log group with the profile's retention; ``path`` is its name."""
    return logs.LogGroup(
        scope,
        "Log",
        log_group_name=path,
        encryption_key=key,
        retention=_retention(installation.profile.log_days),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def _retention(days: int) -> logs.RetentionDays:
    """Return the shortest retention that CloudWatch offers and that is not shorter than ``days``."""
    offered = {1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS"}
    offered |= {30: "ONE_MONTH", 60: "TWO_MONTHS", 90: "THREE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR"}
    fitting = [name for length, name in offered.items() if length >= days]
    return getattr(logs.RetentionDays, fitting[0] if fitting else "TEN_YEARS")
