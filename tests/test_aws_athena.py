"""Athena's adapter: that it starts, waits, pages, reads types, and what it makes of failures.

moto runs no SQL: it gives the rows that it was told before, so what a question means is not shown here.
Failures, pages and throttling are put into moto's replies on their way.
"""

import json
import urllib.request
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from aws_servers import moto

from footfall.adapters.aws.athena import Athena
from footfall.adapters.aws.clients import client
from footfall.adapters.aws.piecemeal import Patience
from footfall.errors import QuestionFailed, QuestionRefused
from footfall.testing.aws.altering_proxy import Alteration, Exchange, Proxy, altering_proxy

TYPED = {
    "app": ("varchar", "shop"), "rows": ("bigint", "9007199254740993"), "share": ("double", "0.25"),
    "price": ("decimal", "12.30"), "bot": ("boolean", "false"), "day": ("date", "2026-11-21"),
    "at": ("timestamp", "2026-11-21 07:08:09.012"), "nothing": ("bigint", None),
}  # fmt: skip
SQL = "select 1"


def tell(url: str, path: str, body: dict[str, Any]) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status in (200, 201)


def can(url: str, rows: list[list[str | None]], columns: dict[str, str]) -> None:
    """Have moto give these rows to the next question, below a row of names as Athena does."""
    cells = [[{"VarCharValue": text} if text is not None else {} for text in row] for row in rows]
    names = [{"VarCharValue": name} for name in columns]
    info = [
        {
            "CatalogName": "hive", "SchemaName": "", "TableName": "",
            "Name": name, "Label": name, "Type": kind, "Precision": 0, "Scale": 0,
            "Nullable": "UNKNOWN", "CaseSensitive": True,
        }
        for name, kind in columns.items()
    ]  # fmt: skip
    result = {"rows": [{"Data": row} for row in [names, *cells]], "column_info": info}
    told = {"account_id": "123456789012", "region": "eu-central-1", "results": [result]}
    tell(url, "/moto-api/static/athena/query-results", told)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


def progress(url: str, **how: Any) -> None:
    """Say how moto's questions come to their end: at once, or a state further every so many looks."""
    told = {"model_name": "athena::execution", "transition": how}
    tell(url, "/moto-api/state-manager/set-transition", told)


@pytest.fixture
def proxy(moto_url: str) -> Iterator[Proxy]:
    progress(moto_url, progression="immediate")
    with altering_proxy(moto_url) as between:
        yield between


def athena(proxy: Proxy, pauses: list[float], seconds: float = 60.0) -> Athena:
    patience = Patience(seconds=seconds, first_pause=1.0, sleep=pauses.append, chance=lambda: 1.0)
    return Athena("primary", "footfall", client("athena", proxy.url), patience)


def altered(**changes: Any) -> Alteration:
    """Return what changes the status in a reply."""

    def alter(exchange: Exchange) -> tuple[int, bytes]:
        status, reply = exchange.forward(exchange.body)
        told = json.loads(reply)
        told["QueryExecution"]["Status"] |= changes
        return status, json.dumps(told).encode()

    return alter


def pass_on(exchange: Exchange) -> tuple[int, bytes]:
    return exchange.forward(exchange.body)


def refusal(code: str, status: int = 400) -> Alteration:
    return lambda _: (status, json.dumps({"__type": code, "message": "no"}).encode())


def test_an_answer_is_waited_for_and_its_types_are_pythons(moto_url: str, proxy: Proxy) -> None:
    can(moto_url, [[text for _, text in TYPED.values()]], {name: kind for name, (kind, _) in TYPED.items()})
    progress(moto_url, progression="manual", times=2)
    pauses: list[float] = []
    answer = athena(proxy, pauses).ask(SQL)
    assert answer.columns == tuple(TYPED)
    assert answer.rows == [
        ("shop", 9007199254740993, 0.25, Decimal("12.30"), False, date(2026, 11, 21),
         datetime.fromisoformat("2026-11-21 07:08:09.012"), None)
    ]  # fmt: skip
    assert (answer.sql, answer.fresh_to) == (SQL, None)
    asked = [each for each in proxy.requests if each == "GetQueryExecution"]
    assert len(asked) == len(pauses) + 1 >= 3
    assert pauses == [1.0, 2.0, 2.0, 2.0][: len(pauses)]


def test_pages_are_one_answer(moto_url: str, proxy: Proxy) -> None:
    can(moto_url, [[str(number)] for number in range(10)], {"n": "integer"})
    asked: list[dict[str, Any]] = []

    def page(exchange: Exchange) -> tuple[int, bytes]:
        request = json.loads(exchange.body)
        asked.append(request)
        status, reply = exchange.forward(exchange.body)
        told, begin = json.loads(reply), int(request.get("NextToken", 0))
        rows = told["ResultSet"]["Rows"]
        told["ResultSet"]["Rows"] = rows[begin : begin + 4]
        if begin + 4 < len(rows):
            told["NextToken"] = str(begin + 4)
        return status, json.dumps(told).encode()

    proxy.alterations += [pass_on, pass_on, page, page, page]
    answer = athena(proxy, []).ask(SQL)
    assert [row[0] for row in answer.rows] == list(range(10))
    assert [each.get("NextToken") for each in asked] == [None, "4", "8"]


def test_throttling_is_waited_out(moto_url: str, proxy: Proxy) -> None:
    can(moto_url, [["1"]], {"n": "integer"})
    busy = refusal("TooManyRequestsException")
    proxy.alterations += [busy, pass_on, busy, pass_on, busy]
    pauses: list[float] = []
    assert athena(proxy, pauses).ask(SQL).rows == [(1,)]
    assert len(pauses) == 3


@pytest.mark.parametrize(
    ("alterations", "error", "match"),
    [
        ([refusal("InvalidRequestException")], QuestionRefused, "primary refused.*InvalidRequest"),
        (
            [pass_on, altered(State="FAILED", StateChangeReason="COLUMN_NOT_FOUND: n",
                              AthenaError={"ErrorCategory": 2})],
            QuestionRefused, "COLUMN_NOT_FOUND: n",
        ),
        (
            [pass_on, altered(State="FAILED", StateChangeReason="out of workers",
                              AthenaError={"ErrorCategory": 1})],
            QuestionFailed, "gave no answer.*out of workers",
        ),
        ([pass_on, altered(State="CANCELLED")], QuestionFailed, "CANCELLED"),
        ([refusal("InternalServerException", 500)] * 20, QuestionFailed, "InternalServerException"),
    ],
)  # fmt: skip
def test_a_failure_says_whether_time_mends_it(
    proxy: Proxy, alterations: list[Alteration], error: type[Exception], match: str
) -> None:
    proxy.alterations += alterations
    with pytest.raises(error, match=match):
        athena(proxy, [], seconds=0.5 if len(alterations) > 2 else 60.0).ask(SQL)


def test_a_question_that_takes_too_long_is_stopped(proxy: Proxy) -> None:
    proxy.alterations += [pass_on, altered(State="RUNNING")]
    with pytest.raises(QuestionFailed, match="still RUNNING, and was stopped"):
        athena(proxy, [], seconds=0.5).ask(SQL)
    assert proxy.requests[-1] == "StopQueryExecution"
