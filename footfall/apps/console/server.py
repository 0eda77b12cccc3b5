"""Runs the console inside the platform's process, which alone owns the warehouse."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from footfall.apps.console.app import create_app
from footfall.apps.console.platform import Platform
from footfall.errors import BadSettings

__all__ = ["serve"]

READY_LOOK_SECONDS = 0.01
STOP_SECONDS = 5


def serve(
    platform: Platform,
    address: str | None = None,
    *,
    stop: threading.Event,
    ready: Callable[[], None] | None = None,
) -> None:
    """Answer at HOST:PORT (``settings.console.address``) until ``stop`` is set, then return.

    Blocks the calling thread, which may be any; takes no signals. ``ready`` is called once
    connections are taken. Raises BadSettings when the address cannot be listened on, or would
    be public without a token.
    """
    host, port = _split(address or platform.settings.console.address)
    _probe(host, port)
    asyncio.run(_serve(platform, host, port, stop, ready))


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise BadSettings(problems=f"console.address {address!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _probe(host: str, port: int) -> None:
    """Refuse a port in use: Granian listens with SO_REUSEPORT, so two would share it in silence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            problem = f"console.address {host}:{port} cannot be listened on ({error.strerror})"
            raise BadSettings(problems=problem) from error


async def _serve(
    platform: Platform, host: str, port: int, stop: threading.Event, ready: Callable[[], None] | None
) -> None:
    server = Server(
        create_app(platform),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
    )
    serving = asyncio.ensure_future(server.serve())
    stopping = asyncio.ensure_future(asyncio.to_thread(stop.wait))
    if ready is not None and await _listens(host, port, serving):
        ready()
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    stop.set()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(serving, STOP_SECONDS)
    await stopping


async def _listens(host: str, port: int, serving: "asyncio.Future[None]") -> bool:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(READY_LOOK_SECONDS)
            continue
        writer.close()
        return True
    return False
