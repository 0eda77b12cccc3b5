"""Who turned out to be whom: the view over the events, and visitors that are stitched by it."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from installation import running

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.metrics import ROLLUPS, metric, render
from footfall.metrics.catalogue import sql_files
from footfall.testing.warehouse import NOON, make_batch, make_row
from tests import metric_references
from tests.metric_tables import START, events_table

FILES = dict(sql_files())
PEOPLE = f"with identity_edges as ({FILES['_identity_edges']}), people as ({FILES['_people']})"


def call(
    kind: str, earlier: str | None, user: str | None, app: str = "shop", **more: Any
) -> dict[str, Any]:
    """An identify or alias event, as the protocols give it."""
    told = (
        {"properties": json.dumps({"previous_id": earlier})}
        if kind == "alias"
        else {"anonymous_id": earlier}
    )
    row = {"app_id": app, "event": kind, "user_id": user, "anonymous_id": None, "is_bot": False, **told}
    return {**row, "visitor_id": user or earlier or "nobody", "created_at": START, **more}


def people(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    with duckdb.connect() as connection:
        connection.register("events", events_table(rows))
        found = connection.execute(f"{PEOPLE} select app_id, earlier_id, person from people").fetchall()
    assert len({line[:2] for line in found}) == len(found), "an id is one person"
    return {(app, earlier): person for app, earlier, person in found}


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        ("i:a>u", {"a": "u"}),
        ("i:a>u i:a>u", {"a": "u"}),
        ("i:a>u i:b>u", {"a": "u", "b": "u"}),  # two devices of one user
        ("i:a>u i:a>v", {}),  # a shared device belongs to nobody
        ("i:a>u l:u>v", {"a": "v", "u": "v"}),
        ("l:u>v i:a>u", {"a": "v", "u": "v"}),  # in whatever order they are told
        ("i:a>u l:u>v l:v>w", {"a": "w", "u": "w", "v": "w"}),
        ("i:a>u l:u>v l:v>w l:w>x", {"u": "x", "v": "x", "w": "x"}),  # a is too far away
        ("l:u>v l:v>u", {}),  # a ring leads nowhere
        ("i:a>u l:u>v l:v>u", {}),
        ("i:a>u l:u>v l:u>w", {"a": "u"}),  # u became two, so the way ends there
        ("i:a>a l:u>u", {}),
        ("i:->u i:a>- l:->u", {}),
    ],
)
def test_stories(story: str, expected: dict[str, str]) -> None:
    rows = []
    for place, told in enumerate(story.split()):
        kind, _, way = told.partition(":")
        earlier, user = (None if each == "-" else each for each in way.split(">"))
        at = START + timedelta(minutes=place)
        rows.append(call("identify" if kind == "i" else "alias", earlier, user, created_at=at))
    assert people(rows) == {("shop", earlier): person for earlier, person in expected.items()}


def test_an_app_knows_nothing_of_another() -> None:
    rows = [
        call("identify", "a", "u"),
        call("identify", "a", "v", app="blog"),
        call("alias", "u", "w", "blog"),
    ]
    assert people(rows) == {("shop", "a"): "u", ("blog", "a"): "v", ("blog", "u"): "w"}


@given(
    st.lists(
        st.builds(
            call,
            st.sampled_from(["identify", "alias", "page_view"]),
            st.sampled_from([None, *"abcdef"]),
            st.sampled_from([None, *"abcdef"]),
            st.sampled_from(["shop", "shop", "blog"]),
        ),
        max_size=9,
    )
)
@settings(max_examples=150, deadline=None)
def test_people_are_those_of_the_walk_from_edge_to_edge(calls: list[dict[str, Any]]) -> None:
    everyone = [
        {**call("page_view", each, None, app), "visitor_id": each}
        for each in "abcdef"
        for app in ("shop", "blog")
    ]
    found = people(calls)
    walked = metric_references.stitched(calls + everyone)[len(calls) :]
    for row, as_person in zip(everyone, walked, strict=True):
        key = (row["app_id"], row["visitor_id"])
        assert found.get(key, row["visitor_id"]) == as_person["visitor_id"]


def visit(visitor: str, at: datetime, **more: Any) -> dict[str, object]:
    return make_row(visitor_id=visitor, created_at=at, **more)


def days(warehouse: DuckDBWarehouse, **values: str) -> list[tuple[object, ...]]:
    sql = render(metric("daily_active_users"), values, rollups=frozenset(ROLLUPS))
    return [row[1] for row in warehouse.query(sql).rows]


def test_the_view_tells_of_each_edge_and_keeps_nothing_of_its_own(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "data")
    day = timedelta(days=1)
    told = {"event": "identify", "event_id": "e1", "anonymous_id": "tab", "user_id": "ada"}
    warehouse.store(
        make_batch(
            visit("tab", NOON),
            visit("ada", NOON + day, **told),
            visit("tab", NOON + day),
            visit(
                "ada-2",
                NOON + 2 * day,
                event="alias",
                event_id="e2",
                user_id="ada-2",
                properties='{"previous_id":"ada"}',
            ),
        )
    )
    edges = warehouse.query(
        "select app_id, kind, previous_id, user_id, created_at, event_id, origin"
        " from identity_edges order by event_id"
    ).rows
    assert edges == [
        ("shop", "identify", "tab", "ada", NOON + day, "e1", "native"),
        ("shop", "alias", "ada", "ada-2", NOON + 2 * day, "e2", "native"),
    ]
    assert days(warehouse) == [1, 2, 1]
    assert days(warehouse, stitch="true") == [1, 1, 1]
    funnel = {"steps": "page_view,identify,alias", "window": "7d"}
    for stitch, counts in ("false", [1, 0, 0]), ("true", [1, 1, 1]):
        sql = render(metric("funnel"), {**funnel, "stitch": stitch}, rollups=frozenset(ROLLUPS))
        assert [row[2] for row in warehouse.query(sql).rows] == counts
    kind = "select table_type from information_schema.tables where table_name = 'identity_edges'"
    assert warehouse.query(kind).rows == [("VIEW",)], "no second copy: an edge goes with its event"
    warehouse.close()


def test_what_a_tracker_says_of_a_person_is_an_edge(tmp_path: Path) -> None:
    calls = [
        {"type": "page", "anonymousId": "tab-1", "messageId": "m1"},
        {"type": "identify", "anonymousId": "tab-1", "userId": "ada", "messageId": "m2"},
        {"type": "alias", "previousId": "ada", "userId": "ada@home", "messageId": "m3"},
        {"type": "track", "event": "Ordered", "userId": "ada@home", "messageId": "m4"},
    ]
    with running(tmp_path / "data") as installation:
        body = json.dumps({"writeKey": "any", "batch": calls}).encode()
        assert installation.ask("POST", "/v1/batch", body)[0] == 200
        own = {"event": "identify", "anonymous_id": "tab-2", "user_id": "ada", "event_id": "m5"}
        installation.post(own)
        installation.settle()
        edges = installation.sql(
            "select origin, kind, previous_id, user_id, event_id from identity_edges order by event_id"
        )
        assert edges == [
            ["segment", "identify", "tab-1", "ada", "m2"],
            ["segment", "alias", "ada", "ada@home", "m3"],
            ["native", "identify", "tab-2", "ada", "m5"],
        ]
        asked = ("metric", "daily_active_users", "--format", "json")
        plain = json.loads(installation.footfall(*asked).stdout)
        stitched = json.loads(installation.footfall(*asked, "--set", "stitch=true").stdout)
        assert [row[1] for row in plain["rows"]] == [3]
        assert [row[1] for row in stitched["rows"]] == [1]
        of_the_page = installation.get("/api/metrics/daily_active_users?stitch=true")
        assert of_the_page["rows"] == stitched["rows"]
