"""The metrics' declarations, and what becomes of values on their way into SQL."""

import re
import subprocess
import sys

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.schema import column_names, duckdb_ddl
from footfall.errors import BadQuery, NotFound
from footfall.metrics import DIALECTS, ROLLUPS, STITCH, VIEWS, catalogue, metric, reference, render
from footfall.metrics.catalogue import sql_files

PROMISED = {
    "daily_active_users": "day visitors",
    "active_users": "day dau wau mau stickiness",
    "retention": "cohort period visitors",
    "funnel": "step event visitors from_previous from_first",
    "sessions": "day sessions visitors average_seconds events_per_session bounce_rate",
    "top_events": "event events visitors",
    "top_pages": "path views visitors",
    "events_over_time": "time events visitors",
    "time_spent": "element events average_seconds median_seconds total_seconds",
    "countries": "country continent visitors events",
    "devices": "device visitors events",
    "average_age": "average_age visitors",
    "top_objects": "object opens requests bytes visitors",
    "object_outcomes": "object opens visitors finished"
    " parts revalidations heads errors others requests bytes",
    "opens_over_time": "time opens visitors requests revalidations errors bytes",
    "object_trend": "time object opens visitors",
    "object_readers": "reader opens visitors bytes",
    "hotlinks": "site objects requests visitors bytes",
    "scanners": "hour visitor ip country requests missing",
    "status_codes": "status requests share bytes",
    "channels": "channel visitors events",
    "campaigns": "campaign source medium visitors events",
    "paths": "path next_path times visitors",
    "lifecycle": "time new returning resurrecting dormant",
    "log_requests": "time visitor ip method object status bytes referrer"
    " country device browser bot_reason hotlink",
}


def needed(name: str) -> dict[str, str]:
    return {"steps": "page_view,cart,pay"} if name == "funnel" else {}


def test_the_promised_metrics_have_the_promised_columns() -> None:
    assert {
        name: " ".join(column.name for column in catalogue()[name].columns) for name in PROMISED
    } == PROMISED


@pytest.mark.parametrize("name", catalogue())
def test_each_file_asks_one_question_and_declares_what_it_uses(name: str) -> None:
    asked = metric(name)
    assert asked.question.endswith("?")
    used = set(re.findall(r"\$(\w+)", asked.sql.replace("'$.", "'")))
    own = {parameter.name for parameter in asked.parameters} - {"from", "to", "stitch"}
    lists = {parameter.name for parameter in asked.parameters if parameter.kind == "list"}
    assert used == (own - lists) | {"since", "until"}
    words = re.sub(r"'[^']*'|--.*", "", asked.sql)
    assert words == words.lower(), "SQL is in lower case"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", catalogue())
def test_every_engine_gets_sql_that_it_can_parse(name: str, dialect: str) -> None:
    values = needed(name) | {"from": "2026-01-01", "to": "2026-01-31", "app": "o'x\\", "bots": "false"}
    for rollups in (frozenset(), frozenset(ROLLUPS + VIEWS)):
        sql = render(metric(name), values, dialect=dialect, rollups=rollups)
        (tree,) = sqlglot.parse(sql, read=dialect)
        assert not list(tree.find_all(sqlglot.exp.Placeholder, sqlglot.exp.Parameter))
        assert "o'x\\" in [literal.this for literal in tree.find_all(sqlglot.exp.Literal)]
        assert sql.startswith(f"-- {metric(name).question}\n")


def stitchable() -> list[str]:
    return [name for name, asked in catalogue().items() if STITCH in asked.parameters]


def test_metrics_of_visitors_can_be_stitched_and_others_cannot() -> None:
    assert {"daily_active_users", "active_users", "retention", "funnel", "sessions"} <= set(stitchable())
    with pytest.raises(BadQuery, match="stitch"):
        render(metric("status_codes"), {"stitch": "true"})


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", stitchable())
def test_every_engine_gets_stitched_sql_that_it_can_parse(name: str, dialect: str) -> None:
    values = needed(name) | {"stitch": "true", "app": "o'x\\"}
    for rollups in (frozenset(), frozenset(ROLLUPS + VIEWS)):
        sql = render(metric(name), values, dialect=dialect, rollups=rollups)
        (tree,) = sqlglot.parse(sql, read=dialect)
        made = [cte.alias for cte in tree.find_all(sqlglot.exp.CTE)]
        assert "people" in made
        assert len(made) == len(set(made)), "engines differ in what a name within a name is"
        read = {table.name for table in tree.find_all(sqlglot.exp.Table)}
        assert any(table.startswith("stitched_") for table in read)


