"""Which raw blocks a job over some hours reads: a week before, late events after, and no silent gap."""

from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from aws_emulator import aws_emulator, make_bucket

from footfall.adapters.raw_archive import FolderArchive
from footfall.adapters.raw_blocks import list_blocks, read_block
from footfall.errors import BadSource, NotFound
from footfall.services.replay_plan import blocks_for, in_tasks
from footfall.testing.event_log import MemoryLog, make_event, make_record

START, END = datetime(2026, 3, 10), datetime(2026, 3, 12)  # noqa: DTZ001 - our times are UTC without a zone


class Block(NamedTuple):
    day: date
    size: int = 1 << 20


MONTH = [Block(date(2026, 3, day)) for day in range(1, 31)]


def days(blocks: list[Block]) -> list[int]:
    return [block.day.day for block in blocks]


def test_what_tells_of_the_hours_is_read() -> None:
    """A week before, for repeats and sessions; all that came later, for late events.

    ::
        day   1 2 | 3 ......... 10 11 | 12 13 | 14 .... 30
                  |  a week     hours | --late-days 1
    """
    assert days(blocks_for(MONTH, START, END)) == list(range(3, 31))
    assert days(blocks_for(MONTH, START, END, late_days=1)) == list(range(3, 14))
    assert days(blocks_for(MONTH, None, None)) == list(range(1, 31))
    assert days(blocks_for(MONTH, START, None)) == list(range(3, 31))


def test_a_missing_day_is_named() -> None:
    holed = [block for block in MONTH if block.day.day != 11]
    with pytest.raises(NotFound, match=r"2026-03-11.*--gaps"):
        blocks_for(holed, START, END)
    assert 11 not in days(blocks_for(holed, START, END, gaps=True))


def test_a_task_takes_some_megabytes_and_every_core_has_some() -> None:
    assert in_tasks(MONTH, 2) == 4
    assert in_tasks(MONTH * 100, 2) == 375
    assert in_tasks(MONTH[:1], 8) == 1


def test_blocks_are_read_wherever_they_lie(tmp_path: Path) -> None:
    log = MemoryLog("w1")
    log.append([make_record(make_event(event_id=str(n))) for n in range(5)])
    FolderArchive(tmp_path / "raw").write(log.read(0, 100))
    [block] = list_blocks(str(tmp_path / "raw"))
    assert (block.log, block.last) == ("w1", 5)
    assert list(read_block(block.place)) == log.read(0, 100)
    [same] = list_blocks((tmp_path / "raw").as_uri())
    assert list(read_block(same.place)) == log.read(0, 100)
    Path(f"{block.place}.sha256").unlink()
    with pytest.raises(BadSource, match="sha256"):
        list(read_block(block.place))
    with pytest.raises(NotFound, match="no raw archive"):
        list_blocks(str(tmp_path / "nowhere"))


def test_blocks_are_read_from_s3(tmp_path: Path) -> None:
    log = MemoryLog("w1")
    log.append([make_record(make_event(event_id=str(n))) for n in range(5)])
    FolderArchive(tmp_path).write(log.read(0, 100))
    with aws_emulator():
        bucket = make_bucket("archive")
        for path in sorted(tmp_path.rglob("*.zst*")):
            bucket.upload_file(str(path), "archive", f"raw/{path.relative_to(tmp_path).as_posix()}")
        for archive in ("s3://archive/raw", "s3a://archive/raw/"):
            [block] = list_blocks(archive)
            assert (block.log, block.first, block.last) == ("w1", 1, 5)
            assert list(read_block(block.place)) == log.read(0, 100)
        with pytest.raises(NotFound, match="no raw archive"):
            list_blocks("s3://archive/nothing")
