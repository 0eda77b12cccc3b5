"""ClickHouse as referee: its windowFunnel, and every metric in its dialect, on the same rows.

``chdb`` is ClickHouse in a Python package; it is large, so it is not among the project's needs.
"""

import importlib.util
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall.metrics import catalogue, metric, render
from tests import metric_references
from tests.conftest import missing
from tests.metric_tables import ROWS, STEPS, events_table, values_of

UNITS = {"60s": 60, "30m": 1_800, "1h": 3_600, "7d": 604_800}
LENIENT = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class ClickHouse:
    """Answers SQL over the rows that were last loaded."""

    def __init__(self, folder: Path) -> None:
        from chdb.session import Session

        self.query = Session().query
        self.file = folder / "events.parquet"

    def load(self, rows: list[dict[str, Any]]) -> None:
        pq.write_table(events_table(rows), self.file)

    def ask(self, sql: str) -> list[tuple]:
        sql = sql.replace("FROM events", f"FROM file('{self.file}') AS events")
        lines = str(
            self.query(f"{sql}\nSETTINGS session_timezone='UTC'", "JSONCompactEachRow")
        ).splitlines()
        return [tuple(json.loads(line)) for line in lines]


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> ClickHouse:
    if importlib.util.find_spec("chdb") is None:
        missing("chdb (ClickHouse for Python) is not installed: pip install chdb")
    return ClickHouse(tmp_path_factory.mktemp("clickhouse"))


def plain(value: object) -> object:
    """Return a reference's value as ClickHouse writes it in JSON, but moments as moments."""
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def typed(value: object) -> object:
    """Return 64-bit integers, which ClickHouse's JSON may quote, and moments as what they are."""
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?", value):
        return datetime.fromisoformat(value)
    return int(value) if value.isdigit() else value


@given(rows=ROWS, steps=STEPS, window=st.sampled_from(sorted(UNITS)))
@LENIENT
def test_funnel_counts_as_window_funnel(
    clickhouse: ClickHouse, rows: list[dict[str, Any]], steps: list[str], window: str
) -> None:
    clickhouse.load(rows)
    conditions = ", ".join(f"event = '{step}'" for step in steps)
    levels = clickhouse.ask(
        f"select windowFunnel({UNITS[window] * 1_000_000})"
        f"(toUInt64(toUnixTimestamp64Micro(created_at)), {conditions}) FROM events"
        " where not is_bot group by app_id, visitor_id"
    )
    counts = [sum(level >= place for (level,) in levels) for place in range(1, len(steps) + 1)]
    values = {"steps": ",".join(steps), "window": window}
    assert [line[2] for line in metric_references.funnel(rows, values)] == counts


@pytest.mark.parametrize("name", catalogue())
@given(data=st.data())
@LENIENT
def test_clickhouse_answers_as_the_reference(
    clickhouse: ClickHouse, name: str, data: st.DataObject
) -> None:
    rows, values = data.draw(ROWS), data.draw(values_of(name))
    clickhouse.load(rows)
    found = clickhouse.ask(render(metric(name), values, dialect="clickhouse"))
    expected = getattr(metric_references, name)(rows, values)
    assert [tuple(map(typed, line)) for line in found] == [tuple(map(plain, line)) for line in expected]
