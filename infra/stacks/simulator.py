"""simulator: a machine that sends simulated people to the deployed address, and ends itself."""

import shlex

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.assets import ROOT
from infra.installation import Installation
from infra.permissions import acknowledge, may
from infra.stacks.identity import IdentityStack
from infra.stacks.ingest import IngestStack
from infra.stacks.network import NetworkStack

__all__ = ["SimulatorStack"]

SOURCE = ["pyproject.toml", "README.md", "LICENSE", "NOTICE"]
PEOPLE, DAYS, RATE = 2_000, 7, 50
IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


class SimulatorStack(cdk.Stack):
    """Deploy it again for another run; the instance is gone when the events are sent."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        installation: Installation,
        identity: IdentityStack,
        network: NetworkStack,
        ingest: IngestStack,
    ) -> None:
        super().__init__(scope, id_, description="footfall: simulated people")
        source = assets.Asset(
            self,
            "Source",
            path=str(ROOT),
            ignore_mode=cdk.IgnoreMode.GIT,
            exclude=["*", *(f"!{name}" for name in SOURCE), "!footfall/", "!footfall/**", "**/__pycache__"],
        )
        role = iam.Role(
            self,
            "Role",
            role_name=installation.named("simulator"),
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="The simulator reads its own code, and nothing else of ours",
        )
        read = f"arn:{self.partition}:s3:::{source.s3_bucket_name}/{source.s3_object_key}"
        may(role, ["s3:GetObject"], [read])
        out = ec2.SecurityGroup(
            self, "Out", vpc=network.vpc, description="HTTPS out, nothing in", allow_all_outbound=False
        )
        out.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "the collector and the package index")
        machine = ec2.Instance(
            self,
            "Machine",
            vpc=network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            associate_public_ip_address=True,
            instance_type=ec2.InstanceType("t4g.small"),
            machine_image=ec2.MachineImage.from_ssm_parameter(IMAGE),
            security_group=out,
            role=role,
            require_imdsv2=True,
            detailed_monitoring=True,
            instance_initiated_shutdown_behavior=ec2.InstanceInitiatedShutdownBehavior.TERMINATE,
            user_data=ec2.UserData.custom(
                self._script(source, f"https://{ingest.host}", installation.write_key)
            ),
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(10, encrypted=True, kms_key=identity.key),
                )
            ],
        )
        acknowledge(machine, "AwsSolutions-EC29", "it ends itself when it is done")

    def _script(self, source: assets.Asset, address: str, write_key: str) -> str:
        """Return what the machine does: install, send, shut down, also after a failure."""
        key = f" --write-key {shlex.quote(write_key)}" if write_key else ""
        return "\n".join(
            (
                "#!/bin/bash",
                "trap 'shutdown -h now' EXIT",
                "set -euo pipefail",
                "dnf install -y -q python3.12 python3.12-pip unzip",
                f"aws s3 cp --quiet s3://{source.s3_bucket_name}/{source.s3_object_key} /root/footfall.zip",
                "unzip -q /root/footfall.zip -d /root/footfall",
                "python3.12 -m venv /root/venv",
                "/root/venv/bin/pip install --quiet /root/footfall",
                f"timeout 6h /root/venv/bin/footfall simulate --users {PEOPLE} --days {DAYS} --seed 1"
                f" --url {address} --rate {RATE}{key}",
            )
        )
