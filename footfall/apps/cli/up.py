"""``footfall up``: the whole platform, until Ctrl-C."""

import signal
import time
from pathlib import Path

import footfall
from footfall.apps.cli.output import Folder, notes
from footfall.apps.supervisor import Supervisor, children_of, environment_of, free_address
from footfall.errors import AddressInUse
from footfall.settings import Settings, load_settings

__all__ = ["check_addresses", "up"]


def up(
    *,
    collector: str | None = None,
    console: str | None = None,
    workers: int | None = None,
    folder: Folder | None = None,
) -> None:
    """Run the platform: collector, loader, warehouse, lake and console, until Ctrl-C.

    Examples:
      footfall up
      footfall up --data /srv/footfall --workers 2 --collector 127.0.0.1:9000

    Parameters
    ----------
    collector: str
        HOST:PORT where events are taken in; 127.0.0.1:8000 when not given.
    console: str
        HOST:PORT of the pages and the API; 127.0.0.1:8001 when not given.
    workers: int
        Collector processes.
    """
    began = time.monotonic()
    settings = load_settings(
        flags={
            "data": folder.data if folder else None,
            "collector.address": collector,
            "collector.workers": workers,
            "console.address": console,
        }
    )
    check_addresses(settings)
    supervisor = Supervisor(children_of(settings), environment_of(settings), notes.print)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda *_: supervisor.stop())
    supervisor.start()
    try:
        _greet(settings, time.monotonic() - began)
        supervisor.watch()
    finally:
        notes.print("Stopping: what was taken in is on disk.")
        supervisor.shut_down()


def check_addresses(settings: Settings) -> None:
    """Raise AddressInUse before anything is started when a port is taken."""
    for address in (settings.collector.address, settings.console.address):
        if free_address(address) != address:
            raise AddressInUse(address=address)


def _greet(settings: Settings, seconds: float) -> None:
    folder = Path(settings.data).resolve()
    notes.print(f"[bold]footfall {footfall.__version__}[/bold] is ready ({seconds:.1f} s)")
    notes.print(f"  console    http://{settings.console.address}")
    notes.print(f"  collector  http://{settings.collector.address}  POST /v1/events")
    notes.print(f"  data       {folder}")
    notes.print("[dim]  Ctrl-C stops it.[/dim]")
