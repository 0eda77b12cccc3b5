"""The collector's small parts, without a process: pace, what was seen, slow reads, claims, counters."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.adapters.log_slot import claim_log, log_files
from footfall.apps.collector import reading
from footfall.apps.collector.counters import CELLS, PATHS, STATUSES, Counters, render
from footfall.apps.collector.pace import Pace
from footfall.apps.collector.reading import Slow, TooLarge, read_body
from footfall.apps.collector.routes import ROUTES
from footfall.apps.collector.seen import Seen


@given(
    rate=st.integers(1, 20),
    steps=st.lists(st.floats(0, 0.5), max_size=60),
)
def test_no_network_goes_faster_than_its_rate_and_one_burst(rate: int, steps: list[float]) -> None:
    pace, now, let = Pace(rate), 0.0, 0
    for step in steps:
        now += step
        let += pace.allows("192.0.2.0", now)
    assert let <= rate + now * rate + 1e-6
    assert pace.allows("198.51.100.0", now), "another network is not held up"


def test_pace_remembers_a_bounded_number_of_networks() -> None:
    pace = Pace(1, networks=10)
    for number in range(1_000):
        assert pace.allows(str(number), 0.0)
    assert len(pace._buckets) == 10
    assert not pace.allows("999", 0.0)
    assert pace.allows("1", 0.0), "forgotten, so it starts anew"


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=20))
def test_seen_counts_what_came_before_or_stands_twice(requests: list[list[int]]) -> None:
    seen, known = Seen(), set[int]()
    for keys in requests:
        assert seen.count(keys) == len(keys) - len(set(keys) - known)
        seen.add(keys)
        known |= set(keys)


def test_seen_is_bounded_and_keeps_the_latest() -> None:
    seen = Seen(generation=100)
    for key in range(1_000):
        seen.add([key])
    assert len(seen._young) + len(seen._old) <= 200
    assert seen.count(list(range(900, 1_000))) == 100
    assert seen.count([0]) == 0


class Parts:
    """A body protocol that gives parts as Granian does, or never ends."""

    def __init__(self, *parts: bytes, forever: bool = False) -> None:
        self._parts = list(parts)
        self._forever = forever
        self.given = 0

    async def __call__(self) -> bytes:
        if self._forever:
            await asyncio.Event().wait()
        return b"".join(self._parts)

    def __aiter__(self) -> "Parts":
        return self

    async def __anext__(self) -> bytes:
        if not self._parts:
            raise StopAsyncIteration
        self.given += 1
        return self._parts.pop(0)


def test_a_body_is_read_up_to_the_limit_and_no_further() -> None:
    chunked = {"transfer-encoding": "chunked"}
    parts = Parts(*[b"x" * 10] * 50, b"")
    with pytest.raises(TooLarge):
        asyncio.run(read_body(parts, chunked, 95))
    assert parts.given == 10
    assert asyncio.run(read_body(Parts(b"ab", b"c", b""), chunked, 3)) == b"abc"
    with pytest.raises(TooLarge):
        asyncio.run(read_body(Parts(forever=True), {"content-length": "4"}, 3))
    assert asyncio.run(read_body(Parts(b"abc"), {"content-length": "3"}, 3)) == b"abc"
    assert asyncio.run(read_body(Parts(forever=True), {}, 3)) == b""


def test_a_body_that_broke_off_is_told() -> None:
    with pytest.raises(ValueError, match="broke off"):
        asyncio.run(read_body(Parts(b"ab", b"", b""), {"transfer-encoding": "chunked"}, 10))
    with pytest.raises(ValueError, match="broke off"):
        asyncio.run(read_body(Parts(b"ab"), {"content-length": "3"}, 10))


def test_a_read_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LOOK_SECONDS", 0.01)

    async def read(slow: Slow, body: Parts) -> bytes:
        task = slow.starts()
        try:
            return await read_body(body, {"content-length": "1"}, 10)
        finally:
            slow.ends(task)

    async def main() -> None:
        slow = Slow(asyncio.get_running_loop(), seconds=0.05)
        assert await read(slow, Parts(b"x")) == b"x"
        stuck = asyncio.create_task(read(slow, Parts(forever=True)))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(stuck, 5)
        assert not slow._reading

    asyncio.run(main())


def test_the_lowest_free_log_is_claimed(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    claims = [claim_log(folder) for _ in range(3)]
    assert [claim.path.name for claim in claims] == [f"worker-{number}.sqlite" for number in range(3)]
    claims[1].release()
    again = claim_log(folder)
    assert again.path == claims[1].path
    assert log_files(folder) == [], "a claim makes no log"
    for number in (10, 2):
        (folder / f"worker-{number}.sqlite").touch()
    assert [path.stem for path in log_files(folder)] == ["worker-2", "worker-10"]
    for claim in (claims[0], again, claims[2]):
        claim.release()


def test_every_path_has_its_numbers_and_workers_add_up() -> None:
    assert set(ROUTES) <= set(PATHS)
    counters = Counters(2)
    one, two = counters.row(0), counters.row(1)
    for path in (*PATHS, "/unknown"):
        for status in STATUSES:
            one.answered(path, status)
    two.answered("/v1/events", 200)
    two.took(5, 2, 1)
    for seconds in (0.0001, 0.003, 100.0):
        two.committed(seconds, 7, failed=False)
    two.committed(1.0, 7, failed=True)
    two.log_bytes(4_096)
    text = render(counters.sums()).decode()
    for line in (
        'footfall_requests_total{path="/v1/events",status="200"} 2.0',
        'footfall_requests_total{path="other",status="404"} 2.0',
        'footfall_events_total{outcome="accepted"} 5.0',
        'footfall_commit_seconds_bucket{le="0.005"} 2.0',
        'footfall_commit_seconds_bucket{le="+Inf"} 3.0',
        "footfall_commit_requests_sum 21.0",
        "footfall_commits_failed_total 1.0",
        'footfall_log_bytes{worker="1"} 4096.0',
    ):
        assert line in text
    assert len(counters.sums().cells) == CELLS
