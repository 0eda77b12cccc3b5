"""The API's routes for answers: metrics, SQL, and the console's own small questions."""

import inspect
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Any
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from msgspec import Struct, to_builtins

from footfall.apps.console.room import (
    AnswerBody,
    AnyRequest,
    ErrorBody,
    InRoom,
    Room,
    csv_response,
    kept_response,
)
from footfall.errors import BadQuery
from footfall.metrics import catalogue
from footfall.services.wire import answer_json

__all__ = ["ANSWER_ROUTES", "SqlQuestion"]

DAY = "YYYY-MM-DD, UTC, included."
From = Annotated[str | None, QueryParameter(name="from", description=DAY)]
To = Annotated[str | None, QueryParameter(description=DAY)]
AppName = FromQuery[str | None]
LIVE_MINUTES = 30
ERRORS = {
    400: ResponseSpec(data_container=ErrorBody, description="The question cannot be answered."),
    503: ResponseSpec(data_container=ErrorBody, description="Not now; try again."),
}
ANSWERS = {200: ResponseSpec(data_container=AnswerBody, description="The answer."), **ERRORS}
UNKNOWN = {404: ResponseSpec(data_container=ErrorBody, description="There is none of that name.")}


class SqlQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """One SELECT over the table ``events``."""

    sql: str


@cache
def _query(name: str) -> str:
    return (files("footfall.apps.console.queries") / f"{name}.sql").read_text(encoding="utf-8")


def _given(request: AnyRequest) -> dict[str, str]:
    """Return the query's parameters, each at most once; an empty value is one not given."""
    try:
        pairs = parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=50,
        )
    except ValueError as error:
        raise BadQuery(cause=f"the address's query cannot be read ({error})") from error
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadQuery(cause=f"{', '.join(twice)} is given more than once")
    return {name: value for name, value in pairs if value != ""}


def _today() -> date:
    return datetime.now(UTC).date()


@get("/api/metrics", tags=["metrics"], sync_to_thread=False)
def list_metrics() -> list[dict[str, Any]]:
    """List the metrics: name, question, parameters, columns and how each is best drawn."""
    return [to_builtins(metric) for metric in catalogue().values()]


@get("/api/metrics/{name:str}", tags=["metrics"], responses={**ANSWERS, **UNKNOWN})
async def read_metric(
    request: AnyRequest,
    room: InRoom,
    name: Annotated[
        str, PathParameter(description="The metric's name; with .csv behind it, the answer as CSV.")
    ],
    from_: From = None,  # noqa: ARG001
    to: To = None,  # noqa: ARG001
    app: Annotated[str | None, QueryParameter(description="One app only.")] = None,  # noqa: ARG001
    bots: Annotated[str | None, QueryParameter(description="true counts bots too.")] = None,  # noqa: ARG001
) -> Response[Any]:
    """Answer one metric; its own parameters (such as steps, window, period) go in the query too."""
    values = _given(request)
    if name.endswith(".csv"):
        name = name.removesuffix(".csv")
        answer = await room.answers.run(lambda: room.platform.metric(name, values))
        return csv_response(answer, name)
    key = ("metric", name, tuple(sorted(values.items())), _today())
    return await kept_response(request, room, key, lambda: answer_json(room.platform.metric(name, values)))


@post("/api/sql", tags=["sql"], status_code=200, responses=ANSWERS)
async def read_sql(room: InRoom, data: JSONBody[SqlQuestion]) -> dict[str, Any]:
    """Answer one SELECT, read-only, over the last commit."""
    result: dict[str, Any] = await room.answers.run(lambda: answer_json(room.platform.sql(data.sql)))
    return result


@post("/api/sql.csv", tags=["sql"], status_code=200, responses=ERRORS)
async def read_sql_csv(room: InRoom, data: JSONBody[SqlQuestion]) -> Response[str]:
    """Answer one SELECT as CSV."""
    return csv_response(await room.answers.run(lambda: room.platform.sql(data.sql)), "answer")


async def _own(
    request: AnyRequest, room: Room, name: str, parameters: Mapping[str, object], moment: object
) -> Response[bytes]:
    key = (
        "own",
        name,
        moment,
        tuple(sorted((k, v) for k, v in parameters.items() if k in {"app", "bots"})),
    )
    question = inspect.cleandoc(_query(name))
    return await kept_response(
        request, room, key, lambda: answer_json(room.platform.warehouse.query(question, parameters))
    )


@get("/api/extent", tags=["pages"], responses=ANSWERS)
async def read_extent(request: AnyRequest, room: InRoom, app: AppName = None) -> Response[bytes]:
    """Say which days hold data: first_day, last_day (never after today), events, and all apps."""
    today = _today()
    return await _own(request, room, "extent", {"app": app or None, "today": today}, today)


@get("/api/totals", tags=["pages"], responses=ANSWERS)
async def read_totals(
    request: AnyRequest,
    room: InRoom,
    from_: From = None,
    to: To = None,
    app: AppName = None,
    bots: FromQuery[bool] = False,
) -> Response[bytes]:
    """Count visitors (each once) and events of a whole range of days."""
    try:
        start = date.fromisoformat(from_) if from_ else date(1970, 1, 1)
        last = date.fromisoformat(to) if to else date(2200, 1, 1)
    except ValueError as error:
        raise BadQuery(cause=f"from and to are days, YYYY-MM-DD ({error})") from error
    parameters = {"start": start, "last": last, "app": app or None, "bots": bots}
    return await _own(request, room, "totals", parameters, (start, last))


@get("/api/live", tags=["pages"], responses=ANSWERS)
async def read_live(request: AnyRequest, room: InRoom, app: AppName = None) -> Response[bytes]:
    """Count events and visitors for each of the last 30 minutes, and visitors of the last 5."""
    # Two seconds share one answer: that is how often pages ask.
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    now -= timedelta(seconds=now.second % 2)
    since = now - timedelta(minutes=LIVE_MINUTES)
    return await _own(request, room, "live", {"app": app or None, "now": now, "since": since}, now)


ANSWER_ROUTES = [list_metrics, read_metric, read_sql, read_sql_csv, read_extent, read_totals, read_live]
