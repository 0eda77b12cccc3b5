"""The app: an installation's stacks, in the order in which they are deployed, checked by cdk-nag.

Run it as ``python -m infra.app`` from the project's folder, or through ``footfall aws``.
"""

import argparse
from pathlib import Path

# CDK's defaults for new apps, where they change what our templates say.
CONTEXT = {
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": False,
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/aws-kms:aliasNameRef": True,
    "aws-cdk:enableDiffNoFail": True,
    "@aws-cdk/core:validateAgainstDefaultRules": True,
}

import aws_cdk as cdk  # noqa: E402
import cdk_nag  # noqa: E402

from footfall.core.aws.profiles import profile as chosen_profile  # noqa: E402
from infra.gather import gather  # noqa: E402
from infra.installation import Installation  # noqa: E402
from infra.stacks.console import ConsoleStack  # noqa: E402
from infra.stacks.edge import EdgeStack  # noqa: E402
from infra.stacks.identity import IdentityStack  # noqa: E402
from infra.stacks.ingest import IngestStack  # noqa: E402
from infra.stacks.lake import LakeStack  # noqa: E402
from infra.stacks.logs import LogsStack  # noqa: E402
from infra.stacks.network import NetworkStack  # noqa: E402
from infra.stacks.ops import OpsStack  # noqa: E402
from infra.stacks.simulator import SimulatorStack  # noqa: E402
from infra.stacks.stream import StreamStack  # noqa: E402
from infra.stacks.warehouse import WarehouseStack  # noqa: E402
from infra.stacks.workflow import WorkflowStack  # noqa: E402

__all__ = ["build", "main"]


def build(installation: Installation, out: Path | None = None, *, plain: bool = False) -> cdk.App:
    """Return the app with every stack that the profile asks for; ``synth`` writes it to ``out``.

    ``plain`` templates are deployed by CloudFormation alone (or Terraform): they look for bundles in a
    bucket of the installation's, and not where CDK's bootstrap would have put them.
    """
    bucket = f"{installation.name}-assets-${{AWS::AccountId}}-${{AWS::Region}}"
    app = cdk.App(
        outdir=str(out) if out else None,
        context=CONTEXT,
        analytics_reporting=False,
        default_stack_synthesizer=cdk.DefaultStackSynthesizer(
            file_assets_bucket_name=bucket, generate_bootstrap_version_rule=False
        )
        if plain
        else None,
    )
    name = installation.name
    identity = IdentityStack(app, f"{name}-identity", installation)
    network = (
        NetworkStack(app, f"{name}-network", installation, identity) if installation.networked else None
    )
    lake = LakeStack(app, f"{name}-lake", installation, identity)
    stream = None
    if installation.profile.ingest == "stream":
        stream = StreamStack(app, f"{name}-stream", installation, lake, network)
    ingest = IngestStack(app, f"{name}-ingest", installation, lake, stream.records if stream else None)
    if identity.edge:
        EdgeStack(app, f"{name}-edge", installation, ingest, identity.edge)
    OpsStack(app, f"{name}-ops", installation, identity, ingest)
    if installation.profile.workflow:
        WorkflowStack(app, f"{name}-workflow", installation, lake)
    profile = installation.profile
    if profile.warehouse_rpu or profile.quicksight:
        WarehouseStack(app, f"{name}-warehouse", installation, lake, network)
    if profile.console and network:
        ConsoleStack(app, f"{name}-console", installation, identity, lake, network)
    if profile.simulator and network:
        SimulatorStack(app, f"{name}-simulator", installation, identity, network, ingest)
    if profile.logs and network:
        LogsStack(app, f"{name}-logs", installation, lake, network)
    cdk.Tags.of(app).add("application", name)
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app, verbose=True))
    return app


def main() -> None:
    """Synthesize what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("--profile", default="dev")
    parser.add_argument("--settings", type=Path, default=Path("footfall.toml"))
    parser.add_argument("--out", type=Path, default=Path("cdk.out"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--no-bundle", action="store_true")
    for name in ("name", "email", "domain", "certificate", "quicksight-user", "image", "write-key"):
        parser.add_argument(f"--{name}", default="footfall" if name == "name" else "")
    parser.add_argument("--architecture", choices=("arm64", "x86_64"), default="arm64")
    given = vars(parser.parse_args())
    changes = dict(pair.split("=", 1) for pair in given.pop("set"))
    chosen, out = chosen_profile(given.pop("profile"), changes), given.pop("out")
    bundle, plain = not given.pop("no_bundle"), given.pop("plain")
    build(Installation(profile=chosen, bundle=bundle, **given), out, plain=plain).synth()
    if plain:
        gather(out)


if __name__ == "__main__":
    main()
