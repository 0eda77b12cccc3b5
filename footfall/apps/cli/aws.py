"""``footfall aws``: the CDK app of ``infra/`` made, compared, deployed, taken down; and what it costs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

import footfall
from footfall.apps.cli.output import Output, console, notes, print_rows
from footfall.core.aws.cost import Traffic, bill, total
from footfall.core.aws.prices import AS_OF, PRICES, REGION
from footfall.core.aws.profiles import PROFILES, profile
from footfall.errors import AwsFailed, AwsNotReady, BadSettings

__all__ = ["cost", "deploy", "destroy", "diff", "outputs", "synth"]

ROOT = Path(footfall.__file__).parents[1]
CDK = "aws-cdk@2.1147.0"  # newer majors cannot read what this aws-cdk-lib writes
BESIDE = "For comparison: awslabs' clickstream solution is at about 162 USD a month at the least."

Changes = Annotated[list[str] | None, Parameter(name="--set", negative="")]


@Parameter(name="*")
@dataclass(frozen=True)
class Chosen:
    """What is built."""

    profile: str = "dev"
    """Sizes: dev, small or large."""
    set_: Changes = None
    """A row of the profile as name=value; may be repeated."""
    settings: Path = Path("footfall.toml")
    """The footfall.toml with your apps; it goes into the functions."""
    name: str = "footfall"
    """Name of the installation: the beginning of every name in the account."""
    email: str = ""
    """Who is told by alarms and budget."""
    domain: str = ""
    """First-party name of the edge, or the console's."""
    certificate: str = ""
    """ARN of the domain's certificate (us-east-1)."""
    quicksight_user: str = ""
    """ARN of the QuickSight user who gets the dashboard."""
    image: str = ""
    """The console's image in ECR, REPOSITORY:TAG."""
    write_key: str = ""
    """What the simulator shows."""
    out: Path = Path("cdk.out")
    """Folder for templates and bundles."""


def synth(
    *,
    chosen: Chosen | None = None,
    plain: Annotated[bool, Parameter(negative="")] = False,
    bundle: bool = True,
) -> None:
    """Write the CloudFormation templates, checked by cdk-nag; needs node, and no AWS account.

    Examples:
      footfall aws synth --profile dev --settings footfall.toml
      footfall aws synth --profile small --set search_nodes=1 --plain --out templates

    Parameters
    ----------
    plain: bool
        For deploying without CDK: bundles are looked up in the bucket NAME-assets-ACCOUNT-REGION.
    bundle: bool
        Build the functions' bundles too; without them templates can be read but not deployed.
    """
    chosen = chosen or Chosen()
    _synth(chosen, [*(["--plain"] if plain else []), *([] if bundle else ["--no-bundle"])])
    for path in sorted(chosen.out.glob("*.template.json")):
        console.print(str(path), markup=False)


def diff(*, chosen: Chosen | None = None) -> None:
    """Show what a deployment would change in the account.

    Example: footfall aws diff --profile small
    """
    chosen = chosen or Chosen()
    _credentials()
    _synth(chosen)
    _cdk("diff", chosen)


