"""``footfall simulate``: people with behaviour, to a file or to a collector, and the truth about them."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO, Annotated

from cyclopts import Parameter
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from footfall.apps.cli.output import notes
from footfall.errors import BadSettings
from footfall.services.send import Sent, send
from footfall.simulate.accesslogs import access_log
from footfall.simulate.encode import ndjson
from footfall.simulate.gaps_truth import gaps_truth
from footfall.simulate.truth import truth
from footfall.simulate.unseen import Gaps
from footfall.simulate.world import World, events
from footfall.simulate.world import simulate as make_world

__all__ = ["send_world", "simulate"]


@Parameter(name="*")
@dataclass(frozen=True)
class Crowd:
    """Who is simulated, and when."""

    users: int = 1_000
    """How many people."""
    days: int = 30
    """Over how many UTC days."""
    seed: int = 1
    """Another seed, other people."""
    start: str | None = None
    """First day, YYYY-MM-DD; so that the last day is yesterday when not given."""


@Parameter(name="*")
@dataclass(frozen=True)
class Missed:
    """What log and script miss, for "footfall reconcile"; events then tell their sender's address."""

    log: Path | None = None
    """File for the access log (combined) of the same people."""
    blockers: float = 0.0
    """Share of browsers that block the script, such as 0.2."""
    cached: float = 0.0
    """Share of page loads that caches answer, so that the log has them not."""

    @property
    def gaps(self) -> Gaps | None:
        """The same for the world; None when nothing of it was asked for."""
        return Gaps(self.blockers, self.cached) if self != Missed() else None


def simulate(
    *,
    crowd: Crowd | None = None,
    missed: Missed | None = None,
    out: Path | None = None,
    url: str | None = None,
    rate: float | None = None,
    write_key: str | None = None,
    truth_file: Annotated[Path | None, Parameter(name="--truth")] = None,
) -> None:
    """Simulate people on a restaurant's site, and write or send what they do.

    The same arguments give the same events, to the byte.

    Examples:
      footfall simulate --users 1000 --days 30 --seed 7 --out events.ndjson --truth truth.json
      footfall simulate --users 200 --days 7 --seed 1 --url http://127.0.0.1:8000 --rate 500
      footfall simulate --out events.ndjson --log access.log --blockers 0.2 --cached 0.1

    Parameters
    ----------
    out: Path
        NDJSON file to write; - is standard output.
    url: str
        Collector to send to.
    rate: float
        Events per second; as fast as it goes when not given.
    write_key: str
        The app's write key, where the collector demands one.
    truth_file: Path
        JSON file for the exact answers, computed apart from any SQL.
    """
    crowd, missed = crowd or Crowd(), missed or Missed()
    if (out is None) == (url is None):
        raise BadSettings(problems="give either --out FILE or --url URL")
    try:
        latest = datetime.now(UTC).date() - timedelta(days=crowd.days)
        first = date.fromisoformat(crowd.start) if crowd.start else latest
        world = make_world(crowd.users, crowd.days, crowd.seed, first, missed.gaps)
    except ValueError as error:
        raise BadSettings(problems=str(error)) from error
    if url is not None:
        sent = send_world(world, url, rate=rate, write_key=write_key)
        notes.print(
            f"{sent.accepted:,} accepted, {sent.duplicates:,} known duplicates, {sent.rejected:,} rejected "
            f"in {sent.seconds:.1f} s ({sent.retries} retries)"
        )
    elif out is not None:
        _write(world, out)
    if missed.log is not None:
        with missed.log.open("wb") as file:
            file.writelines(access_log(world, "combined"))
        notes.print(f"Their access log is in {missed.log}")
    if truth_file is not None:
        answers = truth(world) | (gaps_truth(world) if world.unseen else {})
        truth_file.write_text(json.dumps(answers), encoding="utf-8")
        notes.print(f"The exact answers are in {truth_file}")


def send_world(world: World, url: str, *, rate: float | None = None, write_key: str | None = None) -> Sent:
    """Send a world's events with a progress bar."""
    with _bar("sending", world) as (bar, task):
        return send(
            ndjson(world),
            url,
            rate=rate,
            write_key=write_key,
            on_progress=lambda done: bar.update(task, completed=done),
        )


def _write(world: World, out: Path) -> None:
    with _bar("writing", world) as (bar, task), _opened(out) as file:
        for block in ndjson(world):
            file.write(block)
            bar.update(task, advance=block.count(b"\n"))


@contextmanager
def _opened(out: Path) -> Iterator[IO[bytes]]:
    if str(out) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with out.open("wb") as file:
        yield file


@contextmanager
def _bar(verb: str, world: World) -> Iterator[tuple[Progress, TaskID]]:
    """Draw a bar over the world's events, which a first walk without encoding counts."""
    columns = (
        TextColumn(verb),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes) as bar:
        yield bar, bar.add_task(verb, total=sum(len(part) for part in events(world)))
