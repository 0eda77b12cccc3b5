"""``footfall demo``: the whole platform on simulated traffic, and its main answers as tables."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from footfall.adapters.platform_client import PlatformClient
from footfall.apps.cli.ledger import COLUMNS, ledger_rows
from footfall.apps.cli.output import Folder, console, notes, print_rows
from footfall.apps.cli.simulate import send_world
from footfall.apps.supervisor import Supervisor, children_of, environment_of, free_address
from footfall.compose import Here, connect
from footfall.errors import BadSettings, SendFailed
from footfall.services.send import send
from footfall.settings import Settings, load_settings
from footfall.simulate.accesslogs import access_log
from footfall.simulate.live import live
from footfall.simulate.world import simulate

__all__ = ["demo"]

FOLDER = Path("footfall-demo")
MARK = "made-by-footfall-demo"
USERS, DAYS, SEED = 2_500, 30, 7
LIVE_PER_SECOND = 15
LOAD_SECONDS = 60.0

QUESTIONS: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("Daily active users", "daily_active_users", {}, 31),
    ("Retention by week", "retention", {"period": "week"}, 20),
    (
        "Funnel within a day",
        "funnel",
        {"steps": "page_view,product_view,add_to_cart,checkout,purchase", "window": "1d"},
        20,
    ),
    ("Top pages", "top_pages", {}, 10),
    ("Countries", "countries", {}, 10),
    ("Average age", "average_age", {}, 1),
    ("Most opened files", "top_objects", {}, 10),
)


def demo(*, once: bool = False, folder: Folder | None = None) -> None:
    """Run the platform on simulated traffic and print its main answers; then live, until Ctrl-C.

    The folder ./footfall-demo is made anew each time.

    Examples:
      footfall demo
      footfall demo --once

    Parameters
    ----------
    once: bool
        Stop after the tables.
    """
    settings = _settings(folder.data if folder and folder.data else FOLDER)
    supervisor = Supervisor(children_of(settings), environment_of(settings), notes.print)
    ended = threading.Event()

    def stop(*_: object) -> None:
        ended.set()
        supervisor.stop()
        raise KeyboardInterrupt

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stop)
    began = time.monotonic()
    try:
        supervisor.start()
        notes.print(f"The platform is ready ({time.monotonic() - began:.1f} s).")
        threading.Thread(target=supervisor.watch, name="supervisor", daemon=True).start()
        _fill(settings)
        _tell(settings)
        if not once:
            _go_on(settings, ended)
    except KeyboardInterrupt:
        notes.print("\nStopping.")
    finally:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        supervisor.stop()
        supervisor.shut_down()


def _settings(data: Path) -> Settings:
    """Return settings for a fresh folder and free ports. Raises BadSettings for a folder of others."""
    if data.exists():
        if not (data / MARK).exists() and any(data.iterdir()):
            problem = f"{data} holds something that no demo made; name another folder with --data"
            raise BadSettings(problems=problem)
        shutil.rmtree(data)
    data.mkdir(parents=True)
    (data / MARK).touch()
    settings = load_settings(flags={"data": data})
    return replace(
        settings,
        collector=replace(settings.collector, address=free_address(settings.collector.address)),
        console=replace(settings.console, address=free_address(settings.console.address)),
    )


def _fill(settings: Settings) -> None:
    """Send a month of people over HTTP, then import the access log of the same people."""
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    world = simulate(USERS, DAYS, SEED, first)
    sent = send_world(world, f"http://{settings.collector.address}")
    total = sent.accepted + sent.duplicates + sent.rejected
    notes.print(f"Sent {total:,} events over HTTP in {sent.seconds:.1f} s, each on disk before its answer.")
    log = settings.data / "access.log"
    with log.open("wb") as file:
        file.writelines(access_log(world, "combined", files_only=True))
    with connect(settings=settings) as platform:
        outcome = platform.import_files("combined", [str(log.resolve())], "files", lambda _: None)
        notes.print(f"Imported {outcome['lines']:,} lines of an access log (app files).")
        _wait_until_loaded(platform)


def _wait_until_loaded(platform: Here | PlatformClient) -> None:
    deadline = time.monotonic() + LOAD_SECONDS
    with notes.status("Loading what is in the log"):
        while platform.ledger()["pending"]:
            if time.monotonic() > deadline:
                notes.print("The loader is still busy; the answers below are of what is loaded so far.")
                return
            time.sleep(0.1)


def _tell(settings: Settings) -> None:
    """Print the main answers."""
    with connect(settings=settings) as platform:
        for title, name, values, most in QUESTIONS:
            app = "files" if name == "top_objects" else "default"
            answer = platform.metric(name, {**values, "app": app})
            print_rows(answer["columns"], answer["rows"][:most], "table", title=title)
        books = platform.ledger()
    print_rows(("app", *COLUMNS, "pending", "balanced"), ledger_rows(books), "table", title="Ledger")
    console.print(f"\nConsole: [bold]http://{settings.console.address}[/bold]")


def _go_on(settings: Settings, ended: threading.Event) -> None:
    """Send live traffic until told to stop; a collector that is away for long is only told of."""
    console.print("Live traffic goes on until Ctrl-C.")

    def moments() -> Iterator[tuple[int, int]]:
        while not ended.wait(1.0):
            yield time.time_ns() // 1_000, LIVE_PER_SECOND

    while not ended.is_set():
        try:
            send(live(moments(), SEED), f"http://{settings.collector.address}", connections=1)
        except SendFailed as error:
            notes.print(str(error), markup=False)
