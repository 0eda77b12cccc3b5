"""Assets as CDK takes them: made when the templates are, without Docker, and what scripts and jobs need."""

import sys
from pathlib import Path

import aws_cdk as cdk
import jsii
from aws_cdk import aws_lambda as lambda_

from infra.assets import ASSETS, ROOT, build
from infra.installation import Installation

__all__ = ["code", "setup_code"]


@jsii.implements(cdk.ILocalBundling)
class _Local:
    """Lets CDK call ``build`` where it would start a container."""

    def __init__(self, name: str, installation: Installation) -> None:
        self.name = name
        self.installation = installation

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        size = build(
            self.name,
            Path(output_dir),
            architecture=self.installation.architecture,
            settings=self.installation.settings,
        )
        limit = ASSETS[self.name].limit_mib
        sys.stderr.write(f"asset {self.name}: {size:.1f} MiB unpacked of {limit}\n")
        return True


def code(name: str, installation: Installation) -> lambda_.Code:
    """Return the code of the functions that run on an asset; the same for all of them, so built once."""
    source = str(ROOT / "footfall")
    if not installation.bundle:
        return lambda_.Code.from_asset(source, exclude=["**/__pycache__", "apps/console/static"])
    return lambda_.Code.from_asset(
        source,
        asset_hash_type=cdk.AssetHashType.OUTPUT,
        bundling=cdk.BundlingOptions(
            image=cdk.DockerImage.from_registry("unused"),
            local=_Local(name, installation),
            command=[name, installation.architecture],
        ),
    )


def setup_code() -> lambda_.Code:
    """Return the code of custom resources: ``infra/setup`` as the package ``setup``."""
    return lambda_.Code.from_asset(
        str(ROOT / "infra"), exclude=["*", "!setup", "!setup/*.py"], ignore_mode=cdk.IgnoreMode.GIT
    )
