"""The simulator's truth against the platform's own way of answering, in one process.

Door, decoding, enrichment and the metrics' SQL on DuckDB, one behind the other: equal, not close.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from footfall.core.accesslog.arrived import LineRules, arrive, event_ids
from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.core.decode import decode
from footfall.core.enrich.table import enrich
from footfall.core.intake import Policy, take
from footfall.core.record import Logged, Offset, Sender
from footfall.core.scrub.plan import plan_for
from footfall.metrics.catalogue import metric
from footfall.metrics.render import render
from footfall.simulate import World, access_log, log_truth, ndjson, simulate, truth

RECEIVED = 1_711_000_000_000_000  # 2024-03-21, after all that happens here
PROCESSED = datetime(2024, 3, 22, tzinfo=UTC)
WORLD = simulate(250, 33, 5, date(2024, 2, 7))
TRUTH, LOG_TRUTH = truth(WORLD), log_truth(WORLD)
Ask = Callable[[dict[str, Any]], list[list[Any]]]


def asking(rows: list[pa.Table]) -> Ask:
    connection = duckdb.connect()
    arrived = pa.concat_tables([enrich(part, PROCESSED) for part in rows])
    connection.register("arrived", arrived)
    connection.execute(
        "create table events as select * from arrived "
        "qualify row_number() over (partition by app_id, event_id order by received_at) = 1"
    )

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.isoformat() + "Z"
        return value.isoformat() if isinstance(value, date) else value

    def ask(answer: dict[str, Any]) -> list[list[Any]]:
        sql = render(metric(answer["metric"]), answer["parameters"])
        return [[plain(value) for value in row] for row in connection.execute(sql).fetchall()]

    return ask


@pytest.fixture(scope="module")
def ask_events() -> Ask:
    policy = Policy(None, plan_for({}, b"k" * 32))
    rows = []
    for block in ndjson(WORLD):
        body = b"[" + b",".join(block.splitlines()) + b"]"
        taken = take(body, policy=policy, origin="native", received_at=RECEIVED, sender=Sender())
        assert taken.accepted == block.count(b"\n")
        rows += [decode([Logged("log", Offset(1), record)]).rows for record in taken.records]
    return asking(rows)


def read_log(world: World) -> pa.Table:
    rules = LineRules(
        urls=lambda values: values,
        agents=lambda values: values,
        texts=lambda values: values,
        network=lambda ip: ip,
        country=lambda _: None,
        visitors=lambda day: lambda ip, agent: f"{day} {ip} {agent}",
        person=lambda name: name,
    )
    body = b"".join(access_log(world, "combined"))
    parsed = LOG_FORMATS["combined"].parse(body)
    assert not parsed.refused
    assert parsed.rows.num_rows == body.count(b"\n")
    ids = event_ids(parsed, [(0, "log")])
    return arrive(parsed, ids, app_id="files", origin="combined", received_at=RECEIVED, rules=rules)


@pytest.fixture(scope="module")
def ask_log() -> Ask:
    return asking([read_log(WORLD)])


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_sql_gives_the_truth_of_events(ask_events: Ask, name: str) -> None:
    answer = TRUTH[name]
    assert answer["rows"]
    assert ask_events(answer) == answer["rows"]


@pytest.mark.parametrize("name", sorted(LOG_TRUTH))
def test_sql_gives_the_truth_of_logs(ask_log: Ask, name: str) -> None:
    answer = LOG_TRUTH[name]
    assert answer["rows"]
    assert ask_log(answer) == answer["rows"]
