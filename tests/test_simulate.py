"""Simulated people: the same for the same seed, valid at the door, and behaving like people."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import crawleruseragents
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.event import Event
from footfall.simulate import live, ndjson, simulate
from footfall.simulate.encode import times
from footfall.simulate.kits import CRAWLERS, KITS
from footfall.simulate.places import PLACES
from footfall.simulate.site import ACTIONS, STARTS, STEPS
from footfall.simulate.world import events

START = date(2024, 2, 7)  # a Wednesday, and 2024 has a 29th of February


def lines(users: int, days: int, seed: int = 1) -> list[bytes]:
    return b"".join(ndjson(simulate(users, days, seed, START))).splitlines()


@pytest.fixture(scope="module")
def month() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(2_000, 30)]


@cache
def is_crawler(agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(agent))


def is_person(event: dict[str, Any]) -> bool:
    return not is_crawler(event["user_agent"])


def visitor(event: dict[str, Any]) -> str:
    return event.get("user_id") or event["anonymous_id"]


def once(arrived: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({event["event_id"]: event for event in arrived}.values())


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (b"".join(lines(60, 5, seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    ids, others = ({part.split(b'"event_id":"')[n][:32] for n in range(1, 50)} for part in (first, other))
    assert not ids & others


@given(st.integers(1, 3_000))
@settings(max_examples=10, deadline=None)
def test_blocks_are_whole_lines_and_their_size_changes_nothing(size: int) -> None:
    world = simulate(20, 4, 3, START)
    blocks = list(ndjson(world, size))
    assert all(block.endswith(b"\n") and block.count(b"\n") <= size for block in blocks)
    assert b"".join(blocks) == b"".join(ndjson(world))


@pytest.mark.parametrize(("users", "days", "seed"), [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_worlds_that_cannot_be_are_refused(users: int, days: int, seed: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        simulate(users, days, seed, START)


@given(st.integers(1, 30), st.integers(1, 9), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_every_line_is_an_event_of_the_contract(users: int, days: int, seed: int) -> None:
    decoder = msgspec.json.Decoder(Event)
    for line in lines(users, days, seed):
        event = decoder.decode(line)
        assert event.sent_at is None  # historic times must not be taken for a skewed clock
        assert isinstance(event.created_at, datetime)
        assert START <= event.created_at.astimezone(UTC).date() < START + timedelta(days=days)


@given(st.lists(st.integers(0, 4_102_444_800_000_000), min_size=1, max_size=50))
def test_times_are_written_as_the_standard_library_writes_them(created: list[int]) -> None:
    expected = [
        (datetime(1970, 1, 1) + timedelta(microseconds=n)).isoformat(timespec="microseconds") + "Z"  # noqa: DTZ001
        for n in created
    ]
    assert times(np.array(created)) == expected


def test_a_month_of_2000_people_is_of_the_right_size(month: list[dict[str, Any]]) -> None:
    assert 50_000 <= len(month) <= 100_000
    people = [event for event in month if is_person(event)]
    assert 0.85 < len(people) / len(month) < 0.99
    assert 1_500 < len({visitor(event) for event in people}) < 3_000


def test_no_two_events_of_a_visitor_share_a_microsecond(month: list[dict[str, Any]]) -> None:
    moments = Counter((visitor(event), event["created_at"]) for event in once(month))
    assert max(moments.values()) == 1


def test_arrivals_are_in_order_some_late_some_twice() -> None:
    parts = list(events(simulate(500, 10, 5, START)))
    arrival, created, number, copy = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("arrival", "created", "number", "copy")
    )
    assert (np.diff(arrival) >= 0).all()
    assert (arrival > created).all()
    assert 0.005 < float(np.mean(arrival - created > 3_600_000_000)) < 0.04
    assert (np.diff(created) < 0).mean() > 0.01
    assert len(np.unique(number[~copy])) == len(number[~copy])
    assert np.isin(number[copy], number[~copy]).all()
    assert 0.004 < float(copy.mean()) < 0.02


def test_copies_are_the_same_bytes() -> None:
    groups = defaultdict(list)
    for line in lines(300, 10):
        groups[json.loads(line)["event_id"]].append(line)
    copied = [group for group in groups.values() if len(group) > 1]
    assert copied
    assert all(len(set(group)) == 1 for group in copied)


def test_people_are_not_taken_for_bots_and_bots_are_on_every_list() -> None:
    assert not [kit.agent for kit in KITS if crawleruseragents.is_crawler(kit.agent)]
    assert not [kit.agent for kit in CRAWLERS if not crawleruseragents.is_crawler(kit.agent)]
    agents = [kit.agent for kit in (*KITS, *CRAWLERS)]
    assert len(set(agents)) == len(agents)


def test_who_signs_up_or_is_known_has_a_user_id_from_there_on(month: list[dict[str, Any]]) -> None:
    owners = defaultdict(set)
    signed: dict[str, str] = {}
    for event in once(month):
        if "user_id" in event:
            owners[event["anonymous_id"]].add(event["user_id"])
            if event["event"] == "sign_up":
                assert event["user_id"] not in signed
                signed[event["user_id"]] = event["created_at"]
        else:
            assert event["event"] != "sign_up"
    assert all(len(names) == 1 for names in owners.values())  # a device is one person's
    anonymous_before = 0
    for event in once(month):
        user = next(iter(owners[event["anonymous_id"]]), None)
        if user in signed:
            assert ("user_id" in event) == (event["created_at"] >= signed[user])
            anonymous_before += "user_id" not in event
    assert len(signed) > 100
    assert anonymous_before > 100


def test_actions_follow_the_chain(month: list[dict[str, Any]]) -> None:
    by_person = defaultdict(list)
    for event in once(month):
        if is_person(event):
            by_person[event["anonymous_id"]].append(event)
    for own in by_person.values():
        own.sort(key=lambda event: event["created_at"])
        carts = 0
        for event in own:
            carts += event["event"] == "add_to_cart"
            if event["event"] == "purchase":
                assert carts
                assert event["value"] > 0
                assert len(event["currency"]) == 3
            if event["event"] == "click":
                assert event["properties"]["source_menu"] in event["url"]
                assert event["time_spent"] > 0
                assert event["element"]
    assert {event["event"] for event in month} == set(ACTIONS)


def test_the_chain_is_made_of_chances() -> None:
    assert np.allclose(np.sum(STEPS, axis=1), 1)
    assert np.isclose(sum(STARTS), 1)
    assert {len(row) for row in STEPS} == {len(ACTIONS) + 1}
    assert len(STEPS) == len(ACTIONS)


def test_days_and_hours_look_like_peoples(month: list[dict[str, Any]]) -> None:
    people = [event for event in once(month) if is_person(event)]
    tokyo = Counter(
        (datetime.fromisoformat(event["created_at"]) + timedelta(hours=9)).hour
        for event in people
        if event["timezone"] == "Asia/Tokyo"
    )
    night, evening = sum(tokyo[hour] for hour in (2, 3, 4)), sum(tokyo[hour] for hour in (18, 19, 20))
    assert evening > 5 * night
    seen = defaultdict(set)
    for event in people:
        seen[visitor(event)].add(event["created_at"][:10])
    often = Counter(len(days) for days in seen.values())
    assert often[1] > sum(often.values()) * 0.3
    assert sum(count for days, count in often.items() if days > 12) > 20
    first = START.isoformat()
    later = [(START + timedelta(days=n)).isoformat() for n in (1, 25)]
    came = [sum(1 for days in seen.values() if first in days and day in days) for day in later]
    assert came[0] > 0
    assert came[1] > 0


def test_places_are_real(month: list[dict[str, Any]]) -> None:
    assert "NA" in {event["country"] for event in month}  # Namibia, not a gap
    assert all(len(place.country) == 2 and place.country.isupper() for place in PLACES)
    countries = defaultdict(set)
    for place in PLACES:
        countries[place.country].add(place.continent)
    assert all(len(continents) == 1 for continents in countries.values())


def test_live_traffic_keeps_the_callers_time() -> None:
    moments = [(1_700_000_000_000_000 + n * 250_000, 60) for n in range(30)]
    blocks = list(live(iter(moments), seed=4))
    assert [block.count(b"\n") for block in blocks] == [60] * 30
    for (now, _), block in zip(moments, blocks, strict=True):
        for line in block.splitlines():
            created = msgspec.json.decode(line, type=Event).created_at
            assert isinstance(created, datetime)
            assert now - 1_000_000 < round(created.timestamp() * 1_000_000) <= now
    arrived = [json.loads(line) for block in blocks for line in block.splitlines()]
    assert len({event["event_id"] for event in arrived}) == len(arrived)
    assert len({visitor(event) for event in arrived}) > 50
    assert any(is_person(event) for event in arrived)
    assert blocks == list(live(iter(moments), seed=4))


def test_live_traffic_takes_a_moment_only_when_asked() -> None:
    def moments() -> Any:
        yield 1_700_000_000_000_000, 5
        yield 1_700_000_001_000_000, 0
        raise AssertionError("asked for too soon")

    first, second = islice(live(moments(), seed=1), 2)
    assert first.count(b"\n") == 5
    assert second == b""
