"""The API's routes for the books and what stands behind them: ledger, trace, rejected, imports, health."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from footfall.apps.console.room import AnyRequest, ErrorBody, InRoom
from footfall.apps.console.watched import from_here, watched
from footfall.errors import BadSource, NotFound
from footfall.ports import RejectedEvent, SourceRecord
from footfall.services.ledger import Ledger
from footfall.services.rejected import Retried
from footfall.services.trace import Trace
from footfall.services.wire import rejected_json, source_json

__all__ = ["BOOKS_ROUTES", "ImportOrder", "RetryOrder"]

MOST_WAITED = 10.0
AppName = FromQuery[str | None]
NONE_SUCH = {404: ResponseSpec(data_container=ErrorBody, description="There is none of that name.")}


class RetryOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rejected events to take in again; all of them (of the app) when none is named.

    ``body`` is a corrected body for the one that is named.
    """

    ids: list[str] | None = None
    app: str | None = None
    body: str | None = None


class ImportOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Files of this machine and objects of S3 to import.

    Of files that are ``growing`` the unfinished last line is left for later.
    """

    format: str
    paths: list[str]
    app: str = "default"
    growing: bool = False


def _rest_of_path(request: AnyRequest, prefix: str) -> str:
    """Return what stands behind the prefix, percent-decoded once, its slashes kept as sent."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.decode("latin-1").partition("?")[0]
    return unquote(path[len(prefix) :]) if path.startswith(prefix) else request.scope["path"][len(prefix) :]


@get("/api/ledger", tags=["books"])
async def read_ledger(
    room: InRoom, wait: Annotated[float, QueryParameter(ge=0, le=MOST_WAITED)] = 0.0
) -> Ledger:
    """Give the books: received = stored + duplicate + rejected, in all and per app.

    They are told as they stand: ``pending`` events are in the log and not loaded yet. ``wait`` gives
    the loader so many seconds to load them first.
    """
    ledger: Ledger = await room.answers.run(lambda: room.platform.ledger(wait), quick=True)
    return ledger


@get("/api/events/{event_id:path}", tags=["books"])
async def read_trace(
    request: AnyRequest,
    room: InRoom,
    event_id: Annotated[str, PathParameter(description="The event's id.")],  # noqa: ARG001
) -> Trace:
    """Tell one event's life: where it is, or why it isn't there."""
    name = _rest_of_path(request, "/api/events/")
    trace: Trace = await room.answers.run(lambda: room.platform.trace(name), quick=True)
    return trace


@get("/api/rejected", tags=["books"])
async def list_rejected(
    room: InRoom,
    app: AppName = None,
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 100,
) -> list[dict[str, Any]]:
    """List rejected events, newest first, with every reason and the scrubbed bytes."""
    found: list[RejectedEvent] = await room.answers.run(
        lambda: room.platform.rejected(app_id=app or None, limit=limit), quick=True
    )
    return [rejected_json(event) for event in found]


@get("/api/rejected/{rejected_id:path}", tags=["books"], responses=NONE_SUCH)
async def read_rejected(
    request: AnyRequest,
    room: InRoom,
    rejected_id: Annotated[str, PathParameter(description="As the list gives it.")],  # noqa: ARG001
) -> dict[str, Any]:
    """Give one rejected event."""
    name = _rest_of_path(request, "/api/rejected/")
    found: list[RejectedEvent] = await room.answers.run(
        lambda: room.platform.rejected(rejected_id=name, limit=1), quick=True
    )
    if not found:
        raise NotFound(what="rejected event", name=name, hint="GET /api/rejected lists them")
    return rejected_json(found[0])


@post("/api/rejected/retry", tags=["books"], status_code=200)
async def retry_rejected(room: InRoom, data: JSONBody[RetryOrder]) -> Retried:
    """Put rejected events through today's rules again; those that pass are stored, once."""
    outcome: Retried = await room.answers.run(lambda: room.platform.retry(data.ids, data.app, data.body))
    return outcome


@get("/api/imports", tags=["imports"])
async def list_imports(
    room: InRoom,
    app: AppName = None,
    limit: Annotated[int, QueryParameter(ge=1, le=10_000)] = 100,
) -> list[dict[str, Any]]:
    """List the files and objects that were imported, the newest first, with what became of each."""
    found: Sequence[SourceRecord] = await room.answers.run(
        lambda: room.platform.imported(limit, app or None), quick=True
    )
    return [source_json(record) for record in found]


@post("/api/imports", tags=["imports"], status_code=200)
async def import_files(request: AnyRequest, room: InRoom, data: JSONBody[ImportOrder]) -> Stream:
    """Import files of this machine; JSON lines tell the progress, the last one ``{"done": ...}``.

    Only for callers on the same machine: the paths are the machine's own.
    """
    if not from_here(request):
        cause = "only a command on the platform's own machine may name files of it"
        raise BadSource(path=", ".join(data.paths), format=data.format, cause=cause, hint="Run it there")
    lines = watched(
        lambda tell: room.platform.import_files(
            data.format, data.paths, data.app, tell, growing=data.growing
        )
    )
    return Stream(lines, media_type="application/x-ndjson")


@get("/api/health", tags=["books"])
async def read_health(request: AnyRequest, room: InRoom) -> Response[Any]:
    """Say whether the platform works; each part's own word only to those who may ask the rest."""
    health: Mapping[str, Any] = await room.answers.run(room.platform.health, quick=True)
    well = bool(health.get("ok", True))
    body = health if request.scope["state"].get("trusted") else {"ok": well}
    return Response(body, status_code=200 if well else 503, media_type="application/json")


BOOKS_ROUTES = [
    read_ledger,
    read_trace,
    list_rejected,
    read_rejected,
    retry_rejected,
    list_imports,
    import_files,
    read_health,
]
