"""The pages, the sign-in, and the static files that they are made of."""

import asyncio
import hmac
from dataclasses import dataclass
from typing import Any, NamedTuple

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from footfall.apps.console.guard import COOKIE, cookie_value
from footfall.apps.console.room import AnyRequest, InRoom, Room

__all__ = ["PAGES", "PAGE_ROUTES"]

FOR_GOOD = "public, max-age=31536000, immutable"
WRONG_TOKEN_SECONDS = 0.5


class Page(NamedTuple):
    """One page: its path, its name in the navigation, and its template."""

    path: str
    name: str
    template: str


PAGES = (
    Page("/", "Overview", "overview.html"),
    Page("/files", "Files", "files.html"),
    Page("/ledger", "Ledger", "ledger.html"),
    Page("/trace", "Trace", "trace.html"),
    Page("/sql", "SQL", "sql.html"),
    Page("/reconcile", "Reconcile", "reconcile.html"),
    Page("/schedule", "Schedule", "schedule.html"),
    Page("/connect", "Connect", "connect.html"),
)


def _page(room: Room, page: Page) -> Template:
    context = {
        "page": page,
        "pages": PAGES,
        "static": room.assets.url,
        "collector": room.platform.settings.collector.address,
        "signed_in": bool(room.door.token),
    }
    return Template(page.template, context=context, headers={"cache-control": "no-cache"})


def _route(page: Page) -> HTTPRouteHandler:
    @get(page.path, include_in_schema=False, sync_to_thread=False)
    def show(room: InRoom) -> Template:
        return _page(room, page)

    return show


@get("/static/{release:str}/{path:path}", include_in_schema=False, sync_to_thread=False)
def static(
    request: AnyRequest, room: InRoom, release: FromPath[str], path: FromPath[str]
) -> Response[bytes]:
    """Send a static file, packed where the browser takes that."""
    asset = room.assets.by_path.get(path.lstrip("/"))
    if asset is None:
        raise NotFoundException("There is no such file.")
    headers = {"vary": "accept-encoding"}
    headers["cache-control"] = FOR_GOOD if release == room.assets.release else "no-cache"
    body = asset.body
    packed = asset.packed if "gzip" in request.headers.get("accept-encoding", "") else None
    if packed is not None:
        body = packed
        headers["content-encoding"] = "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


@get("/favicon.ico", include_in_schema=False, sync_to_thread=False)
def favicon(room: InRoom) -> Redirect:
    """Send browsers that ask by habit to the mark."""
    return Redirect(room.assets.url("img/mark.svg"))


@dataclass(frozen=True)
class SignIn:
    """The sign-in form."""

    token: str = ""
    next: str = "/"


def _inside(target: str) -> str:
    """Return the target when it is a path of this site, else the first page."""
    inside = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if inside else "/"


def _form(room: Room, target: str, *, wrong: bool) -> Template:
    context = {"static": room.assets.url, "next": _inside(target), "wrong": wrong}
    headers = {"cache-control": "no-store"}
    return Template("signin.html", context=context, headers=headers, status_code=401 if wrong else 200)


@get("/signin", include_in_schema=False, sync_to_thread=False)
def sign_in_page(room: InRoom, next: FromQuery[str] = "/") -> Template:
    """Ask for the token."""
    return _form(room, next, wrong=False)


@post("/signin", include_in_schema=False, status_code=200)
async def sign_in(
    request: AnyRequest,
    room: InRoom,
    data: URLEncodedBody[SignIn],
) -> Response[Any]:
    """Give a right token a cookie that scripts cannot read and other sites cannot send."""
    token = room.door.token
    if not token or not hmac.compare_digest(data.token.strip().encode(), token.encode()):
        await asyncio.sleep(WRONG_TOKEN_SECONDS)
        return _form(room, data.next, wrong=True)
    response: Response[Any] = Redirect(_inside(data.next), status_code=303)
    secure = request.headers.get("x-forwarded-proto", request.scope["scheme"]) == "https"
    response.set_cookie(
        key=COOKIE, value=cookie_value(token), httponly=True, samesite="strict", secure=secure, path="/"
    )
    return response


@post("/signout", include_in_schema=False, status_code=303, sync_to_thread=False)
def sign_out() -> Redirect:
    """Take the cookie back."""
    response = Redirect("/signin", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


PAGE_ROUTES = [*map(_route, PAGES), static, favicon, sign_in_page, sign_in, sign_out]
