"""How old the newest answer is: from the collector's 200 until SQL sees the event, under load.

Sends 10,000 events a second, and every half second a marked one whose way is timed. The goal is 2 s.
"""

import itertools
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from bench.end_to_end import Installation, bodies, requests, running, send

RATE = float(os.environ.get("FOOTFALL_BENCH_RATE", "10000"))
SECONDS = float(os.environ.get("FOOTFALL_BENCH_SECONDS", "20"))
CONNECTIONS = 8


def ages(installation: Installation, until: float) -> list[float]:
    """Send marked events one after another and time until each can be queried, in seconds."""
    found: list[float] = []
    for number in itertools.count():
        if time.monotonic() > until:
            return found
        event_id = f"mark-{number}"
        body = json.dumps({"event": "mark", "event_id": event_id, "anonymous_id": "clock"}).encode()
        status, _ = installation.ask("POST", "/v1/events", body)
        assert status == 200
        taken = time.monotonic()
        query = f"select count(*) from events where event = 'mark' and event_id = '{event_id}'"
        while installation.sql(query) == [[0]]:
            time.sleep(0.02)
        found.append(time.monotonic() - taken)
        time.sleep(0.5)
    return found


def main() -> None:
    """Run it and print how long events took."""
    made = bodies()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as installation:
        feed, lock, sent = requests(made, RATE), threading.Lock(), list[int]()
        until = time.monotonic() + SECONDS
        threads = [
            threading.Thread(target=send, args=(installation.collector, feed, lock, until, sent))
            for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        found = ages(installation, until)
        for thread in threads:
            thread.join()
        installation.settle(60)
    middle, worst = statistics.median(found), max(found)
    print(f"{sum(sent) / SECONDS:,.0f} events/s; {len(found)} marked events")
    print(f"queryable after {middle:.2f} s (median), {worst:.2f} s (longest); goal below 2 s")


if __name__ == "__main__":
    main()
