"""What one installation is: its name, its sizes, and what only its owner knows."""

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk

from footfall.core.aws.profiles import Profile

__all__ = ["Installation"]


@dataclass(frozen=True)
class Installation:
    """Handed to every stack; ``profile`` says what is built, the rest what it is called and told.

    ``settings`` is the footfall.toml with the apps, put beside the functions' code. ``bundle`` off
    leaves the functions' dependencies out: for tests of the templates, never for a deployment.
    ``image`` is the console's in ECR (REPOSITORY:TAG), ``write_key`` what the simulator shows.
    ``domain`` with ``certificate`` (ARN in us-east-1) is the first-party name of the edge.
    """

    profile: Profile
    settings: Path
    name: str = "footfall"
    email: str = ""
    domain: str = ""
    certificate: str = ""
    quicksight_user: str = ""
    image: str = ""
    write_key: str = ""
    architecture: str = "arm64"
    bundle: bool = True

    def named(self, part: str) -> str:
        """Return the physical name of a part: readable in the console, the same in every stack."""
        return f"{self.name}-{part}"

    def bucket(self, part: str) -> str:
        """Return a bucket's name, which must be unique in the world."""
        return f"{self.name}-{part}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of something of ours by its name, without tying two stacks together."""
        return f"arn:{cdk.Aws.PARTITION}:{service}:{cdk.Aws.REGION}:{cdk.Aws.ACCOUNT_ID}:{resource}"

    @property
    def removal(self) -> cdk.RemovalPolicy:
        """What becomes of data when its stack is deleted."""
        return cdk.RemovalPolicy.RETAIN if self.profile.protected else cdk.RemovalPolicy.DESTROY

    @property
    def networked(self) -> bool:
        """Whether anything needs a VPC; without one there is none to pay endpoints for."""
        p = self.profile
        return bool(p.search_nodes or p.logs or p.console or p.simulator or p.warehouse_rpu)
