"""For tests with the state of imports: records to claim, and the contract that every state keeps.

To prove an adapter of your own, subclass ``ImportStateContract`` and give it a fixture
``open_state``; a call opens the state, a second one the same again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from footfall.core.record import AppId
from footfall.ports import ImportState, SourceRecord

__all__ = ["ImportStateContract", "OpenState", "make_source_record"]

OpenState = Callable[[], ImportState]

NOON = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - our times are UTC without a zone
SOON = NOON + timedelta(minutes=10)
SHOP = AppId("shop")


def make_source_record(key: str = "s3://logs/a", owner: str = "one", claim: int = 0) -> SourceRecord:
    """Return a source's record as one that looks at it for the first time makes it."""
    return SourceRecord(SHOP, key, f"name of {key}", "etag", 1_000, owner, NOON, claim=claim)


class ImportStateContract:
    """What every ImportState promises."""

    def test_a_record_comes_back_as_it_was(self, open_state: OpenState) -> None:
        state = open_state()
        [begun] = state.claim([make_source_record()], SOON)
        assert (begun.state, begun.claim, begun.leased_until) == ("begun", 1, SOON)
        assert state.look(SHOP, ["s3://logs/a", "s3://logs/b"]) == {"s3://logs/a": begun}
        done = replace(
            begun,
            state="done",
            at=NOON.replace(microsecond=7),
            leased_until=None,
            position="file:ä~0-1",
            offset=1 << 40,
            line=9,
            head="h",
            tail="t",
            lines=8,
            rejected=3,
            error="it's “broken”",
        )
        assert state.settle([done]) == [done]
        state.close()
        again = open_state()
        assert again.look(SHOP, ["s3://logs/a"]) == {"s3://logs/a": done}
        assert again.look(AppId("other"), ["s3://logs/a"]) == {}
        again.close()

    def test_of_two_who_look_at_the_same_time_one_gets_it(self, open_state: OpenState) -> None:
        state = open_state()
        [mine] = state.claim([make_source_record(owner="one")], SOON)
        assert state.claim([make_source_record(owner="two")], SOON) == []
        assert state.settle([replace(mine, state="done", leased_until=None)])
        assert state.claim([make_source_record(owner="two")], SOON) == []
        [known] = state.look(SHOP, [mine.key]).values()
        [next_one] = state.claim([replace(known, owner="two")], SOON)
        assert (next_one.owner, next_one.claim) == ("two", 2)
        state.close()

    def test_many_claims_at_once_are_granted_once_each(self, open_state: OpenState) -> None:
        state = open_state()
        keys = [f"s3://logs/{number}" for number in range(40)]

        def claim_all(owner: str) -> list[str]:
            records = [make_source_record(key, owner) for key in keys]
            return [record.key for record in state.claim(records, SOON)]

        with ThreadPoolExecutor(4) as pool:
            granted = [key for some in pool.map(claim_all, "abcd") for key in some]
        assert sorted(granted) == sorted(keys)
        state.close()

    def test_a_lease_lasts_until_its_end_and_is_fenced_then(self, open_state: OpenState) -> None:
        state = open_state()
        [mine] = state.claim([make_source_record(owner="one")], SOON)
        later = replace(mine, owner="two", at=SOON - timedelta(microseconds=1))
        assert state.claim([later], SOON) == []
        [longer] = state.renew([mine], SOON + timedelta(minutes=5))
        assert state.claim([replace(later, at=SOON)], SOON) == []
        at_last = replace(later, at=SOON + timedelta(minutes=5))
        [theirs] = state.claim([at_last], SOON + timedelta(minutes=15))
        assert state.renew([longer], SOON + timedelta(minutes=20)) == []
        assert state.settle([replace(longer, state="done", leased_until=None)]) == []
        assert state.look(SHOP, [mine.key]) == {mine.key: theirs}
        state.close()

    def test_who_was_killed_goes_on_at_once(self, open_state: OpenState) -> None:
        state = open_state()
        [killed] = state.claim([make_source_record(owner="one")], SOON)
        [again] = state.claim([killed], SOON)
        assert again.claim == 2
        assert state.settle([replace(killed, state="done", leased_until=None)]) == []
        state.close()

    def test_entries_are_the_newest_first(self, open_state: OpenState) -> None:
        state = open_state()
        records = [
            replace(make_source_record(f"s3://logs/{number}"), at=NOON + timedelta(seconds=number))
            for number in range(5)
        ]
        state.claim(records, SOON)
        state.claim([replace(records[0], app_id=AppId("other"), at=NOON + timedelta(days=1))], SOON)
        assert [record.key[-1] for record in state.entries(limit=3)] == ["0", "4", "3"]
        assert [record.key[-1] for record in state.entries(app_id=SHOP)] == ["4", "3", "2", "1", "0"]
        state.close()
