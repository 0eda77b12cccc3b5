"""Events as NDJSON, fast: every part of a line that repeats is prepared once, as JSON text.

A line is then one f-string of table entries. Times are RFC 3339 in UTC with microseconds; there
is no ``sent_at``, so that historic times aren't taken for skewed clocks.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import SECOND, Events, take
from footfall.simulate.journeys import LONGEST_SPENT
from footfall.simulate.kits import CRAWLERS, KITS
from footfall.simulate.people import People
from footfall.simulate.places import PLACES
from footfall.simulate.requests import addresses
from footfall.simulate.site import ACTIONS, DISHES, ELEMENTS, HOST, PAGES, RESTAURANTS, SEARCHES, SOURCES
from footfall.simulate.world import World, events

__all__ = ["encode", "hex_words", "ndjson", "times", "visitor_names"]

BLOCK_EVENTS = 2_000  # more leave the processor's caches: 10,000 take half as long again
GOLDEN = 0x9E3779B97F4A7C15
WORD = (1 << 64) - 1


def _mix(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter numbers over 64 bits, one to one (the finalizer of splitmix64, Steele et al. 2014)."""
    mixed = numbers.copy()
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hex_words(numbers: NDArray[Any], *salts: int) -> list[str]:
    """Return 16 hex digits per salt for each number; the same number and salts give the same text."""
    words = [_mix(numbers.astype(np.uint64) + np.uint64(salt * GOLDEN & WORD)) for salt in salts]
    text = np.stack(words, axis=1).astype(">u8").tobytes().hex()
    width = 16 * len(salts)
    return [text[at : at + width] for at in range(0, len(text), width)]


def visitor_names(seed: int, person: NDArray[Any], slot: NDArray[Any]) -> list[str]:
    """Return the anonymous_id of each person's device; slot 3 gives the hexadecimal of the user_id."""
    return hex_words(person.astype(np.int64) * 4 + slot, 4 * seed + 1)


@cache
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def times(created: NDArray[np.int64]) -> list[str]:
    """Return RFC 3339 texts of UTC microseconds.

    Digits are set as columns of bytes: numpy's datetime_as_string takes four times as long.
    """
    day, rest = np.divmod(created, 86_400 * SECOND)
    days, place = np.unique(day, return_inverse=True)
    table = np.array([list(_second_text(int(d) * 86_400).encode()) for d in days], np.uint8).reshape(-1, 19)
    text = np.empty((len(created), 27), np.uint8)
    text[:, :19] = table[place]
    text[:, 19], text[:, 26] = ord("."), ord("Z")
    seconds, micros = np.divmod(rest, SECOND)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    for at, two in ((11, hour), (14, minute), (17, second)):
        text[:, at], text[:, at + 1] = two // 10 + 48, two % 10 + 48
    micros = micros.astype(np.int32)
    for at in range(25, 19, -1):
        micros, digit = np.divmod(micros, 10)
        text[:, at] = digit + 48
    whole = text.tobytes().decode("ascii")
    return [whole[at : at + 27] for at in range(0, len(whole), 27)]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)  # as browsers write it


def _members(**values: object) -> str:
    """Return JSON members with a leading comma, ASCII only; those that are None or empty are left out."""
    return "".join(f",{_json(k)}:{_json(v)}" for k, v in values.items() if v not in (None, ""))


def _array(texts: Iterable[str]) -> NDArray[Any]:
    listed = list(texts)
    array = np.empty(len(listed), object)
    array[:] = listed
    return array


def _details(action: str) -> list[str]:
    """Return what each action tells beyond its name, one text per value of ``detail``."""
    if action in ("product_view", "add_to_cart"):
        return [
            _members(
                properties={"product": dish.slug, "source_menu": dish.restaurant, "price": dish.cents / 100}
            )
            for dish in DISHES
        ]
    if action == "click":
        return [
            _members(element=element, properties={"source_menu": restaurant})
            for element, _ in ELEMENTS
            for restaurant in RESTAURANTS
        ]
    if action == "search":
        return [_members(properties={"query": query}) for query in SEARCHES]
    return [_members(properties={"method": "email"}) if action == "sign_up" else ""]


