"""The house rules that no linter has: sizes of rooms, honest names, a light front door."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "footfall").rglob("*.py"))
INFRA = sorted((ROOT / "infra").rglob("*.py"))
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
HEAVY = ("duckdb", "pyarrow", "numpy", "litestar", "granian", "sqlglot", "boto3", "rich", "cyclopts")
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", [*MODULES, *INFRA], ids=name_of)
def test_no_room_is_too_large(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", [*MODULES, *INFRA], ids=name_of)
def test_a_module_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__main__.py"], ids=name_of)
def test_what_a_module_offers_is_there(path: Path) -> None:
    module = importlib.import_module(name_of(path))
    offered = getattr(module, "__all__", ())
    assert len(set(offered)) == len(offered)
    for name in offered:
        assert hasattr(module, name), f"{name_of(path)}.__all__ names {name}, which is not there"


def test_import_footfall_is_light() -> None:
    script = f"import sys, footfall; print([m for m in {HEAVY!r} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_collector_never_loads_the_analytics() -> None:
    script = (
        "import sys, footfall.apps.collector.app; "
        "print([m for m in ('duckdb', 'pyarrow', 'numpy', 'litestar', 'sqlglot') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_no_registry_host_and_no_machine_path_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    assert not {"uv.lock", "poetry.lock"} & set(listed.stdout.split())
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "://" not in path.read_text(encoding="utf-8")
