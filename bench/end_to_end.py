"""HTTP to queryable: collector, loader, warehouse and the sender share the machine's cores.

Sends simulated people for a minute at a steady rate, in batches as servers send them (the user agent
in the header), and prints what was queryable, how the backlog went, and each process' memory and CPU
per event. The peer of the same run is a bare msgspec decode of the same bytes.
"""

import itertools
import json
import os
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from installation import Installation, processes_of, running

from footfall.apps.supervisor import split_address
from footfall.simulate import ndjson, simulate

RATE = float(os.environ.get("FOOTFALL_BENCH_RATE", "60000"))
SECONDS = float(os.environ.get("FOOTFALL_BENCH_SECONDS", "60"))
BATCH = int(os.environ.get("FOOTFALL_BENCH_BATCH", "250"))
CONNECTIONS = int(os.environ.get("FOOTFALL_BENCH_CONNECTIONS", "32"))
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
HEAD = (
    f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nUser-Agent: {AGENT}\r\n"
    "Content-Type: application/json\r\nContent-Length: "
).encode()


class Usage(NamedTuple):
    """What one kind of process takes: resident megabytes (of several the largest), CPU seconds."""

    megabytes: int
    cpu: float


def bodies() -> list[bytes]:
    """Arrays of simulated events as of now, without the user agent, which is in the header."""
    world = simulate(12_000, 20, 3, date(2024, 10, 1))
    lines = [
        re.sub(rb'"created_at":"[^"]*",|,"user_agent":"[^"]*"', b"", line)
        for block in ndjson(world)
        for line in block.splitlines()
    ]
    return [b"[" + b",".join(lines[at : at + BATCH]) + b"]" for at in range(0, len(lines), BATCH)]


def requests(made: list[bytes], rate: float = RATE) -> Iterator[bytes]:
    """Whole requests without end at the steady rate, each lap with ids and people of its own."""
    due = time.monotonic()
    for lap in itertools.count():
        for body in made:
            due += BATCH / rate
            time.sleep(max(0.0, due - time.monotonic()))
            fresh = body.replace(b'_id":"', b'_id":"%x-' % lap)
            yield HEAD + str(len(fresh)).encode() + b"\r\n\r\n" + fresh


def send(address: str, feed: Iterator[bytes], lock: threading.Lock, until: float, sent: list[int]) -> None:
    """Send until the time is over; anything but 200 counts as nothing."""
    with socket.create_connection(split_address(address)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            with lock:
                request = next(feed)
            connection.sendall(request)
            if connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                sent.append(BATCH)


def usage(data: Path) -> dict[str, Usage]:
    """Look at the installation's processes."""
    found: dict[str, Usage] = {}
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for pid in processes_of(data):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        kinds = ("collector", "platform")
        kind = next((k for k in kinds if f"footfall.apps.{k}".encode() in command), "supervisor")
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        size = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page // 1_000_000
        cpu = (int(fields[11]) + int(fields[12])) / tick
        before = found.get(kind, Usage(0, 0.0))
        found[kind] = Usage(max(before.megabytes, size), before.cpu + cpu)
    return found


def watch(installation: Installation, until: float, sent: list[int]) -> None:
    """Print rows, backlog and memory every five seconds."""
    began = time.monotonic()
    while time.monotonic() < until:
        time.sleep(min(5.0, max(0.0, until - time.monotonic())))
        taken = sum(sent)
        [[rows]] = installation.sql("select sum(stored + duplicate + rejected)::bigint from store.books")
        sizes = {kind: use.megabytes for kind, use in usage(installation.data).items()}
        second = time.monotonic() - began
        print(
            f"{second:4.0f} s  taken {taken:>10,}  behind {taken - rows:>8,}  MB {json.dumps(sizes)}",
            flush=True,
        )


def main() -> None:
    """Run it and print the ratios."""
    made = bodies()
    some = made[:4_000]
    began = time.perf_counter()
    decoded = sum(len(msgspec.json.decode(body)) for body in some)
    bare = decoded / (time.perf_counter() - began)
    print(
        f"{sum(map(len, some)) / decoded:.0f} bytes an event, {BATCH} a request, {CONNECTIONS} connections"
    )
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "data") as installation:
        feed, lock, sent = requests(made), threading.Lock(), list[int]()
        before, sending = usage(installation.data), time.process_time()
        began = time.monotonic()
        until = began + SECONDS
        threads = [
            threading.Thread(target=send, args=(installation.collector, feed, lock, until, sent))
            for _ in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        watch(installation, until, sent)
        for thread in threads:
            thread.join()
        taken = sum(sent) / (time.monotonic() - began)
        sending = (time.process_time() - sending) / sum(sent) * 1e6
        books = installation.settle(120)
        whole = books["received"] / (time.monotonic() - began)
        after = usage(installation.data)
    for kind in ("collector", "platform"):
        cpu = (after[kind].cpu - before[kind].cpu) / books["received"] * 1e6
        print(f"{kind}: {cpu:.1f} us of CPU an event, {after[kind].megabytes} MB")
    print(f"sender: {sending:.1f} us of CPU an event")
    print(
        f"taken {taken:,.0f} events/s; queryable {whole:,.0f} events/s; {whole / bare:.3f} of bare decode"
    )
    parts = " + ".join(f"{books[name]:,}" for name in ("stored", "duplicate", "rejected"))
    print(f"books: {books['received']:,} = {parts}")
