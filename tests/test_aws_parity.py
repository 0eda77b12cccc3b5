"""Two paths compared: what differs is found; the sample is what it says; a bundle is all that is seen."""

import json
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from conftest import missing
from hypothesis import given
from hypothesis import strategies as st

from footfall.testing.aws.comparison import as_document, as_item, by_id, compare
from footfall.testing.aws.function import Bundle, FunctionFailed, lambda_function
from footfall.testing.aws.runtime_packages import link_runtime
from footfall.testing.aws.sample import FORBIDDEN, make_sample

ROWS = st.dictionaries(st.text(max_size=3), st.integers(0, 2), max_size=6)


@given(ROWS, ROWS)
def test_what_is_missing_or_too_much_or_different_is_counted(expected: dict, found: dict) -> None:
    told = compare("store", "rows", expected, found)
    shared = expected.keys() & found.keys()
    assert (told.expected, told.found) == (len(expected), len(found))
    assert told.missing == len(expected) - len(shared)
    assert told.unexpected == len(found) - len(shared)
    assert told.different == sum(expected[key] != found[key] for key in shared)
    assert told.equal == (expected == found)
    assert bool(told.example) != told.equal


def test_the_first_difference_is_shown_by_its_columns() -> None:
    told = compare("lake", "events", {"a": {"x": 1, "y": 2}}, {"a": {"x": 1, "y": 3}})
    assert told.example == "a: y: 2 / 3"


def test_an_event_that_stands_twice_is_no_row() -> None:
    with pytest.raises(AssertionError, match="twice"):
        by_id(pa.table({"event_id": ["a", "a"]}))


def test_rows_are_compared_as_each_store_has_to_hold_them() -> None:
    at = datetime(2026, 10, 1, 12, 0, 0, 5)  # noqa: DTZ001
    row = {
        "event_id": "a",
        "visitor_id": "ada",
        "created_at": at,
        "value": 0.1,
        "is_bot": False,
        "properties": '{"a":[1]}',
        "title": None,
    }
    assert as_document(row) == {
        "event_id": "a",
        "visitor_id": "ada",
        "created_at": "2026-10-01T12:00:00.000005Z",
        "value": 0.1,
        "is_bot": False,
        "properties": {"a": [1]},
    }
    item = as_item(row)
    assert item["value"] == Decimal("0.1")
    assert (item["user_id"], item["event_time"]) == ("ada", "2026-10-01T12:00:00.000005Z#a")
    assert item["properties"] == '{"a":[1]}'
    assert "title" not in item


@pytest.mark.parametrize("events", [1, 450])
def test_a_sample_has_so_many_events_and_in_each_request_two_more(events: int) -> None:
    sample = make_sample(events)
    assert len(sample.bodies) == -(-events // 200)
    assert len(sample.lines) == events + 2 * len(sample.bodies)
    assert len(sample.accepted) == events + len(sample.bodies)
    read = [event for body in sample.bodies for event in json.loads(body)]
    assert read == [json.loads(line) for line in sample.lines]
    assert sum(FORBIDDEN in line for line in sample.lines) == len(sample.bodies)
    assert sum("event" not in event for event in read) == len(sample.bodies)
    days = {line[:120].partition(b"[")[2][:11] for log in sample.logs.values() for line in log.splitlines()}
    assert days == {b"15/Oct/2026", b""}, "one day, and a line that is none"


def test_a_function_sees_its_bundle_and_what_lambda_brings_and_nothing_else(tmp_path: Path) -> None:
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    asset, folder = tmp_path / "asset", tmp_path / "work"
    asset.mkdir()
    folder.mkdir()
    (asset / "inside.py").write_text(
        "import os, boto3\ndef handler(event, context):\n    return os.getcwd()\n"
    )
    (asset / "outside.py").write_text("import duckdb\ndef handler(event, context):\n    return 1\n")
    bundle = Bundle(asset, link_runtime(tmp_path / "runtime"))
    with lambda_function("inside.handler", {}, folder, bundle=bundle, part="one") as function:
        assert function.invoke({}) == str(asset)
    with (
        lambda_function("outside.handler", {}, folder, bundle=bundle, part="two") as function,
        pytest.raises(FunctionFailed, match="duckdb"),
    ):
        function.invoke({})
    assert sorted(path.name for path in asset.iterdir()) == ["inside.py", "outside.py"], "it is read-only"
