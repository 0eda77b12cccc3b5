"""The API's routes for the books and what stands behind them: ledger, trace, rejected, imports, health."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from litestar.response import Stream
from msgspec import Struct

from footfall.apps.console.room import AnyRequest, ErrorBody, InRoom, Room
from footfall.errors import BadSource, FootfallError, MartRefused, NotFound
from footfall.ports import RejectedEvent
from footfall.services.ledger import Ledger
from footfall.services.rejected import Retried
from footfall.services.trace import Trace
from footfall.services.wire import rejected_json

__all__ = ["BOOKS_ROUTES", "ExportOrder", "ImportOrder", "RetryOrder"]

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
    """Files of this machine to import."""

    format: str
    paths: list[str]
    app: str = "default"


class ExportOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """A database to write the mart to; ``whole`` writes every day anew."""

    url: str
    whole: bool = False


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


@post("/api/imports", tags=["imports"], status_code=200)
async def import_files(request: AnyRequest, room: InRoom, data: JSONBody[ImportOrder]) -> Stream:
    """Import files of this machine; JSON lines tell the progress, the last one ``{"done": ...}``.

    Only for callers on the same machine: the paths are the machine's own.
    """
    if not _from_here(request):
        cause = "only a command on the platform's own machine may name files of it"
        raise BadSource(path=", ".join(data.paths), format=data.format, cause=cause, hint="Run it there")
    lines = _told(room, lambda tell: room.platform.import_files(data.format, data.paths, data.app, tell))
    return Stream(lines, media_type="application/x-ndjson")


@post("/api/exports", tags=["exports"], status_code=200)
async def export_mart(request: AnyRequest, room: InRoom, data: JSONBody[ExportOrder]) -> Stream:
    """Bring a relational mart up to date; JSON lines tell the progress, the last one ``{"done": ...}``.

    Only for callers on the same machine: the platform would connect to any address that it is told.
    """
    if not _from_here(request):
        raise MartRefused(place="The console", cause="only a command on its own machine may export")
    lines = _told(room, lambda tell: room.platform.export_mart(data.url, data.whole, tell))
    return Stream(lines, media_type="application/x-ndjson")


def _from_here(request: AnyRequest) -> bool:
    client = request.scope.get("client")
    return client is not None and ipaddress.ip_address(client[0]).is_loopback


Tell = Callable[[Mapping[str, Any]], None]


async def _told(room: Room, order: Callable[[Tell], Mapping[str, Any]]) -> AsyncIterator[bytes]:
    """Run long work and yield what it tells, a JSON line each."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    def tell(progress: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(lines.put_nowait, progress)

    def work() -> None:
        try:
            tell({"done": order(tell)})
        except FootfallError as error:
            tell({"error": str(error), "retryable": error.retryable})

    task = asyncio.ensure_future(room.answers.run(work))
    while not task.done() or not lines.empty():
        waiting = asyncio.ensure_future(lines.get())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            yield msgspec.json.encode(waiting.result()) + b"\n"
        else:
            waiting.cancel()
            await asyncio.sleep(0)  # lets what the thread has just told arrive
    await task


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
    import_files,
    export_mart,
    read_health,
]
