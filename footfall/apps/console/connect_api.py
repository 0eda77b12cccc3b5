"""The API's routes for connecting a tracker: what to put into a site, and a test event."""

from datetime import UTC, datetime

from litestar import get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from footfall.apps.console.room import ErrorBody, InRoom
from footfall.services.connect import Connection, Trial, Way, connections, find_test, send_test, ways
from footfall.services.trace import Trace

__all__ = ["CONNECT_ROUTES", "TestOrder", "WaysBody"]

ERRORS = {
    400: ResponseSpec(data_container=ErrorBody, description="No app has a write key."),
    404: ResponseSpec(data_container=ErrorBody, description="There is no such tracker or app."),
    503: ResponseSpec(data_container=ErrorBody, description="The collector does not answer."),
}


class WaysBody(Struct, frozen=True):
    """The collector's address (HOST:PORT), who may send, and how.

    ``open`` says that no key is asked for; ``lake_seconds`` is how long a row may wait for its file
    in the lake, null where none is written.
    """

    collector: str
    open: bool
    lake_seconds: float | None
    connections: list[Connection]
    ways: list[Way]


class TestOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Which tracker's form a test event has, and for which app it is sent."""

    way: str
    app: str | None = None


@get("/api/connect", tags=["connect"], sync_to_thread=False)
def read_ways(room: InRoom) -> WaysBody:
    """List the ways to send with their snippets, and each app's write key."""
    settings = room.platform.settings
    lake = settings.lake.flush_seconds if settings.lake.enabled else None
    return WaysBody(settings.collector.address, not settings.apps, lake, connections(settings), ways())


@post("/api/connect/test", tags=["connect"], status_code=200, responses=ERRORS)
async def send_test_event(room: InRoom, data: JSONBody[TestOrder]) -> Trial:
    """Send a test event to the collector over HTTP, in the tracker's own form where it has one.

    The answer holds what the collector said, also when that was a refusal; ``GET`` with its
    ``event_id`` behind the path follows the event from there.
    """
    trial: Trial = await room.answers.run(
        lambda: send_test(data.way, data.app, room.platform.settings, _now), quick=True
    )
    return trial


@get("/api/connect/test/{event_id:str}", tags=["connect"])
async def read_test_event(room: InRoom, event_id: FromPath[str]) -> Trace:
    """Tell a test event's life, as ``GET /api/events/{id}`` does, by the id that it was sent with."""
    platform = room.platform
    trace: Trace = await room.answers.run(
        lambda: find_test(event_id, platform.trace, platform.warehouse, _now()), quick=True
    )
    return trace


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


CONNECT_ROUTES = [read_ways, send_test_event, read_test_event]
