"""How fast a batch is decoded and enriched, against a bare msgspec decode of the same bytes.

Run: ``python bench/enrich.py``. Prints rows per second on one core, and the ratios of this run.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.event import Event
from footfall.core.record import AppId, Logged, Offset, Record, Sender

ROWS = 50_000
BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{v}.0.0.0 Safari/537.36"
    for v in range(60, 140)
] + [
    f"Mozilla/5.0 (iPhone; CPU iPhone OS {v}_{w} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    f"Version/{v}.{w} Mobile/15E148 Safari/604.1"
    for v in range(12, 18)
    for w in range(20)
]
REFERRERS = [None, None, "https://www.google.com/", "https://t.co/x", "https://blog.example.org/post"]


def events(chance: random.Random, first: int, count: int) -> Iterator[dict[str, object]]:
    """Make events as the web SDK sends them."""
    for number in range(first, first + count):
        page = chance.randrange(500)
        yield {
            "event": chance.choice(("page_view", "page_view", "click", "product_view", "add_to_cart")),
            "event_id": f"{number:032x}",
            "anonymous_id": f"v{chance.randrange(40_000):08x}",
            "session_id": f"s{chance.randrange(60_000):08x}",
            "created_at": f"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z",
            "url": f"https://shop.example/products/{page}"
            + ("?utm_source=news&utm_medium=email" * (page == 1)),
            "title": f"Product {page}",
            "referrer": chance.choice(REFERRERS),
            "screen": "1920x1080",
            "language": "en-GB",
            "properties": {"product": page, "price": 19.99, "source_menu": "main"},
        }


def records(per_request: int) -> list[Logged]:
    """Make the log's records of ``ROWS`` events."""
    chance = random.Random(7)  # noqa: S311
    made = []
    for offset, first in enumerate(range(0, ROWS, per_request), 1):
        body = msgspec.json.encode(list(events(chance, first, per_request)))
        sender = Sender("203.0.113.0", "DE", chance.choice(BROWSERS), "en", f"h{offset:x}")
        record = Record(
            kind="events",
            app_id=AppId("shop"),
            origin="native",
            received_at=1_772_366_400_000_000 + offset,
            count=per_request,
            sender=sender,
            body=body,
        )
        made.append(Logged("w0", Offset(offset), record))
    return made


def rate(work: Callable[[], object], rounds: int = 5) -> float:
    """Return rows per second of the best round."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return ROWS / best


def main() -> None:
    """Print the table."""
    bare = msgspec.json.Decoder(list[Event]).decode
    now = datetime(2026, 3, 1, 13, tzinfo=UTC)
    for per_request in (1, 50):
        logged = records(per_request)
        floor = rate(lambda logged=logged: [bare(entry.record.body) for entry in logged])
        decoded = rate(lambda logged=logged: decode(logged))
        rows = decode(logged).rows
        start = time.perf_counter()
        enrich(rows, now)
        first = ROWS / (time.perf_counter() - start)
        enriched = rate(lambda rows=rows: enrich(rows, now))
        both = 1 / (1 / decoded + 1 / enriched)
        sys.stdout.write(
            f"{per_request:>3} events a request: bare msgspec {floor:>9,.0f} rows/s | "
            f"decode {decoded:>9,.0f} ({decoded / floor:.2f}) | enrich {enriched:>9,.0f} "
            f"({enriched / floor:.2f}; first batch {first:,.0f}) | "
            f"both {both:>9,.0f} ({both / floor:.2f})\n"
        )


if __name__ == "__main__":
    main()