class _Tables:
    """All prepared texts; built once per process."""

    def __init__(self) -> None:
        details = [_details(action) for action in ACTIONS]
        self.action_base = np.cumsum([0] + [len(rows) for rows in details])[:-1]
        self.actions = _array(
            f',"event":"{action}"{text}'
            for action, rows in zip(ACTIONS, details, strict=True)
            for text in rows
        )
        # Source -1 (within a session) is row 0.
        queries = ("", *(source.query for source in SOURCES))
        self.pages = _array(
            _members(url=HOST + page.path + query, title=page.title) for query in queries for page in PAGES
        )
        # Previous page -1 with source -1 is row 0, then the pages, then the sources.
        self.referrers = _array(
            _members(referrer=text)
            for text in ("", *(HOST + page.path for page in PAGES), *(s.referrer for s in SOURCES))
        )
        self.kits = _array(_members(screen=kit.screen, user_agent=kit.agent) for kit in (*KITS, *CRAWLERS))
        self.places = _array(
            _members(country=place.country, language=place.language, timezone=place.timezone)
            for place in PLACES
        )
        self.ages = _array(_members(user={"age": age}) if age else "" for age in range(200))
        self.spent = _array(
            f',"time_spent":{half / 2}' if half else "" for half in range(LONGEST_SPENT + 1)
        )


@cache
def _tables() -> _Tables:
    return _Tables()


def _user_ids(part: Events, seed: int) -> list[str]:
    texts = [""] * len(part)
    members = np.flatnonzero(part.member)
    names = visitor_names(seed, part.person[members], np.full(len(members), 3))
    for at, name in zip(members.tolist(), names, strict=True):
        texts[at] = f',"user_id":"u{name}"'
    return texts


def _money(part: Events, people: People) -> list[str]:
    texts = [""] * len(part)
    for at in np.flatnonzero(part.cents).tolist():
        currency = PLACES[people.place[part.person[at]]].currency
        texts[at] = _members(value=int(part.cents[at]) / 100, currency=currency)
    return texts


def encode(part: Events, people: People, seed: int, addresses: Sequence[str] | None = None) -> bytes:
    """Return the events as NDJSON, one line each, in their order; ASCII throughout.

    ``addresses`` are the senders', one an event, where they are told.
    """
    tables = _tables()
    kit = np.where(part.slot > 0, people.second_kit[part.person], people.kit[part.person])
    source = part.source.astype(np.int64)
    referrer = np.where(source < 0, part.previous + 1, len(PAGES) + 1 + source)
    columns = (
        hex_words(part.number, 4 * seed + 2, 4 * seed + 3),
        times(part.created),
        tables.actions[tables.action_base[part.action] + part.detail].tolist(),
        visitor_names(seed, part.person, part.slot),
        _user_ids(part, seed),
        tables.pages[(source + 1) * len(PAGES) + part.page].tolist(),
        tables.referrers[referrer].tolist(),
        tables.spent[part.half_seconds].tolist(),
        _money(part, people),
        tables.ages[part.age].tolist(),
        tables.places[people.place[part.person]].tolist(),
        tables.kits[kit].tolist(),
        [""] * len(part) if addresses is None else [f',"ip":"{address}"' for address in addresses],
    )
    lines = [
        f'{{"event_id":"{number}","created_at":"{time}"{action}'
        f',"anonymous_id":"{device}"{user}'
        f"{page}{referrer}{spent}{money}{age}{place}{kit}{ip}}}\n"
        for number, time, action, device, user, page, referrer, spent, money, age, place, kit, ip in zip(
            *columns, strict=True
        )
    ]
    return "".join(lines).encode()


def ndjson(world: World, block_events: int = BLOCK_EVENTS) -> Iterator[bytes]:
    """Yield the world's events as NDJSON in arrival order, in blocks of whole lines.

    Blocks hold at most ``block_events`` lines; their bounds don't change the bytes.
    """
    for part in events(world):
        for at in range(0, len(part), block_events):
            block = take(part, slice(at, at + block_events))
            told = addresses(world, block.person.astype(np.int64)) if world.unseen else None
            yield encode(block, world.people, world.seed, told)
