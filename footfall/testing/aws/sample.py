"""What both paths are given: requests of simulated people, a day of access logs, and what rules refuse."""

import http.client
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from urllib.parse import urlsplit

from footfall.simulate.accesslogs import access_log
from footfall.simulate.encode import ndjson
from footfall.simulate.world import simulate

__all__ = ["APPS", "FORBIDDEN", "KEY", "ORIGIN", "SHOP", "Sample", "make_sample", "send"]

SHOP = "shop"
KEY, ORIGIN = "shop-key", "https://shop.example"
APPS = f"""\
[apps.{SHOP}]
write_keys = ["{KEY}"]
origins = ["{ORIGIN}"]
"""
FIRST, DAYS, SEED = date(2026, 10, 1), 30, 7
LOG_DAY = date(2026, 10, 15)
REQUEST_EVENTS = 200
LOG_LINES = 400  # of an object; S3 writes them small
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
FORBIDDEN = b"someone@example.com"
"""An address that no store may hold."""
REFUSED = b'{"event_id":"bad-'  # and so on, without an event
NO_LINE = b"this is no line of a log\n"


@dataclass(frozen=True)
class Sample:
    """``lines`` are all events, each as a line, in the order of ``bodies``, which are requests of many.

    In each body one event is refused and one holds ``FORBIDDEN``; one of the ``logs`` (objects by key)
    has a line that is none. ``events`` counts the simulated ones.
    """

    events: int
    lines: Sequence[bytes]
    bodies: Sequence[bytes]
    logs: dict[str, bytes]

    @property
    def accepted(self) -> Sequence[bytes]:
        """The lines that are not refused; those that a sender sends twice are there twice."""
        return [line for line in self.lines if not line.startswith(REFUSED)]


def make_sample(events: int) -> Sample:
    """Return a sample of so many simulated events."""
    people = next(filter(lambda found: len(found) >= events, map(_people, count(50 + events // 22, 500))))
    lines: list[bytes] = []
    bodies: list[bytes] = []
    for at in range(0, events, REQUEST_EVENTS):
        part = [*people[at : min(at + REQUEST_EVENTS, events)], *_others(at)]
        lines += part
        bodies.append(b"[%b]" % b",".join(part))
    return Sample(events, lines, bodies, _logs(max(events, 2_000)))


def _people(users: int) -> list[bytes]:
    return b"".join(ndjson(simulate(users, DAYS, SEED, FIRST))).splitlines()


def _others(number: int) -> list[bytes]:
    mail = (
        b'{"event_id":"mail-%d","event":"sign_up","anonymous_id":"m","created_at":"2026-10-05T12:00:00Z",'
        b'"properties":{"mail":"%b"}}' % (number, FORBIDDEN)
    )
    return [mail, REFUSED + b'%d","url":"https://shop.example/"}' % number]


def _logs(users: int) -> dict[str, bytes]:
    lines = b"".join(access_log(simulate(users, 1, SEED, LOG_DAY), "s3")).splitlines(keepends=True)
    objects = {
        f"documents/{LOG_DAY}-{at // LOG_LINES:02}-00-00-{at:08X}": b"".join(lines[at : at + LOG_LINES])
        for at in range(0, len(lines), LOG_LINES)
    }
    first = next(iter(objects))
    objects[first] += NO_LINE
    return objects


def send(url: str, sample: Sample, on_sent: Callable[[int], object]) -> None:
    """Send all requests as a page of the shop would; each must be taken as it should be.

    ``on_sent`` is told how many events a request had. Raises AssertionError for another answer.
    """
    parts = urlsplit(url)
    headers = {
        "content-type": "application/json",
        "x-write-key": KEY,
        "origin": ORIGIN,
        "user-agent": AGENT,
    }
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        for body in sample.bodies:
            connection.request("POST", "/v1/events", body, headers)
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status == 200, told
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            read = json.loads(told)
            taken = read["accepted"] + read["duplicates"]
            assert [each["index"] for each in read["rejected"]] == [taken], "the last one has no event"
            on_sent(taken + 1)
    finally:
        connection.close()
