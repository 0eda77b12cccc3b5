"""The API's routes for copies out: the relational mart, and files."""

from litestar import post
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import Struct

from footfall.apps.console.room import AnyRequest, InRoom
from footfall.apps.console.watched import from_here, watched
from footfall.errors import BadTarget, MartRefused
from footfall.services.export_files import FileOrder

__all__ = ["EXPORT_ROUTES", "ExportOrder"]

LINES = "application/x-ndjson"


class ExportOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """A database to write the mart to; ``whole`` writes every day anew."""

    url: str
    whole: bool = False


@post("/api/exports", tags=["exports"], status_code=200)
async def export_mart(request: AnyRequest, room: InRoom, data: JSONBody[ExportOrder]) -> Stream:
    """Bring a relational mart up to date; JSON lines tell the progress, the last one ``{"done": ...}``.

    Only for callers on the same machine: the platform would connect to any address that it is told.
    """
    if not from_here(request):
        raise MartRefused(place="The console", cause="only a command on its own machine may export")
    lines = watched(lambda tell: room.platform.export_mart(data.url, data.whole, tell))
    return Stream(lines, media_type=LINES)


@post("/api/exports/files", tags=["exports"], status_code=200)
async def export_files(request: AnyRequest, room: InRoom, data: JSONBody[FileOrder]) -> Stream:
    """Write events to Parquet or CSV files; JSON lines tell the progress, the last one ``{"done": ...}``.

    Only for callers on the same machine: the path is the machine's own.
    """
    if not from_here(request):
        cause = "only a command on the platform's own machine may name files of it"
        raise BadTarget(path=data.path, cause=cause, hint="Run it there")
    lines = watched(lambda tell: room.platform.export_files(data, tell))
    return Stream(lines, media_type=LINES)


EXPORT_ROUTES = [export_mart, export_files]
