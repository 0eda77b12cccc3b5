"""The RSGI application: finds the route, answers, and says who may read the answer (CORS)."""

import asyncio
import logging
from typing import Any

from footfall.apps.collector.answers import Answer, refusal
from footfall.apps.collector.door import Door
from footfall.apps.collector.routes import ROUTES, renamed, route_of
from footfall.core.access import cors_headers

__all__ = ["Collector"]

ORIGINS = 4_096  # whose headers are kept ready

NOT_FOUND = refusal(404, "there is nothing at this path", f"events go to POST {next(iter(ROUTES))}")
SLOW = refusal(408, "the request took too long to arrive", "send it again")
BROKEN = refusal(500, "the collector has a fault", "send it again; its log says more")

logger = logging.getLogger(__name__)


class Collector:
    """One worker's application; ``https://github.com/emmett-framework/granian`` describes RSGI."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._renamed = renamed(door.limits)
        self._cors: dict[str, list[tuple[str, str]]] = {}

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        path, method = scope.path, scope.method
        origin = scope.headers.get("origin")
        path, route = route_of(self._renamed.get(path, path))
        try:
            if route is None:
                answer = NOT_FOUND
            elif method in route.methods:
                answer = await route.handle(self._door, scope, protocol)
            elif method == "OPTIONS":
                answer = self._preflight(scope, origin, route.allow)
            else:
                answer = refusal(405, "this path takes other methods", headers=[("allow", route.allow)])
        except asyncio.CancelledError:
            answer = SLOW
        except Exception:
            logger.exception("%s %s failed", method, path)
            answer = BROKEN
        self._door.row.answered(path, answer.status)
        headers = answer.headers
        if origin is not None and method != "OPTIONS" and answer.status != 403:
            headers = headers + self._readable_by(origin)
        if answer.body:
            protocol.response_bytes(answer.status, headers, answer.body)
        else:
            protocol.response_empty(answer.status, headers)

    def _readable_by(self, origin: str) -> list[tuple[str, str]]:
        headers = self._cors.get(origin)
        if headers is None:
            if len(self._cors) >= ORIGINS:
                self._cors.clear()
            allowed = self._door.access.allows_somewhere(origin)
            headers = cors_headers(origin) if allowed else [("vary", "Origin")]
            self._cors[origin] = headers
        return headers

    def _preflight(self, scope: Any, origin: str | None, allow: str) -> Answer:
        headers = scope.headers
        if origin is None or "access-control-request-method" not in headers:
            return Answer(204, b"", [("allow", allow)])
        if not self._door.access.allows_somewhere(origin):
            return refusal(403, "this origin may not send", "no app names it in its origins")
        asked = headers.get("access-control-request-headers")
        return Answer(204, b"", cors_headers(origin, methods=allow, asked=asked))
