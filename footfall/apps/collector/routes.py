"""The collector's paths, one row each."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from footfall.apps.collector.answers import Answer, text
from footfall.apps.collector.counters import render
from footfall.apps.collector.door import Door
from footfall.apps.collector.script import send_script
from footfall.apps.collector.sending import post_events, refused_by_log, send_pixel
from footfall.apps.collector.tracking import handler_of, pattern_of
from footfall.core.protocols.registry import TRACKERS
from footfall.errors import FootfallError
from footfall.settings import Collector as Limits

__all__ = ["ROUTES", "Handler", "Route", "path_problems", "renamed", "route_of"]

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


def _tracked() -> Iterator[tuple[str, Route]]:
    for tracker in TRACKERS.values():
        for endpoint in tracker.endpoints:
            yield endpoint.path, _row(handler_of(tracker, endpoint), *endpoint.methods)


TRACKED = dict(_tracked())

ROUTES: Mapping[str, Route] = {
    "/v1/events": _row(post_events, "POST"),
    "/pixel.gif": _row(send_pixel, "GET", "HEAD"),
    "/footfall.js": _row(send_script, "GET", "HEAD"),
    "/healthz": _row(_alive, "GET", "HEAD"),
    "/readyz": _row(_ready, "GET", "HEAD"),
    "/metrics": _row(_metrics, "GET", "HEAD"),
    **{path: route for path, route in TRACKED.items() if "{" not in path},
}

PATTERNS = [(pattern_of(path), path, route) for path, route in TRACKED.items() if "{" in path]


def renamed(limits: Limits) -> dict[str, str]:
    """Return the installation's own second paths, each with the path that it stands for."""
    own = {limits.events_path: "/v1/events", limits.script_path: "/footfall.js"}
    return {path: known for path, known in own.items() if path}


def path_problems(limits: Limits) -> list[str]:
    """Return why the installation's own paths can't be served; empty when they can."""
    problems = [
        f"collector.{name} is {path!r}, which the collector serves already: choose another"
        for name, path in (("events_path", limits.events_path), ("script_path", limits.script_path))
        if path and route_of(path)[1] is not None
    ]
    if limits.events_path and limits.events_path == limits.script_path:
        problems.append("collector.events_path and collector.script_path are the same: choose two")
    return problems


def route_of(path: str) -> tuple[str, Route | None]:
    """Return the name that a path is counted under, and its route; there are no wildcards."""
    route = ROUTES.get(path)
    if route is not None:
        return path, route
    return next(
        ((name, found) for pattern, name, found in PATTERNS if pattern.fullmatch(path)), (path, None)
    )
