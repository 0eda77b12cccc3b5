"""console: a container on Fargate behind a load balancer that lets in only whom Cognito knows."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as certificates
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_elasticloadbalancingv2_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.installation import Installation
from infra.permissions import acknowledge, may
from infra.stacks.identity import IdentityStack
from infra.stacks.lake import LakeStack
from infra.stacks.network import NetworkStack
from infra.storage import log_group

__all__ = ["ConsoleStack"]

PORT = 8001


class ConsoleStack(cdk.Stack):
    """Needs an image in the account's ECR (``REPOSITORY:TAG``), a domain and its certificate.

    The container may ask Athena; the balancer asks Cognito before it passes a request on.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        identity: IdentityStack,
        lake: LakeStack,
        network: NetworkStack,
    ) -> None:
        super().__init__(scope, id_, description="footfall: console on Fargate behind Cognito")
        self.installation, self.network, self.lake = installation, network, lake
        service = self._service()
        self.balancer = balancing.ApplicationLoadBalancer(
            self,
            "Balancer",
            load_balancer_name=installation.named("console"),
            vpc=network.vpc,
            internet_facing=True,
            drop_invalid_header_fields=True,
            deletion_protection=installation.profile.protected,
        )
        acknowledge(
            self.balancer, "AwsSolutions-EC23", "people reach the console from anywhere; Cognito asks who"
        )
        acknowledge(
            self.balancer,
            "AwsSolutions-ELB2",
            "its log would hold people's addresses; the console logs calls",
        )
        listener = self.balancer.add_listener(
            "Https",
            port=443,
            protocol=balancing.ApplicationProtocol.HTTPS,
            ssl_policy=balancing.SslPolicy.RECOMMENDED_TLS,
            certificates=[
                certificates.Certificate.from_certificate_arn(self, "Certificate", installation.certificate)
            ],
            open=True,
            default_action=balancing.ListenerAction.fixed_response(403),
        )
        group = balancing.ApplicationTargetGroup(
            self,
            "Target",
            vpc=network.vpc,
            port=PORT,
            protocol=balancing.ApplicationProtocol.HTTP,
            targets=[service],
            health_check=balancing.HealthCheck(path="/healthz"),
        )
        listener.add_action("SignIn", action=self._sign_in(identity, group), priority=1, conditions=[
            balancing.ListenerCondition.path_patterns(["/*"])
        ])  # fmt: skip

    def _sign_in(
        self, identity: IdentityStack, group: balancing.ApplicationTargetGroup
    ) -> balancing.ListenerAction:
        assert identity.pool is not None, "the identity stack makes a pool for the console"  # noqa: S101
        pool = cognito.UserPool.from_user_pool_id(self, "People", identity.pool.user_pool_id)
        client = cognito.UserPoolClient(
            self,
            "Client",
            user_pool=pool,
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[f"https://{self.installation.domain}/oauth2/idpresponse"],
            ),
        )
        domain = cognito.UserPoolDomain.from_domain_name(
            self, "SignInPage", f"{self.installation.name}-{self.account}"
        )
        return actions.AuthenticateCognitoAction(
            user_pool=pool,
            user_pool_client=client,
            user_pool_domain=domain,
            session_timeout=cdk.Duration.hours(8),
            next=balancing.ListenerAction.forward([group]),
        )

    def _service(self) -> ecs.FargateService:
        named = self.installation
        cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=named.name,
            vpc=self.network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        repository, _, tag = named.image.partition(":")
        address = f"{self.account}.dkr.ecr.{self.region}.{self.url_suffix}/{repository}:{tag or 'latest'}"
        puller, asker = (
            iam.Role(
                self,
                part,
                role_name=named.named(f"console-{part.lower()}"),
                assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
            )
            for part in ("Puller", "Asker")
        )
        may(puller, ["ecr:GetAuthorizationToken"], ["*"])
        pulls = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        may(puller, pulls, [named.arn("ecr", f"repository/{repository}")])
        self.lake.asks(asker)
        may(asker, ["kms:Decrypt", "kms:GenerateDataKey"], [self.lake.identity.key.key_arn])
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=512,
            memory_limit_mib=1_024,
            execution_role=puller,
            task_role=asker,
            runtime_platform=ecs.RuntimePlatform(cpu_architecture=ecs.CpuArchitecture.ARM64),
        )
        group = log_group(self, f"/aws/ecs/{named.named('console')}", named, self.lake.identity.key)
        may(puller, ["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])
        task.add_container(
            "Console",
            image=ecs.ContainerImage.from_registry(address),
            logging=ecs.LogDrivers.aws_logs(stream_prefix="console", log_group=group),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            command=["footfall", "console", "--engine", "athena"],
            readonly_root_filesystem=True,
        )
        return ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=1,
            assign_public_ip=False,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            min_healthy_percent=100,
        )
