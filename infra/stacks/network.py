"""network: a VPC without a way to the internet, and the doors that its parts need."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from footfall.core.aws.endpoints import endpoints_of
from infra.installation import Installation
from infra.permissions import acknowledge
from infra.stacks.identity import IdentityStack
from infra.storage import log_group

__all__ = ["NetworkStack"]

Interface = ec2.InterfaceVpcEndpointAwsService


class NetworkStack(cdk.Stack):
    """``vpc`` has isolated subnets; public ones only where something is reached or reaches out.

    There is no NAT: S3 and DynamoDB go through gateway endpoints, the rest through others.
    """

    def __init__(
        self, scope: Construct, id_: str, installation: Installation, identity: IdentityStack
    ) -> None:
        super().__init__(scope, id_, description="footfall: private network")
        profile = installation.profile
        isolated = ec2.SubnetConfiguration(
            name="private", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=22
        )
        public = ec2.SubnetConfiguration(
            name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=26, map_public_ip_on_launch=False
        )
        # Redshift Serverless wants three zones; nothing else does.
        zones = 3 if profile.warehouse_rpu else 2
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            vpc_name=installation.name,
            ip_addresses=ec2.IpAddresses.cidr("10.40.0.0/16"),
            availability_zones=[cdk.Fn.select(zone, cdk.Fn.get_azs()) for zone in range(zones)],
            nat_gateways=0,
            subnet_configuration=[isolated, public] if profile.console or profile.simulator else [isolated],
            restrict_default_security_group=False,
        )
        self._flow_log(installation, identity)
        private = [ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)]
        for name in ("S3", "DYNAMODB"):
            self.vpc.add_gateway_endpoint(
                name.title(), service=getattr(ec2.GatewayVpcEndpointAwsService, name), subnets=private
            )
        self._endpoints(installation)

    def _flow_log(self, installation: Installation, identity: IdentityStack) -> None:
        group = log_group(
            Construct(self, "FlowLog"), f"/aws/vpc/{installation.name}", installation, identity.key
        )
        self.vpc.add_flow_log(
            "Refused",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    def _endpoints(self, installation: Installation) -> None:
        wanted = endpoints_of(installation.profile)
        if not wanted:
            return
        self.inside = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="HTTPS from the VPC to the endpoints of AWS services",
            allow_all_outbound=False,
        )
        self.inside.add_ingress_rule(ec2.Peer.ipv4(self.vpc.vpc_cidr_block), ec2.Port.tcp(443), "HTTPS")
        acknowledge(
            self.inside, "AwsSolutions-EC23", "the only peer is the VPC's own range, which is a token"
        )
        for door in wanted:
            self.vpc.add_interface_endpoint(
                door.name,
                service=getattr(Interface, door.service),
                private_dns_enabled=True,
                open=False,
                security_groups=[self.inside],
                subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets[:2]),
            )
