"""OpenSearch, made our way: in the VPC, signed requests only, people through Cognito."""

import json

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch
from constructs import Construct

from footfall.core.search_index import ALIAS, age_policy, index_template
from infra.bundling import setup_code
from infra.function import INTERFACES
from infra.installation import Installation
from infra.permissions import acknowledge, may
from infra.saved_objects import saved_objects
from infra.stacks.identity import IdentityStack
from infra.stacks.network import NetworkStack
from infra.storage import log_group

__all__ = ["Search"]


class Search(Construct):
    """``endpoint`` is the domain's https address inside the VPC."""

    def __init__(
        self, scope: Construct, installation: Installation, identity: IdentityStack, network: NetworkStack
    ) -> None:
        super().__init__(scope, "Search")
        self.installation, self.identity, self.network = installation, identity, network
        self.access = ec2.SecurityGroup(
            self, "Access", vpc=network.vpc, description="HTTPS to OpenSearch", allow_all_outbound=False
        )
        self.access.add_ingress_rule(ec2.Peer.ipv4(network.vpc.vpc_cidr_block), ec2.Port.tcp(443), "HTTPS")
        acknowledge(
            self.access, "AwsSolutions-EC23", "the only peer is the VPC's own range, which is a token"
        )
        self.keeper = iam.Role(
            self,
            "Keeper",
            role_name=installation.named("search-setup"),
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description="Master user of OpenSearch: sets up templates, roles and dashboards",
        )
        self.arn = installation.arn("es", f"domain/{installation.name}")
        self.domain = self._domain()
        self.endpoint = f"https://{self.domain.domain_endpoint}"
        self.setup = self._setup()

    def writer(self, function: lambda_.Function) -> None:
        """Let a function write events, and nothing else, in OpenSearch."""
        may(
            function,
            ["es:ESHttpPost", "es:ESHttpPut"],
            [f"{self.arn}/_bulk", f"{self.arn}/{ALIAS}-*"],
        )
        self.domain.connections.allow_default_port_from(function)
        self.setup.node.default_child.add_property_override("Writer", function.role.role_arn)

    def _domain(self) -> opensearch.Domain:
        profile, vpc = self.installation.profile, self.network.vpc
        spread = profile.search_nodes > 1
        place = Construct(self, "Slow")
        group = log_group(
            place, f"/aws/opensearch/{self.installation.name}", self.installation, self.identity.key
        )
        written = logs.ResourcePolicy(
            place,
            "Policy",
            policy_statements=[
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("es.amazonaws.com")],
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[group.log_group_arn],
                )
            ],
        )
        domain = opensearch.Domain(
            self,
            "Domain",
            domain_name=self.installation.name,
            version=opensearch.EngineVersion.open_search("2.19"),
            capacity=opensearch.CapacityConfig(
                data_nodes=profile.search_nodes,
                data_node_instance_type=profile.search_instance,
                multi_az_with_standby_enabled=False,
            ),
            zone_awareness=opensearch.ZoneAwarenessConfig(
                enabled=spread, availability_zone_count=2 if spread else None
            ),
            ebs=opensearch.EbsOptions(
                volume_size=profile.search_gib, volume_type=ec2.EbsDeviceVolumeType.GP3
            ),
            vpc=vpc,
            vpc_subnets=[ec2.SubnetSelection(subnets=vpc.isolated_subnets[: 2 if spread else 1])],
            security_groups=[self.access],
            encryption_at_rest=opensearch.EncryptionAtRestOptions(enabled=True, kms_key=self.identity.key),
            node_to_node_encryption=True,
            enforce_https=True,
            tls_security_policy=opensearch.TLSSecurityPolicy.TLS_1_2_PFS,
            fine_grained_access_control=opensearch.AdvancedSecurityOptions(
                master_user_arn=self.keeper.role_arn
            ),
            cognito_dashboards_auth=self._sign_in(),
            logging=opensearch.LoggingOptions(
                slow_search_log_enabled=True, slow_search_log_group=group,
                slow_index_log_enabled=True, slow_index_log_group=group,
            ),
            suppress_logs_resource_policy=True,
            removal_policy=self.installation.removal,
        )  # fmt: skip
        domain.node.add_dependency(written)
        self._admit(domain, spread=spread)
        return domain

    def _admit(self, domain: opensearch.Domain, *, spread: bool) -> None:
        """Say who may call at all: roles of this account; what each may do is said by its own policy."""
        domain.node.default_child.access_policies = iam.PolicyDocument(
            statements=[
                iam.PolicyStatement(
                    principals=[iam.AccountRootPrincipal()],
                    actions=[
                        "es:ESHttpGet",
                        "es:ESHttpHead",
                        "es:ESHttpPost",
                        "es:ESHttpPut",
                        "es:ESHttpDelete",
                    ],
                    resources=[f"{self.arn}/*"],
                )
            ]
        )
        acknowledge(
            domain, "AwsSolutions-OS4", "two data nodes need no masters of their own; larger ones: add them"
        )
        acknowledge(
            domain, "AwsSolutions-OS3", "the domain is in the VPC: who may call is said by policy and group"
        )
        if not spread:
            acknowledge(
                domain, "AwsSolutions-OS7", "one node, for a trial: the lake holds everything that it holds"
            )

    def _sign_in(self) -> opensearch.CognitoOptions:
        """Return how people come to the dashboards: a pool of people, an identity pool of roles."""
        pool = self.identity.pool
        assert pool is not None, "the identity stack makes a pool where there is OpenSearch"  # noqa: S101
        identities = cognito.CfnIdentityPool(self, "Identities", allow_unauthenticated_identities=False)
        role = iam.Role(
            self,
            "CognitoRole",
            assumed_by=iam.ServicePrincipal("opensearchservice.amazonaws.com"),
            description="Lets OpenSearch connect its dashboards with Cognito",
        )
        client = [
            "cognito-idp:DescribeUserPool", "cognito-idp:CreateUserPoolClient",
            "cognito-idp:DeleteUserPoolClient",
            "cognito-idp:UpdateUserPoolClient", "cognito-idp:DescribeUserPoolClient",
            "cognito-idp:AdminInitiateAuth", "cognito-idp:AdminUserGlobalSignOut",
            "cognito-idp:ListUserPoolClients",
        ]  # fmt: skip
        may(role, client, [pool.user_pool_arn])
        roles = [
            "cognito-identity:DescribeIdentityPool", "cognito-identity:UpdateIdentityPool",
            "cognito-identity:SetIdentityPoolRoles", "cognito-identity:GetIdentityPoolRoles",
        ]  # fmt: skip
        may(role, roles, [self.installation.arn("cognito-identity", f"identitypool/{identities.ref}")])
        people = iam.Role(
            self,
            "PeopleRole",
            role_name=self.installation.named("dashboards"),
            description="What a person who signed in may do: ask OpenSearch",
            assumed_by=iam.FederatedPrincipal(
                "cognito-identity.amazonaws.com",
                {
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": identities.ref},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
        )
        may(people, ["es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete"], [f"{self.arn}/*"])
        may(role, ["iam:PassRole"], [people.role_arn])
        cognito.CfnIdentityPoolRoleAttachment(
            self, "Attached", identity_pool_id=identities.ref, roles={"authenticated": people.role_arn}
        )
        self.people = people
        return opensearch.CognitoOptions(
            identity_pool_id=identities.ref, role=role, user_pool_id=pool.user_pool_id
        )

    def _setup(self) -> cdk.CustomResource:
        """Put template, policy, roles and dashboards in place whenever one of them changes."""
        place, profile = Construct(self, "Setup"), self.installation.profile
        name = self.installation.named("search-setup")
        group = log_group(place, f"/aws/lambda/{name}", self.installation, self.identity.key)
        may(self.keeper, INTERFACES, ["*"])
        may(self.keeper, ["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])
        may(
            self.keeper,
            ["es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut"],
            [f"{self.arn}/*"],
        )
        function = lambda_.Function(
            place,
            "Function",
            function_name=name,
            description="Index template, retention, roles and dashboards of OpenSearch",
            runtime=lambda_.Runtime.PYTHON_3_12,
            code=setup_code(),
            handler="setup.search.handler",
            role=self.keeper,
            timeout=cdk.Duration.minutes(5),
            log_group=group,
            vpc=self.network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        )
        acknowledge(function, "AwsSolutions-L1", "the same Python as every function of ours")
        self.domain.connections.allow_default_port_from(function)
        resource = cdk.CustomResource(
            place,
            "State",
            service_token=function.function_arn,
            resource_type="Custom::SearchSetup",
            properties={
                "Endpoint": self.domain.domain_endpoint,
                "People": self.people.role_arn,
                "Index": ALIAS,
                "Template": json.dumps(index_template(replicas=min(1, profile.search_nodes - 1))),
                "Policy": json.dumps(age_policy(keep_days=profile.search_days)),
                "Dashboards": saved_objects(),
            },
        )
        resource.node.add_dependency(self.keeper)
        return resource
