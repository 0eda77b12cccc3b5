"""The collector's paths, one row each."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from footfall.apps.collector.answers import Answer, text
from footfall.apps.collector.counters import render
from footfall.apps.collector.door import Door
from footfall.apps.collector.sending import post_events, refused_by_log, send_pixel
from footfall.errors import FootfallError

__all__ = ["ROUTES", "Handler", "Route"]

Handler = Callable[[Door, Any, Any], Awaitable[Answer]]

ALIVE = Answer(200, b'{"status":"alive"}')
READY = Answer(200, b'{"status":"ready"}')


class Route(NamedTuple):
    """What a path takes and who answers; OPTIONS is answered for all alike."""

    methods: frozenset[str]
    handle: Handler
    allow: str


async def _alive(_door: Door, _scope: Any, _protocol: Any) -> Answer:
    return ALIVE


async def _ready(door: Door, _scope: Any, _protocol: Any) -> Answer:
    try:
        await door.commit.check()
    except FootfallError as error:
        return refused_by_log(error)
    return READY


async def _metrics(door: Door, _scope: Any, _protocol: Any) -> Answer:
    return text(render(door.counters.sums()))


def _row(handle: Handler, *methods: str) -> Route:
    return Route(frozenset(methods), handle, ", ".join((*methods, "OPTIONS")))


ROUTES: Mapping[str, Route] = {
    "/v1/events": _row(post_events, "POST"),
    "/pixel.gif": _row(send_pixel, "GET", "HEAD"),
    "/healthz": _row(_alive, "GET", "HEAD"),
    "/readyz": _row(_ready, "GET", "HEAD"),
    "/metrics": _row(_metrics, "GET", "HEAD"),
}
