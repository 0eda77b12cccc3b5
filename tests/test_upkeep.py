"""Upkeep: what is old is archived before it is trimmed, and one failing part stops no other."""

from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.parquet_lake import ParquetLake
from footfall.adapters.raw_archive import FolderArchive
from footfall.errors import StoreFailed
from footfall.services.load import Loader
from footfall.services.upkeep import Upkeep
from footfall.settings import LakeSettings, Log, Settings
from footfall.testing.event_log import START, MemoryLog, make_event, make_record

BEGIN = datetime.fromtimestamp(START / 1_000_000, UTC).replace(tzinfo=None)
LOG = Log(archive_after_seconds=600, keep_raw_days=2)


def second(number: float) -> datetime:
    return BEGIN + timedelta(seconds=number)


@pytest.fixture
def house(tmp_path):
    """Give a log with one record every 100 seconds, loaded up to the eighth of ten."""
    warehouse = DuckDBWarehouse(tmp_path)
    log = MemoryLog("w1")
    loader = Loader(lambda: [log], warehouse, lambda: BEGIN)
    for first, last in ((0, 8), (8, 10)):
        records = [
            make_record(make_event(event_id=str(n)), received_at=START + n * 100_000_000)
            for n in range(first, last)
        ]
        log.append(records)
        if first == 0:
            loader.drain()
    archive = FolderArchive(tmp_path / "raw")
    lake = ParquetLake(tmp_path / "lake", warehouse, LakeSettings(flush_seconds=60))
    settings = Settings(data=tmp_path, log=LOG)
    yield Upkeep(lambda: [log], warehouse, lake, archive, settings), log, archive, warehouse
    warehouse.close()


def archived(archive: FolderArchive) -> list[int]:
    return [each.offset for each in archive.read(BEGIN, BEGIN + timedelta(days=9))]


def waiting(log: MemoryLog) -> list[int]:
    return [each.offset for each in log.read(0, 1_000)]


def test_old_loaded_records_move_to_the_archive(house):
    """Few wait for a file that is worth it, at most for the age once more.

    ::
        received   0 100 200 300 ... 700 | 800 900     (the last two are not loaded)
    """
    upkeep, log, archive, _ = house
    assert upkeep.step(second(1_150)) == []
    assert (archived(archive), waiting(log)) == ([], list(range(1, 11)))
    assert upkeep.step(second(1_201)) == []
    assert (archived(archive), waiting(log)) == (list(range(1, 8)), [8, 9, 10])
    assert upkeep.step(second(99_999)) == []
    assert (archived(archive), waiting(log)) == (list(range(1, 9)), [9, 10])


def test_a_record_leaves_the_log_only_after_its_block_is_there(house, monkeypatch):
    upkeep, log, archive, _ = house
    effects = []
    write, trim = archive.write, log.trim
    monkeypatch.setattr(archive, "write", lambda records: (effects.append("write"), write(records))[1])
    monkeypatch.setattr(log, "trim", lambda upto: (effects.append(f"trim {upto}"), trim(upto))[1])
    upkeep.step(second(9_000))
    assert effects == ["write", "trim 8"]


def test_an_interrupted_step_is_done_again_without_a_second_copy(house, monkeypatch):
    upkeep, log, archive, _ = house
    with monkeypatch.context() as broken:
        broken.setattr(log, "trim", _refuse)
        assert upkeep.step(second(1_301)) == ["archive w1"]
    assert archived(archive) == waiting(log)[:8]
    assert upkeep.step(second(9_000)) == []
    assert (archived(archive), waiting(log)) == (list(range(1, 9)), [9, 10])


def test_a_failing_part_stops_no_other(house, monkeypatch, tmp_path):
    upkeep, _, archive, warehouse = house
    monkeypatch.setattr(archive, "write", _refuse)
    monkeypatch.setattr(warehouse, "prune", _refuse)
    failed = ["archive w1", "prune what was seen"]
    assert upkeep.step(second(9_000)) == failed
    assert upkeep.step(second(9_060)) == failed
    assert list((tmp_path / "lake").rglob("*.parquet"))


def test_raw_days_expire(house):
    upkeep, _, archive, _ = house
    upkeep.step(second(9_000))
    assert archived(archive)
    upkeep.step(second(9_000) + timedelta(days=3))
    assert not archived(archive)


def test_the_lake_may_be_switched_off(house, tmp_path):
    _, log, archive, warehouse = house
    lake = ParquetLake(tmp_path / "lake", warehouse)
    off = Settings(data=tmp_path, log=LOG, lake=LakeSettings(enabled=False))
    upkeep = Upkeep(lambda: [log], warehouse, lake, archive, off)
    for moment in (9_000, 9_100):
        assert upkeep.step(second(moment)) == []
    assert not (tmp_path / "lake").exists()


def _refuse(*_):
    raise StoreFailed(store="It", cause="No space left on device")


def test_the_lake_gives_way_to_a_loader_that_is_behind_but_not_for_ever(tmp_path, house):
    _, log, archive, warehouse = house
    lake = ParquetLake(tmp_path / "lake", warehouse, LakeSettings(flush_seconds=1))
    behind = 1_000_000
    upkeep = Upkeep(
        lambda: [log], warehouse, lake, archive, Settings(data=tmp_path, log=LOG), lambda: behind
    )

    def files() -> int:
        return len(list((tmp_path / "lake").rglob("*.parquet")))

    for moment in (0, 10, 299):
        upkeep.step(second(moment))
    assert files() == 0
    upkeep.step(second(300))
    assert files() > 0
    behind = 0
    log.append([make_record(make_event(event_id="late"), received_at=START)])
    Loader(lambda: [log], warehouse, lambda: BEGIN).drain()
    upkeep.step(second(601))
    upkeep.step(second(602))
    [[rows]] = warehouse.query("select count(*) from events").rows
    assert sum(pq.read_metadata(path).num_rows for path in (tmp_path / "lake").rglob("*.parquet")) == rows
