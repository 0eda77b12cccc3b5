"""warehouse: Redshift Serverless over the lake, and QuickSight's dashboard, for people who write no SQL."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_redshiftserverless as redshift
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.bundling import setup_code
from infra.installation import Installation
from infra.permissions import acknowledge, may
from infra.quicksight import Quicksight
from infra.redshift import statements
from infra.stacks.lake import LakeStack
from infra.stacks.network import NetworkStack
from infra.storage import log_group

__all__ = ["WarehouseStack"]


class WarehouseStack(cdk.Stack):
    """Redshift where the profile has RPUs and a network, QuickSight where it is asked for."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        lake: LakeStack,
        network: NetworkStack | None,
    ) -> None:
        super().__init__(scope, id_, description="footfall: Redshift and QuickSight over the lake")
        self.installation, self.lake = installation, lake
        if network and installation.profile.warehouse_rpu:
            self._redshift(network)
        if installation.profile.quicksight:
            Quicksight(self, installation)

    def _redshift(self, network: NetworkStack) -> None:
        named, key = self.installation, self.lake.identity.key
        reader = self._reader()
        admin = secrets.Secret(
            self,
            "Admin",
            secret_name=named.named("warehouse-admin"),
            description="Who makes schema and views; people come with roles of their own",
            encryption_key=key,
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template='{"username": "footfall"}',  # noqa: S106 - a name
                generate_string_key="password",
                password_length=48,
                exclude_punctuation=True,
            ),
        )
        acknowledge(
            admin, "AwsSolutions-SMG4", "only the setup of a deployment uses it; deploy anew to change it"
        )
        space = redshift.CfnNamespace(
            self,
            "Namespace",
            namespace_name=named.name,
            db_name="footfall",
            admin_username="footfall",
            admin_user_password=admin.secret_value_from_json("password").unsafe_unwrap(),
            kms_key_id=key.key_arn,
            iam_roles=[reader.role_arn],
            default_iam_role_arn=reader.role_arn,
            log_exports=["userlog", "connectionlog", "useractivitylog"],
        )
        space.apply_removal_policy(named.removal)
        inside = ec2.SecurityGroup(
            self,
            "Inside",
            vpc=network.vpc,
            description="Redshift, from within the VPC",
            allow_all_outbound=False,
        )
        inside.add_ingress_rule(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), ec2.Port.tcp(5439), "SQL")
        acknowledge(inside, "AwsSolutions-EC23", "the only peer is the VPC's own range, which is a token")
        group = redshift.CfnWorkgroup(
            self,
            "Workgroup",
            workgroup_name=named.name,
            namespace_name=space.namespace_name,
            base_capacity=named.profile.warehouse_rpu,
            publicly_accessible=False,
            subnet_ids=[subnet.subnet_id for subnet in network.vpc.isolated_subnets],
            security_group_ids=[inside.security_group_id],
            config_parameters=[
                redshift.CfnWorkgroup.ConfigParameterProperty(
                    parameter_key="require_ssl", parameter_value="true"
                )
            ],
        )
        group.add_resource_dependency(space)
        setup = self._setup(admin, group, reader)
        setup.node.add_dependency(self.lake.whole)

    def _reader(self) -> iam.Role:
        reader = iam.Role(
            self,
            "Reader",
            role_name=self.installation.named("warehouse"),
            assumed_by=iam.ServicePrincipal("redshift.amazonaws.com"),
            description="Redshift reads the lake, and nothing else",
        )
        named = self.installation
        catalog = [named.arn("glue", each) for each in ("catalog", f"database/{self.lake.database}")]
        reads = ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:GetPartitions"]
        may(reader, reads, [*catalog, named.arn("glue", f"table/{self.lake.database}/*")])
        bucket = f"arn:{self.partition}:s3:::{named.bucket('lake')}"
        may(reader, ["s3:ListBucket", "s3:GetBucketLocation"], [bucket])
        may(reader, ["s3:GetObject"], [f"{bucket}/events/*"])
        may(reader, ["kms:Decrypt"], [self.lake.identity.key.key_arn])
        return reader

    def _setup(
        self, admin: secrets.Secret, group: redshift.CfnWorkgroup, reader: iam.Role
    ) -> cdk.CustomResource:
        """Make the external schema and the views whenever one of them changes."""
        named, key = self.installation, self.lake.identity.key
        place, name = Construct(self, "Setup"), self.installation.named("warehouse-setup")
        role = iam.Role(
            place,
            "Role",
            role_name=name,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Makes the external schema and the views in Redshift",
        )
        logs = log_group(place, f"/aws/lambda/{name}", named, key)
        may(role, ["logs:CreateLogStream", "logs:PutLogEvents"], [logs.log_group_arn])
        may(role, ["secretsmanager:GetSecretValue"], [admin.secret_arn])
        may(role, ["kms:Decrypt"], [key.key_arn])
        may(role, ["redshift-data:ExecuteStatement"], [group.attr_workgroup_workgroup_arn])
        may(role, ["redshift-data:DescribeStatement"], ["*"])
        function = lambda_.Function(
            place,
            "Function",
            function_name=name,
            description="The external schema and the metrics' views in Redshift",
            runtime=lambda_.Runtime.PYTHON_3_12,
            code=setup_code(),
            handler="setup.redshift.handler",
            role=role,
            timeout=cdk.Duration.minutes(15),
            log_group=logs,
        )
        acknowledge(function, "AwsSolutions-L1", "the same Python as every function of ours")
        resource = cdk.CustomResource(
            place,
            "State",
            service_token=function.function_arn,
            resource_type="Custom::WarehouseSetup",
            properties={
                "Workgroup": group.workgroup_name,
                "Secret": admin.secret_arn,
                "Statements": statements(self.lake.database, reader.role_arn),
            },
        )
        resource.node.add_dependency(role, group)
        return resource
