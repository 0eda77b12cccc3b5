"""The console as one ASGI application: routes, guard, templates, and the schema of its API."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template.config import TemplateConfig

import footfall
from footfall.apps.console.answers import Answers
from footfall.apps.console.api import ANSWER_ROUTES
from footfall.apps.console.assets import read_assets
from footfall.apps.console.books_api import BOOKS_ROUTES
from footfall.apps.console.connect_api import CONNECT_ROUTES
from footfall.apps.console.exports_api import EXPORT_ROUTES
from footfall.apps.console.guard import SECURITY_HEADERS, Door, Refusal, judge
from footfall.apps.console.pages import PAGE_ROUTES
from footfall.apps.console.platform import Platform
from footfall.apps.console.reconcile_api import RECONCILE_ROUTES
from footfall.apps.console.room import EXCEPTION_HANDLERS, Room
from footfall.apps.console.schedule_api import SCHEDULE_ROUTES

__all__ = ["ConsoleApp", "create_app"]

MAX_BODY_BYTES = 1_048_576
SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class ConsoleApp(Litestar):
    """Litestar behind the guard: what is refused reaches no route, and every answer has the headers."""

    door: Door

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *SECURITY]
            await send(message)

        refused, trusted = judge(self.door, scope, partial(_cookies, scope))
        if refused is not None:
            await _refuse(refused, guarded)
            return
        scope.setdefault("state", {})["trusted"] = trusted
        await super().__call__(scope, receive, guarded)


def create_app(platform: Platform) -> ConsoleApp:
    """Return the console over a platform. Raises BadSettings when it would be public without a token.

    The platform stays its owner's: closing the application does not close it.
    """
    answers = Answers(platform.version)
    room = Room(platform, answers, read_assets(), Door.of(platform.settings))

    @asynccontextmanager
    async def threads(_: Litestar) -> AsyncIterator[None]:
        yield
        answers.close()

    app = ConsoleApp(
        route_handlers=[
            *ANSWER_ROUTES,
            *BOOKS_ROUTES,
            *CONNECT_ROUTES,
            *EXPORT_ROUTES,
            *SCHEDULE_ROUTES,
            *RECONCILE_ROUTES,
            *PAGE_ROUTES,
        ],
        dependencies={"room": Provide(lambda: room, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[threads],
        template_config=TemplateConfig(
            directory=Path(__file__).parent / "templates", engine=JinjaTemplateEngine
        ),
        openapi_config=OpenAPIConfig(
            title="footfall console",
            version=footfall.__version__,
            description="Metrics, SQL and the books of one footfall platform. Times are UTC.",
            path="/schema",
            render_plugins=[JsonRenderPlugin()],
        ),
        compression_config=CompressionConfig(
            backend="gzip", minimum_size=2_000, gzip_compress_level=4, exclude=["^/static/"]
        ),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )
    app.door = room.door
    return app


def _cookies(scope: Mapping[str, Any]) -> Mapping[str, str]:
    jar: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                jar.load(value.decode("latin-1"))
            except CookieError:
                return {}
    return {name: morsel.value for name, morsel in jar.items()}


async def _refuse(refused: Refusal, send: Any) -> None:
    body = b"" if refused.location else refused.body()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.location:
        headers.append((b"location", refused.location.encode("latin-1")))
    if refused.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="footfall console"'))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