def deploy(*, chosen: Chosen | None = None, yes: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Build the platform in the AWS account that the environment names, or bring it up to date.

    Example: footfall aws deploy --profile dev --email me@shop.example

    Parameters
    ----------
    yes: bool
        Don't ask before rights are widened.
    """
    chosen = chosen or Chosen()
    if profile(chosen.profile, _changes(chosen.set_)).console:
        hint = "Leave console=false, and ask the lake with Athena or QuickSight"
        raise AwsNotReady(what="a console that asks Athena", hint=hint)
    _credentials()
    _synth(chosen)
    _cdk("deploy", chosen, ["--all", "--require-approval", "never" if yes else "broadening"])


def destroy(*, chosen: Chosen | None = None, yes: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Take the stacks down. Buckets, tables and keys of protected profiles stay, and go on costing.

    Example: footfall aws destroy --profile dev

    Parameters
    ----------
    yes: bool
        Don't ask.
    """
    chosen = chosen or Chosen()
    _credentials()
    _synth(chosen, ["--no-bundle"])
    _cdk("destroy", chosen, ["--all", *(["--force"] if yes else [])])


def outputs(*, name: str = "footfall", output: Output | None = None) -> None:
    """Print what the deployed stacks say of themselves: addresses, mostly.

    Example: footfall aws outputs

    Parameters
    ----------
    name: str
        The installation's name.
    """
    from footfall.adapters.aws.clients import client
    from footfall.adapters.aws.stacks import outputs_of

    _credentials()
    told = outputs_of(name, client("cloudformation"))
    rows = [list(each) for each in told if not each.name.startswith("Exports")]
    print_rows(["stack", "output", "value"], rows, (output or Output()).format)


def cost(
    *,
    events_per_day: int = 1_000_000,
    events_per_request: float = 1.0,
    profile_: Annotated[str | None, Parameter(name="--profile")] = None,
    set_: Changes = None,
    output: Output | None = None,
) -> None:
    """Forecast the monthly bill from measured payloads and a dated price table.

    Examples:
      footfall aws cost --events-per-day 10000000
      footfall aws cost --events-per-day 10000000 --profile small --set search_nodes=1

    Parameters
    ----------
    events_per_day: int
        Events a day; 0 is what an idle installation costs.
    events_per_request: float
        How many come in one request: browsers send most alone, servers many.
    profile_: str
        One profile, line by line; without it all three, by service.
    set_: list[str]
        A row of the profile as name=value; may be repeated.
    """
    if events_per_day < 0 or events_per_request < 1:
        raise BadSettings(problems="--events-per-day is 0 or more, --events-per-request 1 or more")
    output, traffic = output or Output(), Traffic(events_per_day, events_per_request)
    names = [profile_] if profile_ else list(PROFILES)
    bills = {name: bill(profile(name, _changes(set_)), traffic) for name in names}
    if profile_:
        rows: list[list[object]] = [
            [line.service, line.what, line.quantity, PRICES[line.price].unit, round(line.usd, 2)]
            for line in bills[profile_]
        ]
        rows.append(["", "sum", None, "", round(total(bills[profile_]), 2)])
        print_rows(["service", "what", "quantity", "unit", "usd"], rows, output.format)
    else:
        services = sorted({line.service for lines in bills.values() for line in lines})
        rows = [
            [each, *(round(total([i for i in bills[n] if i.service == each]), 2) for n in names)]
            for each in services
        ]
        rows.append(["sum", *(round(total(bills[name]), 2) for name in names)])
        print_rows(["service", *names], rows, output.format)
    notes.print(f"USD a month, list prices of {REGION} as of {AS_OF}: check them. {BESIDE}", markup=False)


def _changes(pairs: Sequence[str] | None) -> dict[str, str]:
    wrong = [pair for pair in pairs or [] if "=" not in pair]
    if wrong:
        raise BadSettings(problems=f"--set {', '.join(wrong)} has no value; write --set name=value")
    return dict(pair.split("=", 1) for pair in pairs or [])


def _synth(chosen: Chosen, more: Sequence[str] = ()) -> None:
    """Run the app in a process of its own: it starts node, and takes ten seconds."""
    profile(chosen.profile, _changes(chosen.set_))
    if not (ROOT / "infra" / "app.py").is_file():
        raise AwsNotReady(what="the CDK app (infra/)", hint="Run it from a checkout of the project")
    if find_spec("aws_cdk") is None or find_spec("cdk_nag") is None:
        raise AwsNotReady(what="AWS CDK", hint="Run: pip install -r requirements/infra.txt")
    if shutil.which("node") is None:
        raise AwsNotReady(what="node", hint="Install Node.js 22 or newer: CDK is written for it")
    if not chosen.settings.is_file():
        raise AwsNotReady(
            what=f"{chosen.settings} with your apps, keys and origins",
            hint="Copy infra/example.toml, edit it, and name it with --settings",
        )
    words = [f"--profile={chosen.profile}", f"--settings={chosen.settings.resolve()}"]
    words += [f"--out={chosen.out.resolve()}", f"--name={chosen.name}"]
    for word in ("email", "domain", "certificate", "quicksight_user", "image", "write_key"):
        if value := getattr(chosen, word):
            words.append(f"--{word.replace('_', '-')}={value}")
    words += [f"--set={pair}" for pair in chosen.set_ or []]
    _run([sys.executable, "-m", "infra.app", *words, *more], "Read the findings; each names its construct")


def _cdk(verb: str, chosen: Chosen, more: Sequence[str] = ()) -> None:
    npx = shutil.which("npx")
    if npx is None:
        raise AwsNotReady(what="npx", hint="Install npm, which comes with Node.js")
    hint = 'A new account needs "npx aws-cdk bootstrap" once; else read what CloudFormation said'
    _run([npx, "--yes", CDK, verb, "--app", str(chosen.out.resolve()), *more], hint)


def _run(command: Sequence[str], hint: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - our own words, no shell
    if done.returncode:
        raise AwsFailed(call=" ".join(command[:4]), code=done.returncode, hint=hint)


def _credentials() -> None:
    """Raise AwsNotReady where no rights are found, before ten seconds are spent on templates."""
    try:
        from botocore.session import get_session  # type: ignore[import-untyped]
    except ImportError as error:
        raise AwsNotReady(what="botocore", hint='Run: pip install "footfall[aws]"') from error
    session = get_session()
    if session.get_credentials() is None:
        raise AwsNotReady(
            what="an AWS account (no credentials were found)",
            hint="Run aws configure sso and aws sso login, or set AWS_PROFILE",
        )
    if not (session.get_config_variable("region") or os.environ.get("AWS_REGION")):
        raise AwsNotReady(what="a region", hint="Set AWS_REGION, such as us-east-1")
