"""HTTP to queryable: collector, loader, warehouse and the sender share the machine's cores.

Sends simulated people for a minute and prints what was queryable by the end, how the backlog went
and what memory each process took. The peer of the same run is a bare msgspec decode of the bytes.
"""

import itertools
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from installation import Installation, processes_of, running

from footfall.apps.supervisor import split_address
from footfall.simulate.encode import ndjson
from footfall.simulate.world import simulate

SECONDS = float(os.environ.get("FOOTFALL_BENCH_SECONDS", "60"))
BATCH = 100
CONNECTIONS = 4


def bodies() -> list[bytes]:
    """Arrays of simulated events."""
    lines = [
        line for block in ndjson(simulate(12_000, 20, 3, date(2026, 10, 1))) for line in block.splitlines()
    ]
    return [b"[" + b",".join(lines[at : at + BATCH]) + b"]" for at in range(0, len(lines), BATCH)]


def requests(made: list[bytes]) -> Iterator[bytes]:
    """Whole requests without end, each event with an id of its own."""
    for lap in itertools.count():
        for body in made:
            fresh = body.replace(b'"event_id":"', b'"event_id":"%d-' % lap)
            head = b"POST /v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: "
            yield head + str(len(fresh)).encode() + b"\r\n\r\n" + fresh


def send(address: str, feed: Iterator[bytes], lock: threading.Lock, until: float, sent: list[int]) -> None:
    """Send until the time is over; 503 would show as fewer events."""
    with socket.create_connection(split_address(address)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            with lock:
                request = next(feed)
            connection.sendall(request)
            answer = connection.recv(65_536)
            if answer.startswith(b"HTTP/1.1 200"):
                sent.append(BATCH)


def memory(data: Path) -> dict[str, int]:
    """Resident megabytes by kind of process; of several workers the largest."""
    sizes: dict[str, int] = {}
    for pid in processes_of(data):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        kind = next(
            (k for k in ("collector", "platform") if f"footfall.apps.{k}".encode() in command), "supervisor"
        )
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        sizes[kind] = max(sizes.get(kind, 0), pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000)
    return sizes


def watch(installation: Installation, until: float) -> list[tuple[float, int, dict[str, int]]]:
    """Look at backlog and memory every few seconds."""
    began = time.monotonic()
    seen = []
    while time.monotonic() < until:
        time.sleep(min(5.0, max(0.0, until - time.monotonic())))
        rows = installation.sql("select count(*) from events")
        seen.append((time.monotonic() - began, rows[0][0], memory(installation.data)))
    return seen


def main() -> None:
    made = bodies()
    began = time.perf_counter()
    decoded = sum(len(msgspec.json.decode(body)) for body in made[:2_000])
    bare = decoded / (time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as installation:
        feed, lock, sent = requests(made), threading.Lock(), list[int]()
        began = time.monotonic()
        until = began + SECONDS
        threads = [
            threading.Thread(target=send, args=(installation.collector, feed, lock, until, sent))
            for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        seen = watch(installation, until)
        for thread in threads:
            thread.join()
        taken = sum(sent) / (time.monotonic() - began)
        books = installation.settle(120)
        whole = books["received"] / (time.monotonic() - began)
    for second, rows, sizes in seen:
        print(f"{second:5.0f} s  {rows:>10,} rows queryable  {sizes}")
    print(
        f"taken {taken:,.0f} events/s; queryable {whole:,.0f} events/s; {whole / bare:.3f} of bare decode"
    )
    print(
        f"books: {books['received']:,} = {books['stored']:,} + {books['duplicate']:,} + {books['rejected']:,}"
    )
