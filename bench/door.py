"""How fast the door judges and scrubs, on one core: python bench/door.py."""

import json
import time
import uuid
from collections.abc import Callable

from footfall.core.intake import Policy, take
from footfall.core.record import Sender
from footfall.core.scrub import plan_for

POLICY = Policy(None, plan_for({}, b"bench"))


def event(number: int, **more: object) -> dict[str, object]:
    return {
        "event": "page_view",
        "event_id": str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))),
        "anonymous_id": f"a{number}",
        "created_at": "2024-05-01T12:00:00.123Z",
        "url": "https://shop.example/products/blue-shoes?utm_source=news",
        "title": "Blue shoes",
        "properties": {"price": 19.99, "currency": "EUR", "items": 3},
        **more,
    }


def body(events: object) -> bytes:
    return json.dumps(events, separators=(",", ":")).encode()


def best(job: Callable[[], object], seconds: float = 0.5) -> float:
    fastest, end = 1.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(20):
            job()
        fastest = min(fastest, (time.perf_counter() - start) / 20)
    return fastest


def main() -> None:
    batches = {
        "clean": [event(n) for n in range(50)],
        "clean, with user": [event(n, user={"age": 40}) for n in range(50)],
        "one e-mail in 50": [
            event(n, **({"user": {"email": "j@x.com"}} if n == 7 else {})) for n in range(50)
        ],
        "an e-mail in each": [event(n, user={"email": "j@x.com"}) for n in range(50)],
        "percent-encoding in each": [
            event(n, referrer="https://g.example/?q=%D8%A7%20a") for n in range(50)
        ],
        "an unknown field in each": [event(n, plan="pro") for n in range(50)],
    }

    def taken(data: bytes) -> Callable[[], object]:
        return lambda: take(data, policy=POLICY, origin="native", received_at=1, sender=Sender())

    print(f"single clean event: {best(taken(body(event(1)))) * 1e6:.1f} us")
    for name, events in batches.items():
        data = body(events)
        seconds = best(taken(data))
        print(f"50 events, {name}: {50 / seconds:,.0f} events/s, {len(data) / seconds / 1e6:.0f} MB/s")


if __name__ == "__main__":
    main()