@pytest.mark.parametrize("name", catalogue())
def test_conditions_without_a_value_are_left_out(name: str) -> None:
    values = needed(name) | {"bots": "true", "app": ""}
    bare = render(metric(name), values, rollups=frozenset(ROLLUPS + VIEWS))
    assert "NOT is_bot" not in bare
    assert not re.search(r"app_id =|DATE\)\n|TRUE|NULL IS", bare)


@given(
    text=st.one_of(
        st.text(max_size=30), st.sampled_from(["' or 1=1 --", "\\'; drop table events", "$app", "{x}"])
    )
)
@settings(deadline=None, max_examples=40)
def test_text_reaches_sql_as_itself(text: str) -> None:
    values = {"app": text}
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        with pytest.raises(BadQuery):
            render(metric("top_events"), values)
        return
    con = duckdb.connect()
    con.execute(duckdb_ddl("events"))
    row = {"event_id": "e", "app_id": text or "any", "event": "x", "visitor_id": "v", "is_bot": False}
    times = dict.fromkeys(("created_at", "received_at", "processed_at"), "2026-01-01")
    row |= {"origin": "native", **times}
    holes = ", ".join("?" for _ in row)
    con.execute(f"insert into events ({', '.join(row)}) values ({holes})", list(row.values()))
    assert con.execute(render(metric("top_events"), values)).fetchall() == [("x", 1, 1)]
    assert con.execute("select count(*) from events").fetchall() == [(1,)]


def test_all_problems_are_told_at_once() -> None:
    values = {"step": "a", "window": "soon", "from": "2026-02-30", "to": "x", "bots": "maybe"}
    with pytest.raises(BadQuery) as raised:
        render(metric("funnel"), values)
    told = str(raised.value)
    for part in (
        "'step'; did you mean steps",
        "needs steps",
        "window='soon'",
        "calendar",
        "to='x'",
        "bots=",
    ):
        assert part in told


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("funnel", {"steps": "a,,b"}),
        ("funnel", {"steps": ",".join("abcdefghijklmnopqrstu")}),
        ("funnel", {"steps": "a", "window": "0d"}),
        ("funnel", {"steps": "a", "window": "999999w"}),
        ("top_events", {"limit": "0"}),
        ("top_events", {"limit": "-1"}),
        ("top_events", {"limit": "٣"}),
        ("top_events", {"from": "2026-02-02", "to": "2026-02-01"}),
        ("top_events", {"from": "20260202"}),
        ("top_events", {"to": "9999-12-31"}),
        ("devices", {"by": "user_id"}),
        ("retention", {"period": "day'"}),
    ],
)
def test_bad_values_are_refused(name: str, values: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        render(metric(name), values)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(BadQuery, match="oracle"):
        render(metric("countries"), {}, dialect="oracle")


def test_an_unknown_metric_names_its_neighbours() -> None:
    with pytest.raises(NotFound, match="daily_active_users"):
        metric("daily_active_user")
    with pytest.raises(NotFound, match="top_pages"):
        metric("§")


def test_the_longest_funnel_counts_every_step_whenever_it_was() -> None:
    con = duckdb.connect()
    con.execute(duckdb_ddl("events"))
    con.execute(
        "insert into events by name select 'e' || i as event_id, 'shop' as app_id, 'ann' as visitor_id,"
        " chr(cast(97 + i as integer)) as event, false as is_bot, 'native' as origin,"
        " timestamp '1969-12-31 23:59:50' + to_seconds(i) as created_at,"
        " created_at as received_at, created_at as processed_at from range(20) t(i)"
    )
    steps = ",".join("abcdefghijklmnopqrst")
    for window, last in ("19s", 1), ("18s", 0):
        rows = con.execute(render(metric("funnel"), {"steps": steps, "window": window})).fetchall()
        assert [row[2] for row in rows] == [1] * 19 + [last]


def test_rollups_are_computed_where_they_are_missing() -> None:
    con = duckdb.connect()
    con.execute(duckdb_ddl("events"))
    for name in ROLLUPS:
        text = dict(sql_files())[f"_{name}"]
        columns = [column[0] for column in con.execute(f"describe {text}").fetchall()]
        assert {"app_id", "visitor_id", "is_bot", "events"} <= set(columns)
    assert "visitor_id" in column_names()
    assert "visitor_days AS (" in render(metric("retention"), {})
    assert "visitor_days AS (" not in render(metric("retention"), {}, rollups=frozenset({"visitor_days"}))


def test_the_reference_tells_of_every_metric() -> None:
    text = reference()
    for name, asked in catalogue().items():
        assert f"## {name}\n" in text
        assert asked.sql in text
        for parameter in asked.parameters:
            assert f"| `{parameter.name}` |" in text


def test_the_catalogue_does_not_load_sqlglot() -> None:
    code = (
        "import sys; from footfall.metrics import catalogue; catalogue();"
        " print([m for m in ('sqlglot', 'duckdb', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
