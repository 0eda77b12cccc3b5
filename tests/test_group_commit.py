"""Group commit: the order of effects, and what happens when the log refuses."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from footfall.core.record import Offset, Record
from footfall.errors import LogFailed, LogFull
from footfall.services.collect import Committed, GroupCommit
from footfall.testing.event_log import MemoryLog, make_record


@dataclass
class GatedLog(MemoryLog):
    """A memory log whose appends wait until the gate is open."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        self.entered.set()
        assert self.gate.wait(10)
        return super().append(records)


async def acknowledged(commit: GroupCommit, log: MemoryLog, records: Sequence[Record]) -> None:
    await commit.submit(records)
    log.effects.append(("acknowledged", len(records)))


def test_appended_then_acknowledged_in_one_commit_for_all_that_wait() -> None:
    async def main() -> list[tuple[str, int]]:
        log = GatedLog()
        commit = GroupCommit(log, asyncio.get_running_loop())
        first = asyncio.create_task(acknowledged(commit, log, [make_record()]))
        await asyncio.to_thread(log.entered.wait, 10)
        rest = [asyncio.create_task(acknowledged(commit, log, [make_record()] * 2)) for _ in range(3)]
        await asyncio.sleep(0.02)
        log.effects.append(("gate", 0))
        log.gate.set()
        await asyncio.gather(first, *rest)
        assert commit.close(10)
        return log.effects

    effects = asyncio.run(main())
    acks = [effect for effect in effects if effect[0] == "acknowledged"]
    assert effects[:2] == [("gate", 0), ("appended", 1)]
    assert [effect for effect in effects if effect[0] == "appended"] == [("appended", 1), ("appended", 6)]
    assert acks == [("acknowledged", 1)] + [("acknowledged", 2)] * 3
    assert effects.index(("appended", 6)) < effects.index(("acknowledged", 2))


def test_when_the_log_refuses_every_waiter_hears_it_and_the_next_group_goes_on() -> None:
    async def main() -> None:
        log = GatedLog()
        commit = GroupCommit(log, asyncio.get_running_loop())
        waiting = [commit.submit([make_record()]) for _ in range(3)]
        log.fails = LogFull(log="memory", limit_bytes=1, used_bytes=1)
        log.gate.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(answer) for answer in answers] == [LogFull] * 3
        with pytest.raises(LogFull):
            await commit.check()
        assert log.end() == 0
        log.fails = None
        await commit.submit([make_record()])
        await commit.check()
        assert log.end() == 1
        assert commit.close(10)

    asyncio.run(main())


def test_an_unforeseen_error_is_reported_and_survived() -> None:
    async def main() -> None:
        log = MemoryLog(fails=ZeroDivisionError("surprise"))
        commit = GroupCommit(log, asyncio.get_running_loop())
        with pytest.raises(LogFailed, match="surprise"):
            await commit.submit([make_record()])
        log.fails = None
        await commit.submit([make_record()])
        assert commit.close(10)

    asyncio.run(main())


def test_a_cancelled_request_does_not_break_its_group() -> None:
    async def main() -> None:
        log = GatedLog()
        commit = GroupCommit(log, asyncio.get_running_loop())
        cancelled, kept = commit.submit([make_record()]), commit.submit([make_record()])
        cancelled.cancel()
        log.gate.set()
        await kept
        assert log.end() == 2, "what was handed over is written, whoever still waits"
        assert commit.close(10)

    asyncio.run(main())


def test_the_queue_is_bounded_in_bytes_and_frees_itself() -> None:
    async def main() -> None:
        record = make_record()
        log = GatedLog()
        commit = GroupCommit(log, asyncio.get_running_loop(), waiting_bytes=3 * len(record.body))
        waiting = [commit.submit([record]) for _ in range(3)]
        with pytest.raises(LogFailed, match="wait to be written"):
            commit.submit([record])
        log.gate.set()
        await asyncio.gather(*waiting)
        await commit.submit([record])
        assert log.end() == 4
        assert commit.close(10)

    asyncio.run(main())


def test_groups_are_bounded_too() -> None:
    async def main() -> None:
        record = make_record()
        log = GatedLog()
        seen: list[Committed] = []
        commit = GroupCommit(
            log, asyncio.get_running_loop(), group_bytes=2 * len(record.body), observe=seen.append
        )
        waiting = [commit.submit([record]) for _ in range(7)]
        log.gate.set()
        await asyncio.gather(*waiting)
        assert sum(one.records for one in seen) == 7
        assert max(one.records for one in seen) == 2
        assert commit.close(10)

    asyncio.run(main())


def test_closing_commits_what_waits_and_takes_no_more() -> None:
    async def main() -> None:
        log = GatedLog()
        commit = GroupCommit(log, asyncio.get_running_loop())
        waiting = [commit.submit([make_record()]) for _ in range(5)]
        log.gate.set()
        assert commit.close(10)
        assert log.end() == 5
        with pytest.raises(LogFailed, match="stopping"):
            commit.submit([make_record()])
        await asyncio.gather(*waiting)

    asyncio.run(main())


def test_the_log_is_asked_until_it_has_proved_itself() -> None:
    async def main() -> None:
        log = MemoryLog(fails=LogFailed(log="memory", cause="no disk"))
        commit = GroupCommit(log, asyncio.get_running_loop())
        with pytest.raises(LogFailed):
            await commit.check()
        log.fails = None
        for _ in range(3):
            await commit.check()
        assert log.effects == [("appended", 0)], "asked once, then trusted"
        assert commit.close(10)

    asyncio.run(main())
