"""The Terraform module: written as terraform fmt does, valid, and planned against a stand-in of AWS."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from aws_servers import moto
from conftest import missing
from infra_templates import ROOT, need_cdk, synthesized

MODULE = ROOT / "infra" / "terraform"
PLUGINS = Path("/opt/tf-plugins")


def terraform(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "cli.tfrc"
    settings.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{PLUGINS}"\n  }}\n}}\n'
    )
    environ = {**os.environ, "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1", **more}
    command = ["terraform", f"-chdir={folder / 'infra' / 'terraform'}", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the module, and what it reads, to where it may be initialised."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    if not PLUGINS.is_dir():
        pytest.skip(f"the AWS provider is not in {PLUGINS}")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copytree(MODULE, folder / "infra" / "terraform", ignore=shutil.ignore_patterns(".terraform*"))
    shutil.copytree(ROOT / "infra" / "asl", folder / "infra" / "asl")
    done = terraform(folder, "init", "-input=false", "-no-color")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_can_be_read() -> None:
    try:
        import hcl2
    except ImportError:
        missing("python-hcl2 is not installed: pip install -r requirements/infra.txt")
    for path in MODULE.glob("*.tf"):
        with path.open(encoding="utf-8") as file:
            assert hcl2.load(file), path.name


def test_it_is_valid_and_formatted(module: Path) -> None:
    assert terraform(module, "fmt", "-check", "-recursive").returncode == 0
    done = terraform(module, "validate", "-json")
    assert json.loads(done.stdout)["diagnostics"] == []


def test_the_plan_makes_the_workflow_and_deploys_the_stacks(module: Path, tmp_path: Path) -> None:
    need_cdk()
    from infra.gather import gather

    templates = tmp_path / "templates"
    shutil.copytree(synthesized("dev"), templates)
    gather(templates)
    with moto() as url:
        words = ("-input=false", "-no-color", f"-var=templates={templates}", f"-out={tmp_path / 'plan'}")
        done = terraform(module, "plan", *words, AWS_ENDPOINT_URL=url)
        assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
        shown = terraform(module, "show", "-json", str(tmp_path / "plan"), AWS_ENDPOINT_URL=url)
    planned = json.loads(shown.stdout)["resource_changes"]
    made = [each["address"] for each in planned if each["change"]["actions"] == ["create"]]
    assert "aws_sfn_state_machine.workflow" in made
    assert {f'aws_lambda_function.steps["{door}"]' for door in ("ingest", "process", "write")} <= set(made)
    assert [each for each in made if each.startswith("aws_cloudformation_stack.")] == [
        f"aws_cloudformation_stack.{name}" for name in ("identity", "ingest", "lake", "ops")
    ]
