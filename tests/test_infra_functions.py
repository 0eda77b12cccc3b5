"""Functions and tables: they are called, told and made of what the code itself says."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from infra_templates import ROOT, VARIANTS, need_cdk, resources, synthesized

from footfall.core.aws.outputs import SETTINGS, settings_in
from footfall.core.schema import EVENTS
from footfall.metrics import catalogue, render
from footfall.settings import Aws, setting_rows

ASL = ROOT / "infra" / "asl"


@pytest.mark.parametrize("variant", VARIANTS)
def test_variables_are_settings_and_handlers_are_files(variant: str) -> None:
    known = {row.variable for row in setting_rows()}
    for each in resources(variant, "AWS::Lambda::Function"):
        module, _, name = each.properties["Handler"].rpartition(".")
        if module.startswith("footfall."):
            told = each.properties["Environment"]["Variables"]
            assert {key for key in told if key.startswith("FOOTFALL_")} <= known
            assert name == "handler"
            assert (ROOT / (module.replace(".", "/") + ".py")).is_file(), module
            assert each.properties["Runtime"] == "python3.12"


@pytest.mark.parametrize("variant", VARIANTS)
def test_glue_has_the_columns_of_the_schema(variant: str) -> None:
    tables = {
        each.properties["TableInput"]["Name"]: each.properties["TableInput"]
        for each in resources(variant, "AWS::Glue::Table")
    }
    columns = tables["events"]["StorageDescriptor"]["Columns"]
    assert tables["events_whole"]["StorageDescriptor"] == tables["events"]["StorageDescriptor"]
    assert [each["Name"] for each in columns] == [column.name for column in EVENTS]
    assert tables["events"]["Parameters"]["projection.enabled"] == "true"
    kinds = {each["Name"]: each["Type"] for each in columns}
    assert (kinds["created_at"], kinds["is_bot"], kinds["bytes"]) == ("timestamp", "boolean", "bigint")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_stacks_tell_commands_what_they_are_made_of(variant: str) -> None:
    told: dict[str, object] = {}
    for path in synthesized(variant).glob("*.template.json"):
        outputs = json.loads(path.read_text()).get("Outputs", {})
        told |= settings_in({name: each["Value"] for name, each in outputs.items()})
    left = {"search"} if variant != "everything" else set()
    left |= {"stream", "replay_job"} if variant == "dev" else set()
    assert set(told) == set(SETTINGS) - left
    assert set(SETTINGS) <= set(Aws.__struct_fields__)
    assert told["key_secret"] == "footfall-installation-key"
    assert told["firehose"] == "footfall-rows"


def test_where_firehose_writes_is_where_athena_looks() -> None:
    need_cdk()
    from infra.tables import layout

    for way in ("hour", "datehour"):
        told = layout(way)  # type: ignore[arg-type]
        values = {"yyyy": "2026", "MM": "11", "dd": "21", "HH": "07", "yyyy/MM/dd/HH": "2026/11/21/07"}
        written = re.sub(
            r"!\{timestamp:([^}]+)\}", lambda found, values=values: values[found[1]], told.prefix
        )
        days = {"year": "2026", "month": "11", "day": "21", "hour": "07", "datehour": "2026/11/21/07"}
        looked = re.sub(r"\$\{(\w+)\}", lambda found, days=days: days[found[1]], told.template)
        assert written == looked
        assert all(
            any(key.startswith(f"projection.{each}.") for key in told.projection) for each in told.keys
        )


def test_every_metric_is_a_saved_query() -> None:
    saved = {
        each.properties["Name"]: each.properties for each in resources("dev", "AWS::Athena::NamedQuery")
    }
    assert set(saved) == set(catalogue())
    told = render(catalogue()["countries"], {}, dialect="trino", table="events_whole")
    assert saved["countries"]["QueryString"] == told
    assert saved["funnel"]["Description"] == catalogue()["funnel"].question


def test_redshift_has_a_view_for_all_but_what_it_cannot_say() -> None:
    need_cdk()
    import sqlglot

    from infra.redshift import LEFT_OUT, views
    from infra.tables import WHOLE

    made = dict(views())
    assert set(made) == set(catalogue()) - set(LEFT_OUT)
    for name, sql in made.items():
        sqlglot.parse_one(sql, read="redshift")
        assert f"lake.{WHOLE}" in sql, name
        assert "EPOCH_US" not in sql.upper()
        assert not re.search(r"\bLIST_|\bLAMBDA\b|->", sql, re.IGNORECASE), name


@pytest.mark.parametrize("path", sorted(ASL.glob("*.json")), ids=lambda path: path.stem)
def test_every_step_is_retried_with_jitter_and_its_failure_caught(path: Path) -> None:
    machine = json.loads(path.read_text())
    states = machine["States"]
    named = {machine["StartAt"]}
    for state in states.values():
        named |= {state["Next"]} if "Next" in state else set()
        named |= {catch["Next"] for catch in state.get("Catch", [])}
    assert named == set(states)
    for name, state in states.items():
        if state["Type"] == "Task" and name not in ("KeepForRedrive", "Tell"):
            assert [catch["ErrorEquals"] for catch in state["Catch"]] == [["States.ALL"]], name
        assert all(retry["JitterStrategy"] == "FULL" for retry in state.get("Retry", [])), name


@given(st.integers(0, 10**13))
def test_the_firewall_refuses_bodies_over_a_mebibyte_and_no_others(length: int) -> None:
    need_cdk()
    from infra.firewall import OVER_ONE_MIB

    assert bool(re.search(OVER_ONE_MIB, str(length))) is (length > 2**20)


@pytest.mark.parametrize(
    "length", [2**20 - 1, 2**20, 2**20 + 1, 1_049_999, 1_050_000, 1_099_999, 1_100_000, 9_999_999]
)
def test_the_firewalls_limit_is_exact(length: int) -> None:
    need_cdk()
    from infra.firewall import OVER_ONE_MIB

    assert bool(re.search(OVER_ONE_MIB, str(length))) is (length > 2**20)
