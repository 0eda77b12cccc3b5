"""The CDK app as a whole: it synthesizes without findings, and builds what the profile says."""

import json

import pytest
from infra_templates import VARIANTS, need_cdk, python, resources, synthesized

from footfall.core.aws.alarms import alarms_of
from footfall.core.aws.endpoints import endpoints_of
from footfall.core.aws.profiles import ARCHITECTURES, PROFILES

STACKS = {
    "dev": "identity ingest lake ops workflow",
    "small": "identity ingest lake ops stream workflow",
    "everything": (
        "console edge identity ingest lake logs network ops simulator stream warehouse workflow"
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_stacks_are_those_of_the_profile(variant: str) -> None:
    built = sorted(path.name.split(".")[0] for path in synthesized(variant).glob("*.template.json"))
    assert built == [f"footfall-{name}" for name in STACKS[variant].split()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_cfn_lint_finds_nothing(variant: str) -> None:
    paths = sorted(map(str, synthesized(variant).glob("*.template.json")))
    done = python("-c", "import sys; from cfnlint.runner.cli import main; sys.exit(main())", "-t", *paths)
    assert done.returncode == 0, done.stdout


def test_a_bad_profile_is_told_before_anything_is_made() -> None:
    need_cdk()
    done = python("-m", "infra.app", "--profile=dev", "--set=shard=2", "--set=edge=perhaps")
    assert done.returncode != 0
    assert "did you mean shards" in done.stderr
    assert "edge is 'perhaps'" in done.stderr


def test_every_architecture_is_given_by_its_settings() -> None:
    need_cdk()
    script = """
import json, sys
from pathlib import Path
from footfall.core.aws.profiles import ARCHITECTURES, profile
from infra.app import build
from infra.installation import Installation
built = {}
for name, each in ARCHITECTURES.items():
    chosen = Installation(
        profile("dev", each.settings), Path("infra/example.toml"), bundle=False, quicksight_user="arn:x"
    )
    app = build(chosen, Path(sys.argv[1]) / name)
    built[name] = [child.node.id.removeprefix("footfall-") for child in app.node.children]
print(json.dumps(built))
"""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = python("-c", script, folder)
    assert done.returncode == 0, done.stderr[-3_000:]
    built = json.loads(done.stdout.splitlines()[-1])
    for name, architecture in ARCHITECTURES.items():
        assert set(architecture.stacks) <= set(built[name]), name


@pytest.mark.parametrize(("variant", "profile"), [("dev", "dev"), ("small", "small")])
def test_every_alarm_of_the_profile_is_built_and_tells_the_topic(variant: str, profile: str) -> None:
    made = {
        each.properties["AlarmName"]: each.properties
        for each in resources(variant, "AWS::CloudWatch::Alarm")
    }
    assert set(made) == {f"footfall-{alarm.name}" for alarm in alarms_of(PROFILES[profile])}
    assert all(each["AlarmActions"] and each["AlarmDescription"] for each in made.values())
    watched = {
        value["Value"]
        for each in made.values()
        for value in each["Dimensions"]
        if value["Name"] == "FunctionName"
    }
    functions = {
        each.properties["FunctionName"]
        for each in resources(variant, "AWS::Lambda::Function")
        if "FunctionName" in each.properties
    }
    assert watched == functions


def test_only_what_needs_a_network_gets_one_and_there_is_no_nat() -> None:
    for variant in ("dev", "small"):
        assert not list(resources(variant, "AWS::EC2::"))
    assert not list(resources("everything", "AWS::EC2::NatGateway"))
    endpoints = list(resources("everything", "AWS::EC2::VPCEndpoint"))
    interfaces = [each for each in endpoints if each.properties["VpcEndpointType"] == "Interface"]
    from footfall.core.aws.profiles import profile

    wanted = endpoints_of(profile("large", {"console": "true", "simulator": "true"}))
    assert len(interfaces) == len(wanted)
    assert len(endpoints) - len(interfaces) == 2


def test_the_budget_is_the_profiles() -> None:
    (budget,) = resources("small", "AWS::Budgets::Budget")
    assert budget.properties["Budget"]["BudgetLimit"] == {
        "Amount": PROFILES["small"].budget_usd,
        "Unit": "USD",
    }
