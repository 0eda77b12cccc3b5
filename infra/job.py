"""A Glue job made our way: its own role, our key for logs and data, the newest Spark, a bounded size."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.installation import Installation
from infra.permissions import may

__all__ = ["job_role", "spark_job"]


def job_role(
    scope: Construct, part: str, installation: Installation, key: kms.IKey, read: Sequence[assets.Asset]
) -> iam.Role:
    """Return the role of a job, which may read these assets, and write its logs."""
    role = iam.Role(
        scope,
        "Role",
        role_name=f"{installation.named(part)}-job",
        assumed_by=iam.ServicePrincipal("glue.amazonaws.com"),
        description=f"What the Glue job {part} may do",
    )
    may(role, ["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
    for asset in read:
        may(
            role,
            ["s3:GetObject"],
            [f"arn:{cdk.Aws.PARTITION}:s3:::{asset.s3_bucket_name}/{asset.s3_object_key}"],
        )
    logging = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
    may(role, logging, [installation.arn("logs", "log-group:/aws-glue/*")])
    return role


def spark_job(
    scope: Construct,
    part: str,
    installation: Installation,
    key: kms.IKey,
    role: iam.Role,
    script: str,
    arguments: Mapping[str, str],
    connections: Sequence[str] = (),
) -> glue.CfnJob:
    """Return a Spark job of two small workers, encrypted throughout; ``script`` is its s3:// address."""
    encrypted = glue.CfnSecurityConfiguration(
        scope,
        "Encrypted",
        name=f"{installation.named(part)}-job",
        encryption_configuration=glue.CfnSecurityConfiguration.EncryptionConfigurationProperty(
            cloud_watch_encryption=glue.CfnSecurityConfiguration.CloudWatchEncryptionProperty(
                cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
            ),
            job_bookmarks_encryption=glue.CfnSecurityConfiguration.JobBookmarksEncryptionProperty(
                job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.key_arn
            ),
            s3_encryptions=[
                glue.CfnSecurityConfiguration.S3EncryptionProperty(
                    s3_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
                )
            ],
        ),
    )
    job = glue.CfnJob(
        scope,
        "Job",
        name=installation.named(part),
        role=role.role_arn,
        glue_version="5.0",
        worker_type="G.1X",
        number_of_workers=2,
        timeout=120,
        max_retries=0,
        execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
        security_configuration=encrypted.name,
        command=glue.CfnJob.JobCommandProperty(name="glueetl", python_version="3", script_location=script),
        connections=glue.CfnJob.ConnectionsListProperty(connections=list(connections))
        if connections
        else None,
        default_arguments={
            "--enable-continuous-cloudwatch-log": "true",
            "--job-language": "python",
            **arguments,
        },
    )
    job.add_resource_dependency(encrypted)
    return job
