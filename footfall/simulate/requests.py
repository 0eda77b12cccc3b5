"""What the same people ask of the web server: pages, documents, and the scanners' knocking.

Columns of requests in the order of time; ``accesslogs`` writes them as lines of each format.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footfall.simulate.columns import DAY, SECOND, Events, take
from footfall.simulate.journeys import PAGE_VIEW, PRODUCT_VIEW, PURCHASE, SEARCH
from footfall.simulate.kits import CRAWLERS, KITS
from footfall.simulate.people import Integers, weighted
from footfall.simulate.places import PLACES
from footfall.simulate.site import DOCUMENTS, HOST, PAGES, SOURCES, page_number
from footfall.simulate.world import World, spans

__all__ = [
    "AGENTS",
    "BOTS_FROM",
    "FIRST_DOCUMENT",
    "METHODS",
    "REFERRERS",
    "TARGETS",
    "Requests",
    "requests",
]

METHODS = ("GET", "HEAD", "POST")
SCANNERS = (
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    "Go-http-client/1.1",
    "python-requests/2.31.0",
)
# Devices of people, then crawlers, then scanners: from BOTS_FROM on, nobody is a person.
AGENTS = (*(kit.agent for kit in KITS), *(kit.agent for kit in CRAWLERS), *SCANNERS)
BOTS_FROM = len(KITS)
FIRST_SCANNER = BOTS_FROM + len(CRAWLERS)

GONE = ("certificates/hygiene-2019.pdf", "brochures/catering-2018.pdf")
PRIVATE = ("internal/price-list.pdf",)
KNOCKS = (
    "/wp-login.php",
    "/.env",
    "/.git/config",
    "/xmlrpc.php",
    "/phpmyadmin/index.php",
    "/admin",
    "/cgi-bin/",
)

# Pages, documents, documents that are gone or private, what scanners try.
TARGETS = (
    *(page.path for page in PAGES),
    *(f"/{name}" for name, _, _ in DOCUMENTS),
    *(f"/{name}" for name in (*GONE, *PRIVATE)),
    *KNOCKS,
)
FIRST_DOCUMENT = len(PAGES)
FIRST_GONE = FIRST_DOCUMENT + len(DOCUMENTS)
FIRST_PRIVATE = FIRST_GONE + len(GONE)
FIRST_KNOCK = FIRST_PRIVATE + len(PRIVATE)
SIZES = np.array([size for _, size, _ in DOCUMENTS])
REFERRERS = ("", *(HOST + page.path for page in PAGES), *(source.referrer for source in SOURCES))

# How likely a view of a page leads to a document, by page.
OPENS = np.full(len(PAGES), 0.02)
OPENS[page_number("/certificates")] = 0.8
OPENS[page_number("/about")] = 0.25
OPENS[page_number("/offers")] = 0.1

# How documents are answered: whole, not modified, in parts, gone, private.
WHOLE, UNCHANGED, PARTS, MISSING, FORBIDDEN = range(5)
ANSWERS = (0.80, 0.07, 0.07, 0.04, 0.02)


@dataclass(frozen=True, slots=True)
class Requests:
    """Columns of equal length, one entry a request, in the order of time.

    ``time`` is UTC microseconds; ``host`` numbers the client's address; ``method``, ``target``,
    ``agent`` and ``referrer`` are places in this module's tables; ``size`` is bytes sent and
    ``whole`` the bytes of the thing asked for (0: it isn't there).
    """

    time: NDArray[np.int64]
    host: NDArray[np.int64]
    method: NDArray[np.int8]
    target: NDArray[np.int16]
    status: NDArray[np.int16]
    size: NDArray[np.int64]
    whole: NDArray[np.int64]
    agent: NDArray[np.int16]
    referrer: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.time)


NAMES = tuple(field.name for field in fields(Requests))


def pick(asked: Requests, index: NDArray[Any] | slice) -> Requests:
    """Return the requests at ``index``, in its order."""
    return Requests(**{name: getattr(asked, name)[index] for name in NAMES})


def _join(parts: Sequence[Requests]) -> Requests:
    return Requests(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES})


def addresses(world: World, host: NDArray[np.int64]) -> list[str]:
    """Return the clients' addresses: within networks of each place; scanners in RFC 5737's.

    One in twenty people comes by IPv6, from RFC 3849's documentation network. Two people may share
    an address, as they do behind one router.
    """
    people = world.people

    def address(number: int) -> str:
        tail = (number * 2_654_435_761 + world.seed * 97) % (1 << 32)
        third, fourth = tail >> 24, (tail >> 16) % 254 + 1
        if number >= len(people.kit):
            return f"203.0.113.{fourth}"
        if number >= people.count:
            return f"66.249.{64 + third % 32}.{fourth}"
        if tail % 20 == 0:
            return f"2001:db8:{tail >> 16:x}:{tail & 0xFFFF:x}::1"
        networks = PLACES[people.place[number]].networks
        return f"{networks[tail % len(networks)]}.{third}.{fourth}"

    distinct, place = np.unique(host, return_inverse=True)
    texts = np.array([address(number) for number in distinct.tolist()], object)
    found: list[str] = texts[place].tolist()
    return found


def _pages(span: Events, agent: NDArray[Any], rng: np.random.Generator) -> Requests:
    size = len(span)
    status = np.array([200, 304, 500], np.int16)[weighted(rng, [0.955, 0.043, 0.002], size)]
    # A page's length is its own; what was sent varies with the headers of its parts.
    whole = 6_000 + span.page.astype(np.int64) * 431
    sent = np.select([status == 200, status == 500], [whole, np.full(size, 1_204)], 0)
    return Requests(
        time=span.created,
        host=span.person.astype(np.int64),
        method=np.where(span.action == PURCHASE, 2, 0).astype(np.int8),
        target=span.page,
        status=status,
        size=sent,
        whole=whole,
        agent=agent.astype(np.int16),
        referrer=np.where(span.source < 0, span.previous + 1, len(PAGES) + 1 + span.source).astype(
            np.int16
        ),
    )


def _documents(views: Requests, rng: np.random.Generator) -> Requests:
    opened = pick(views, np.flatnonzero(rng.random(len(views)) < OPENS[views.target]))
    document = weighted(rng, [weight for _, _, weight in DOCUMENTS], len(opened))
    answer = weighted(rng, list(ANSWERS), len(opened))
    # Viewers ask for a document in parts, one after the other; now and then again after a pause.
    parts = np.where(answer == PARTS, rng.integers(2, 7, len(opened)), 1)
    each = np.repeat(np.arange(len(opened)), parts)
    nth = np.arange(len(each)) - np.repeat(np.cumsum(parts) - parts, parts)
    wait = rng.uniform(0.5, 25.0, len(opened))[each] + nth * rng.uniform(0.05, 20.0, len(each))
    wait += np.where((nth > 0) & (rng.random(len(each)) < 0.03), 2_400.0, 0.0)
    document, answer, whole = document[each], answer[each], SIZES[document[each]]
    old, private = answer == MISSING, answer == FORBIDDEN
    target = np.select(
        [old, private],
        [FIRST_GONE + document % len(GONE), np.full(len(each), FIRST_PRIVATE)],
        FIRST_DOCUMENT + document,
    )
    sizes = np.select(
        [answer == WHOLE, answer == PARTS, answer == UNCHANGED],
        [whole, whole // parts[each], np.zeros_like(whole)],
        243,
    )
    return Requests(
        time=opened.time[each] + (wait * SECOND).astype(np.int64),
        host=opened.host[each],
        method=np.zeros(len(each), np.int8),
        target=target.astype(np.int16),
        status=np.array([200, 304, 206, 404, 403], np.int16)[answer],
        size=sizes,
        whole=np.where(old | private, 0, whole),
        agent=opened.agent[each],
        referrer=(opened.target[each] + 1).astype(np.int16),
    )


def _scans(world: World, first: int, until: int, rng: np.random.Generator) -> Requests:
    scanners = max(1, world.users // 400)
    runs = rng.poisson(0.5 * (until - first), scanners)
    host = np.repeat(len(world.people.kit) + np.arange(scanners), runs)
    start = world.origin + (first * DAY + rng.random(len(host)) * (until - first) * DAY).astype(np.int64)
    knocks = len(KNOCKS)
    size = len(host) * knocks
    knock = np.tile(np.arange(knocks), len(host))
    who = np.repeat(host, knocks)
    status = np.where(rng.random(size) < 0.2, 403, 404).astype(np.int16)
    return Requests(
        time=np.repeat(start, knocks) + knock * SECOND // 4,
        host=who,
        method=np.where(knock == 0, 2, 0).astype(np.int8),
        target=(FIRST_KNOCK + knock).astype(np.int16),
        status=status,
        size=np.where(status == 403, 199, 243),
        whole=np.zeros(size, np.int64),
        agent=(FIRST_SCANNER + who % len(SCANNERS)).astype(np.int16),
        referrer=np.zeros(size, np.int16),
    )


def _not_cached(world: World, views: Requests, first: int) -> Requests:
    """Leave out the page loads of people that a cache on the way answers."""
    if not world.unseen or not world.unseen.cached:
        return views
    rng = np.random.default_rng([world.seed, 6, first])
    asks = (rng.random(len(views)) >= world.unseen.cached) | (views.agent >= BOTS_FROM)
    return pick(views, np.flatnonzero(asks))


def requests(world: World) -> Iterator[Requests]:
    """Yield the world's requests in the order of time: pages, documents, scans; crawlers included."""
    people = world.people
    waiting: list[Requests] = []
    end = world.origin + world.days * DAY
    for first, until, span in spans(world):
        rng = np.random.default_rng([world.seed, 3, first])
        fetched = take(span, np.isin(span.action, (PAGE_VIEW, PRODUCT_VIEW, SEARCH, PURCHASE)))
        agent: Integers = np.where(
            fetched.slot > 0, people.second_kit[fetched.person], people.kit[fetched.person]
        )
        views = _pages(fetched, agent, rng)
        others = [_documents(views, rng), _scans(world, first, until, rng)]
        known = _join([*waiting, _not_cached(world, views, first), *others])
        known = pick(known, known.time < end)
        due = known.time < world.origin + until * DAY
        ready = np.flatnonzero(due)
        yield pick(known, ready[np.argsort(known.time[ready], kind="stable")])
        waiting = [pick(known, np.flatnonzero(~due))]
