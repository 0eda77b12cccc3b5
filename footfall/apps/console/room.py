"""What the routes share, and the forms in which they answer: JSON, kept JSON, CSV, errors."""

import csv
import io
import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from msgspec import Struct

from footfall.apps.console.answers import Answers
from footfall.apps.console.assets import Assets
from footfall.apps.console.guard import Door
from footfall.apps.console.platform import Platform
from footfall.core.formulas import harmless
from footfall.errors import (
    BadCorrection,
    BadQuery,
    BadSchedule,
    BadSettings,
    BadSource,
    BadTarget,
    FootfallError,
    MartRefused,
    MissingExtra,
    NotFound,
)
from footfall.ports import Answer
from footfall.services.wire import json_value

__all__ = [
    "EXCEPTION_HANDLERS",
    "AnswerBody",
    "ErrorBody",
    "Room",
    "csv_response",
    "csv_text",
    "kept_response",
]

AnyRequest = Request[Any, Any, Any]
STATUS_OF: tuple[tuple[type[FootfallError], int], ...] = (
    (BadCorrection, 400),
    (BadQuery, 400),
    (BadSchedule, 400),
    (BadSource, 400),
    (BadTarget, 400),
    (BadSettings, 400),
    (MartRefused, 400),
    (MissingExtra, 400),
    (NotFound, 404),
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Room:
    """The parts that each route may use."""

    platform: Platform
    answers: Answers
    assets: Assets
    door: Door


InRoom = NamedDependency[Room]


class AnswerBody(Struct, frozen=True):
    """An answer: rows in the order of ``columns``, the SQL that gave them, and what they rest on."""

    columns: list[str]
    rows: list[list[Any]]
    sql: str
    fresh_to: str | None
    rows_read: int


class ErrorBody(Struct, frozen=True):
    """What went wrong; ``retryable`` says whether the same call can succeed later."""

    error: str
    retryable: bool


async def kept_response(
    request: AnyRequest, room: Room, key: Hashable, work: Callable[[], Any]
) -> Response[bytes]:
    """Answer with the work's JSON, or 304 when the caller holds it already."""
    kept = await room.answers.kept(
        key, work, max_stale=_max_stale(request.headers.get("cache-control", ""))
    )
    headers = {"etag": kept.etag, "cache-control": "private, no-cache", "vary": "cookie, authorization"}
    if kept.etag in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
    ]:
        return Response(b"", status_code=304, headers=headers, media_type="application/json")
    return Response(kept.body, headers=headers, media_type="application/json")


def _max_stale(cache_control: str) -> float:
    for directive in cache_control.split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-stale" and value.isdecimal():
            return min(float(value), 60.0)
    return 0.0


def csv_text(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Write RFC 4180 CSV that a spreadsheet does not run.

    Numbers stay numbers. Times and days are as in the JSON; null is an empty field.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(column) for column in columns])
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(json_value(value))


def csv_response(answer: Answer, name: str) -> Response[str]:
    """Return an answer as a file to save; ``name`` is one of our own, without the ending."""
    return Response(
        csv_text(answer.columns, answer.rows),
        media_type="text/csv; charset=utf-8; header=present",
        headers={
            "content-disposition": f'attachment; filename="{name}.csv"',
            "cache-control": "private, no-cache",
        },
    )


def _failed(status: int, message: str, retryable: bool) -> Response[ErrorBody]:
    headers: Mapping[str, str] = {"retry-after": "1"} if retryable else {}
    return Response(
        ErrorBody(message, retryable), status_code=status, headers=headers, media_type="application/json"
    )


def _ours(_: AnyRequest, error: FootfallError) -> Response[ErrorBody]:
    known = next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)
    return _failed(503 if error.retryable else known, str(error), error.retryable)


def _http(_: AnyRequest, error: HTTPException) -> Response[ErrorBody]:
    extra = "; ".join(
        f"{item.get('key', '')}: {item['message']}".removeprefix(": ")
        if isinstance(item, dict)
        else str(item)
        for item in (error.extra if isinstance(error.extra, list) else [])
    )
    response = _failed(error.status_code, f"{error.detail}: {extra}" if extra else error.detail, False)
    response.headers.update(error.headers or {})
    return response


def _unforeseen(request: AnyRequest, error: Exception) -> Response[ErrorBody]:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _failed(500, "The console failed to answer; the platform's output has the reason.", False)


EXCEPTION_HANDLERS: dict[Any, Any] = {FootfallError: _ours, HTTPException: _http, Exception: _unforeseen}
