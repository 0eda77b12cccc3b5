"""Raw events again into a lake as Firehose leaves it: by arrival, some twice, some not archived."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from aws_emulator import aws_emulator, make_bucket
from aws_servers import fresh
from firehosed_lake import FIRST, HOUR, Firehosed, between, changed, old, same
from spark_world import KEY, NOW, Embedded, embedded, requests_of

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.lake_rows import read_rows, write_rows
from footfall.core.scrub import plan_for
from footfall.errors import BadSource, NotFound
from footfall.services.lake_replay import Asked, LakeReplayed, Stores, replay_lake
from footfall.services.raw_objects import list_raw, read_raw

DAY = timedelta(days=1)
PLAN = plan_for({}, KEY)


@pytest.fixture(scope="module", autouse=True)
def moto_url() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """Some days of a small world, by the embedded path."""
    return embedded(tmp_path_factory.mktemp("small"), requests_of(60, 3))


@dataclass
class World(Firehosed):
    """Replays with a warehouse of its own each time."""

    work: Path = Path()

    def replay(self, *, now: datetime = NOW, dry_run: bool = False, **asked: Any) -> LakeReplayed:
        warehouse = DuckDBWarehouse(self.work / fresh("work"))
        try:
            stores = Stores(
                list_raw(self.raw), lambda key: read_raw(self.raw, key), lambda _: PLAN, warehouse,
                self.lake, read_rows, write_rows,
            )  # fmt: skip
            done = replay_lake(Asked(**asked), stores, now, lambda *_: None, dry_run=dry_run)
        finally:
            warehouse.close()
        assert done.read == done.written + done.duplicate + done.rejected + done.outside
        assert done.stood == done.replaced + done.stayed
        assert not [each.key for each in self.bucket.list("_staging/")]
        return done


@pytest.fixture
def world(small: Embedded, tmp_path: Path) -> World:
    name = fresh("replay")
    make_bucket(f"{name}-raw")
    make_bucket(f"{name}-lake")
    made = World.of(small, f"{name}-raw", f"{name}-lake")
    assert isinstance(made, World)
    made.work = tmp_path
    return made


def test_the_lake_has_each_event_once_as_the_embedded_path_has_it(world: World) -> None:
    world.deliver(old(world.truth))
    before = world.rows()
    assert len(before) > len(world.truth)
    counted = world.replay(dry_run=True)
    same(world.rows(), before, without=())
    done = world.replay()
    assert done == counted
    assert (done.written, done.replaced, done.stayed) == (len(world.truth), len(before), 0)
    assert sum(day.before for day in done.days) == len(before)
    assert sum(day.after for day in done.days) == len(world.truth)
    same(world.rows(), world.truth)
    again = world.replay()
    assert (again.written, again.replaced) == (len(world.truth), len(world.truth))
    same(world.rows(), world.truth)


def test_hours_that_were_not_asked_for_are_as_they_were(world: World) -> None:
    """Late events and the edges of hours: each event stands once, made anew inside, as it was outside."""
    world.deliver(old(world.truth), twice=0)
    start, end = FIRST + 20 * HOUR, FIRST + DAY + 15 * HOUR
    done = world.replay(start=start, end=end)
    made = between(world.truth, start, end)
    assert 0 < done.written == done.replaced == len(made) < len(world.truth)
    rest = pa.concat_tables([between(world.truth, FIRST - DAY, start), between(world.truth, end, NOW)])
    assert len(rest) + len(made) == len(world.truth)
    same(world.rows(), pa.concat_tables([made, old(rest)]))


def test_rows_without_a_successor_stay(world: World) -> None:
    """An import's rows, one whose raw event is not archived yet, and events of the last two hours."""
    imported = changed(old(world.truth.slice(0, 5)), "origin", ["s3"] * 5)
    unknown = changed(old(world.truth.slice(5, 3)), "event_id", [f"not archived {n}" for n in range(3)])
    world.deliver(pa.concat_tables([old(world.truth), imported, unknown]), twice=0)
    last = pc.max(world.truth["received_at"]).as_py()
    done = world.replay(now=last + HOUR)
    recent = world.truth.filter(pc.greater_equal(world.truth["received_at"], last - HOUR))
    assert len(recent) > 0
    assert done.stayed == 5 + 3 + len(recent)
    made = world.truth.filter(pc.less(world.truth["received_at"], last - HOUR))
    same(
        world.rows(),
        pa.concat_tables([made, old(recent), imported, unknown]),
        without=("processed_at", "session_id"),
    )


def test_a_damaged_block_and_a_day_that_is_missing_leave_the_lake_alone(world: World) -> None:
    world.deliver(old(world.truth))
    before = world.keys()
    with pytest.raises(NotFound, match="2026-02-20"):
        world.replay(start=datetime(2026, 2, 20), end=FIRST + DAY)  # noqa: DTZ001
    block = list_raw(world.raw)[0]
    world.raw.put(block.key, b"damaged")
    with pytest.raises(BadSource, match="do not match"):
        world.replay()
    assert world.keys() == before
