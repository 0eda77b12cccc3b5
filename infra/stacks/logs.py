"""logs: access logs of public files, read by schedule, into MySQL."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.assets import mysql_archive
from infra.function import Function
from infra.installation import Installation
from infra.job import job_role, spark_job
from infra.permissions import acknowledge, may
from infra.schedule import schedule
from infra.stacks.lake import LakeStack
from infra.stacks.network import NetworkStack
from infra.storage import private_bucket

__all__ = ["LogsStack"]

SCRIPT = Path(__file__).parents[1] / "glue" / "access_logs.py"
PORT = 3307  # not the one that everybody tries first
FRESH = "access-logs"


class LogsStack(cdk.Stack):
    """``bucket`` is where S3 puts access logs; the job brings new lines into MySQL."""

    def __init__(
        self, scope: Construct, id_: str, installation: Installation, lake: LakeStack, network: NetworkStack
    ) -> None:
        super().__init__(scope, id_, description="footfall: access logs into MySQL")
        self.installation, self.lake, self.network = installation, lake, network
        self.bucket = self._bucket()
        self.inside = ec2.SecurityGroup(
            self,
            "Inside",
            vpc=network.vpc,
            description="The job and MySQL, among themselves",
            allow_all_outbound=False,
        )
        # Glue demands that a connection's group lets itself in on every port.
        self.inside.connections.allow_internally(ec2.Port.all_tcp(), "job and database")
        self.inside.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "endpoints of S3 and Secrets Manager"
        )
        self.mysql = self._mysql()
        self.secret = self.mysql.attr_master_user_secret_secret_arn
        self._job()
        self._function()

    def _bucket(self) -> s3.Bucket:
        bucket = private_bucket(
            self,
            "logs",
            self.installation,
            key=None,
            audit=None,
            rules=[
                s3.LifecycleRule(
                    id="full-addresses-do-not-stay",
                    expiration=cdk.Duration.days(self.installation.profile.log_days),
                )
            ],
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            "it holds access logs; a log of reading them would hold only ourselves",
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return bucket

    def _mysql(self) -> rds.CfnDBInstance:
        profile, key = self.installation.profile, self.lake.identity.key
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description="footfall: private subnets",
            subnet_ids=[subnet.subnet_id for subnet in self.network.vpc.isolated_subnets],
        )
        tls = rds.CfnDBParameterGroup(
            self,
            "Tls",
            family="mysql8.4",
            description="TLS only",
            parameters={"require_secure_transport": "ON"},
        )
        made = rds.CfnDBInstance(
            self,
            "MySql",
            db_instance_identifier=self.installation.named("logs"),
            engine="mysql",
            engine_version="8.4.10",
            db_instance_class=f"db.{profile.mysql_instance}",
            db_name="footfall",
            port=str(PORT),
            allocated_storage="20",
            max_allocated_storage=200,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=key.key_arn,
            manage_master_user_password=True,
            master_username="footfall",
            master_user_secret=rds.CfnDBInstance.MasterUserSecretProperty(kms_key_id=key.key_arn),
            multi_az=profile.protected,
            publicly_accessible=False,
            db_subnet_group_name=subnets.ref,
            db_parameter_group_name=tls.ref,
            vpc_security_groups=[self.inside.security_group_id],
            backup_retention_period=7,
            copy_tags_to_snapshot=True,
            deletion_protection=profile.protected,
            auto_minor_version_upgrade=True,
            enable_iam_database_authentication=True,
            enable_cloudwatch_logs_exports=["error", "slowquery"],
        )
        made.apply_removal_policy(
            cdk.RemovalPolicy.SNAPSHOT if profile.protected else cdk.RemovalPolicy.DESTROY
        )
        if not profile.protected:
            acknowledge(
                made,
                "AwsSolutions-RDS3",
                "an unprotected profile: what it holds can be read again from logs",
            )
            acknowledge(made, "AwsSolutions-RDS10", "an unprotected profile is made to be taken down")
        return made

    def _job(self) -> None:
        key, named = self.lake.identity.key, self.installation
        connection = glue.CfnConnection(
            self,
            "Connection",
            catalog_id=self.account,
            connection_input=glue.CfnConnection.ConnectionInputProperty(
                name=named.named("mysql"),
                connection_type="NETWORK",
                physical_connection_requirements=glue.CfnConnection.PhysicalConnectionRequirementsProperty(
                    subnet_id=self.network.vpc.isolated_subnets[0].subnet_id,
                    availability_zone=self.network.vpc.isolated_subnets[0].availability_zone,
                    security_group_id_list=[self.inside.security_group_id],
                ),
            ),
        )
        place = Construct(self, "Load")
        script = assets.Asset(place, "Script", path=str(SCRIPT))
        library = assets.Asset(place, "Library", path=str(mysql_archive()))
        role = job_role(place, "access-logs", named, key, [script, library])
        fresh = f"arn:{self.partition}:s3:::{named.bucket('results')}"
        may(role, ["s3:ListBucket"], [fresh])
        may(role, ["s3:GetObject", "s3:DeleteObject"], [f"{fresh}/{FRESH}/*"])
        may(role, ["secretsmanager:GetSecretValue"], [self.secret])
        may(role, JOB_NETWORK, ["*"])
        may(role, ["glue:GetConnection"], [
            named.arn("glue", "catalog"), named.arn("glue", f"connection/{named.named('mysql')}")
        ])  # fmt: skip
        job = spark_job(
            place, "access-logs", named, key, role, script.s3_object_url,
            {
                "--source": f"s3://{named.bucket('results')}/{FRESH}/",
                "--secret": self.secret,
                "--host": self.mysql.attr_endpoint_address,
                "--port": str(PORT),
                "--extra-py-files": library.s3_object_url,
            },
            connections=[named.named("mysql")],
        )  # fmt: skip
        job.add_resource_dependency(connection)

    def _function(self) -> None:
        named, key = self.installation, self.lake.identity.key
        function = Function(
            self,
            "access_logs",
            named,
            key,
            seconds=900,
            variables={
                "state_table": self.lake.state.table_name,
                "results_bucket": self.lake.results.bucket_name,
                "dead_letters": self.lake.dead_letters.queue_url,
                "key_secret": self.lake.identity.secret.secret_name,
            },
        )
        logs = f"arn:{self.partition}:s3:::{named.bucket('logs')}"
        may(function, ["s3:ListBucket"], [logs])
        may(function, ["s3:GetObject"], [f"{logs}/*"])
        fresh = f"arn:{self.partition}:s3:::{named.bucket('results')}/{FRESH}/*"
        may(function, ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], [fresh])
        rows = ["dynamodb:DescribeTable", "dynamodb:BatchGetItem", "dynamodb:PutItem"]
        may(function, rows, [self.lake.state.table_arn])
        may(function, ["secretsmanager:GetSecretValue"], [self.lake.identity.secret.secret_arn])
        may(function, ["sqs:SendMessage"], [self.lake.dead_letters.queue_arn])
        may(function, ["glue:StartJobRun"], [named.arn("glue", f"job/{named.named('access-logs')}")])
        schedule(
            self, named, key, function, when="cron(0 4 ? * MON *)",
            failures=self.lake.dead_letters.queue_arn,
            told={"bucket": named.bucket("logs"), "to": f"{FRESH}/", "job": named.named("access-logs")},
        )  # fmt: skip


# What a Glue job does to come into a VPC; the interfaces are Glue's to name.
JOB_NETWORK = [
    "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcEndpoints",
    "ec2:DescribeRouteTables",
    "ec2:DescribeVpcAttribute", "ec2:CreateTags",
]  # fmt: skip
