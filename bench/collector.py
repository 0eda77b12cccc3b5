"""The collector against nginx answering a bare 204, in one run on the same cores; prints ratios.

Needs ``nginx`` and ``wrk``. Usage: ``python bench/collector.py [--seconds 5] [--rounds 3]``. Goals:
single durable events at 0.15 of nginx's requests or more, events in batches of 50 at 0.8 or more.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NGINX = """
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port} reuseport; location / {{ return 204; }} }}
}}
"""

# Ids are UUIDs, distinct over the runs, so that nothing is taken for a duplicate.
# Heads are made once, since the lengths never change: the load must not cost more than the server.
LUA = """
local agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36"
local base = '{"event":"page_view","event_id":"' .. RUN
local rest = '","url":"https://shop.example/products/42?utm_source=news","user_id":"u17","title":"Product",'
  .. '"referrer":"https://www.google.com/","screen":"1920x1080","language":"en-GB"}'
local count, head = 0, ""
local function event()
  count = count + 1
  return base .. string.format("-%012x", count) .. rest
end
local function body()
  if BATCH == 1 then return event() end
  local events = {}
  for i = 1, BATCH do events[i] = event() end
  return "[" .. table.concat(events, ",") .. "]"
end
function init(args)
  head = "POST /v1/events HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Type: application/json"
    .. "\\r\\nUser-Agent: " .. agent .. "\\r\\nContent-Length: " .. #body() .. "\\r\\n\\r\\n"
end
function request() return head .. body() end
"""


class Figures(NamedTuple):
    """What one run of the load gave."""

    requests: float
    p99_ms: float


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until something listens."""
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on {port}")


@contextlib.contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for a while."""
    server = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def load(url: str, seconds: int, connections: int, script: Path | None = None) -> Figures:
    """Run wrk with one thread; fail on any answer that is no 2xx."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    command = ["wrk", *options, *(["-s", str(script)] if script else []), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    requests = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    assert requests is not None, text
    assert p99 is not None, text
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]]
    return Figures(float(requests[1]), float(p99[1]) * scale)


def resident_mb(parent: int) -> int:
    """Return the resident memory of the largest worker."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    found = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in children]
    return max(int(one[1]) // 1024 for one in found if one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--connections", type=int, default=128)
    chosen = parser.parse_args()
    for tool in ("nginx", "wrk"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        scripts = {batch: folder / f"batch-{batch}.lua" for batch in (1, 50)}
        ports = free_port(), free_port()
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, port=ports[0], workers=os.cpu_count())
        )
        collector = [sys.executable, "-m", "footfall.apps.collector"]
        settings = {
            "FOOTFALL_DATA": str(folder / "data"),
            "FOOTFALL_COLLECTOR_ADDRESS": f"127.0.0.1:{ports[1]}",
            "FOOTFALL_COLLECTOR_WORKERS": str(chosen.workers),
            "FOOTFALL_LOG_MAX_BYTES": str(64 << 30),
        }
        nginx = ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]
        with running(nginx, ports[0]), running(collector, ports[1], **settings) as parent:
            rows = []
            for turn in range(chosen.rounds):
                for batch, script in scripts.items():
                    script.write_text(f'RUN, BATCH = "{str(uuid.uuid4())[:23]}", {batch}\n{LUA}')
                bare = load(f"http://127.0.0.1:{ports[0]}/", chosen.seconds, chosen.connections)
                url = f"http://127.0.0.1:{ports[1]}/v1/events"
                single = load(url, chosen.seconds, chosen.connections, scripts[1])
                batches = load(url, chosen.seconds, chosen.connections // 4, scripts[50])
                rows.append((single.requests / bare.requests, batches.requests * 50 / bare.requests))
                print(
                    f"round {turn + 1}: nginx 204 {bare.requests:,.0f}/s;"
                    f" single events {single.requests:,.0f}/s (p99 {single.p99_ms:.1f} ms);"
                    f" batches of 50 {batches.requests * 50:,.0f} events/s (p99 {batches.p99_ms:.1f} ms)"
                )
            memory = resident_mb(parent.pid)
    singles, batched = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"single durable events / nginx 204:  {singles:.2f}  (goal 0.15)")
    print(f"events in batches of 50 / nginx 204: {batched:.2f}  (goal 0.80)")
    print(f"memory of a worker: {memory} MB  (goal below 150)")


if __name__ == "__main__":
    main()
