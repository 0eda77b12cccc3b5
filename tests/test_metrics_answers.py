"""Every metric on DuckDB equals its slow reference, with the warehouse's rollups and without."""

import re
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.metrics import ROLLUPS, VIEWS, catalogue, metric, render
from footfall.metrics.catalogue import sql_files
from tests import metric_references
from tests.metric_tables import ROWS, START, events_table, values_of

DUCK = duckdb.connect()
ROLLUP_SQL = {name: text for name, text in sql_files() if name.startswith("_")}


def load(rows: list[dict[str, Any]]) -> None:
    DUCK.register("arrived", events_table(rows))
    DUCK.execute("create or replace table events as from arrived")
    DUCK.unregister("arrived")


def ask(name: str, values: dict[str, str], **options: Any) -> tuple[list[str], list[tuple]]:
    answer = DUCK.execute(render(metric(name), values, **options))
    return [column[0] for column in answer.description], answer.fetchall()


@pytest.mark.parametrize("name", catalogue())
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_the_sql_answers_as_the_reference(name: str, data: st.DataObject) -> None:
    rows, values = data.draw(ROWS), data.draw(values_of(name))
    load(rows)
    columns, found = ask(name, values)
    assert found == getattr(metric_references, name)(rows, values)
    declared = [column.name for column in metric(name).columns]
    assert columns == ([values["by"]] if name == "average_age" and "by" in values else []) + declared
    kept = [
        table for table in ROLLUPS + VIEWS if re.search(rf"\b(?:from|join) {table}\b", metric(name).sql)
    ]
    for table in kept:
        kind = "view" if table in VIEWS else "table"
        DUCK.execute(f"create or replace {kind} {table} as {ROLLUP_SQL['_' + table]}")
    stored = render(metric(name), values, rollups=frozenset(kept))
    if not kept:
        return
    if "stitch" not in values:
        assert "events\n" not in stored, "with these the rows are not read"
    assert DUCK.execute(stored).fetchall() == found


KINDS = {
    "date": ("DATE",),
    "time": ("TIMESTAMP",),
    "text": ("VARCHAR",),
    "integer": ("BIGINT", "INTEGER"),
    "number": ("DOUBLE",),
}


@pytest.mark.parametrize("name", catalogue())
def test_columns_are_of_the_kind_they_declare(name: str) -> None:
    load([])
    values = {"steps": "a,b"} if name == "funnel" else {}
    answer = DUCK.execute(render(metric(name), values))
    description = answer.description
    answer.fetchall()
    for column, got in zip(metric(name).columns, description, strict=True):
        assert str(got[1]) in KINDS[column.kind], column


@pytest.mark.parametrize(
    ("story", "steps", "visitors"),
    [
        # time in minutes : events at that time; window 60 minutes, counted from step a
        ("0:a 60:b", "a,b", [1, 1]),
        ("0:a 61:b", "a,b", [1, 0]),
        ("0:b 5:a", "a,b", [1, 0]),
        ("0:a 0:b", "a,b", [1, 1]),  # a tie counts as in order, however the rows arrived
        ("0:b 0:a", "a,b", [1, 1]),
        ("0:a 50:a 100:b", "a,b", [1, 1]),  # the second a starts the window anew
        ("0:a 10:b 50:a 65:c", "a,b,c", [1, 1, 0]),  # but b belongs to the first a
        ("0:a 10:b 50:a 55:b 65:c", "a,b,c", [1, 1, 1]),
        ("0:a 5:x 10:b 15:x 20:c", "a,b,c", [1, 1, 1]),
        ("0:a", "a,a", [1, 1]),  # one event takes both of two equal steps, as in ClickHouse
        ("0:a 5:b 10:a", "a,b,a", [1, 1, 1]),
        ("0:a 5:b", "a,b,a", [1, 1, 0]),
        ("0:a 0:b 0:c", "a,b,c,d", [1, 1, 1, 0]),
    ],
)
def test_funnel_stories(story: str, steps: str, visitors: list[int]) -> None:
    rows = []
    for hit in story.split():
        minute, _, event = hit.partition(":")
        at = START + timedelta(minutes=int(minute))
        rows.append({"app_id": "s", "visitor_id": "v", "event": event, "created_at": at, "is_bot": False})
    load(rows)
    _, found = ask("funnel", {"steps": steps, "window": "1h"})
    assert [line[2] for line in found] == visitors
    assert [line[:2] for line in found] == list(enumerate(steps.split(","), start=1))
