"""A network that fails in part: a proxy that drops things out of a request and says so in the reply.

The service behind never sees what was dropped, and the reply is the service's own with the failure
put in its place: as if the service had taken the rest. What real services do to a batch under load,
which their stand-ins never do.
"""

import gzip
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from footfall.testing.aws.loopback import QuietHandler, serving

__all__ = ["HOP", "Alteration", "Exchange", "Later", "Proxy", "altering_proxy", "part_of_batch"]

HOP = {"content-encoding", "connection", "transfer-encoding", "content-length", "host", "accept-encoding"}


@dataclass
class Exchange:
    """A request on its way, unzipped; ``forward`` sends a body on and gives the reply: status and body."""

    target: str
    path: str
    body: bytes
    forward: Callable[[bytes], tuple[int, bytes]]


Alteration = Callable[[Exchange], tuple[int, bytes] | None]
"""Answers an exchange in its own way, or gives None to let it pass as it is. Raises Later."""


class Later(Exception):
    """This request passes as it is, and the alteration is asked again."""


@dataclass
class Proxy:
    """``alterations`` are asked in turn, each once; with none left everything passes."""

    url: str
    alterations: list[Alteration] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def altered(self, exchange: Exchange) -> tuple[int, bytes]:
        """Answer a request: by the next alteration, or as the service does."""
        with self.lock:
            alteration = self.alterations.pop(0) if self.alterations else None
        try:
            answer = alteration(exchange) if alteration else None
        except Later:
            answer = None
            with self.lock:
                self.alterations[:0] = [alteration] if alteration else []
        return answer or exchange.forward(exchange.body)


@contextmanager
def altering_proxy(upstream: str) -> Iterator[Proxy]:
    """Run a proxy before a server."""
    where = urlsplit(upstream)

    class Handler(QuietHandler):
        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            kept: dict[str, str] = {}

            def forward(altered: bytes) -> tuple[int, bytes]:
                assert where.hostname
                connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
                try:
                    connection.request(self.command, self.path, altered, headers)
                    answer = connection.getresponse()
                    kept.update({k: v for k, v in answer.getheaders() if k.lower() not in HOP})
                    return answer.status, answer.read()
                finally:
                    connection.close()

            target = self.headers.get("x-amz-target", "").rpartition(".")[2]
            exchange = Exchange(target, self.path, body, forward)
            proxy.requests.append(target or self.path)
            status, reply = proxy.altered(exchange)
            with suppress(ConnectionError):  # whoever asked may be gone: an instance that was killed
                self._say(status, kept, reply)

        def _say(self, status: int, kept: Mapping[str, str], reply: bytes) -> None:
            self.send_response(status)
            for name, value in kept.items():
                if name.lower() not in ("date", "server"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _pass

    with serving(Handler) as address:
        proxy = Proxy(f"http://{address}")
        yield proxy


def part_of_batch(asked: str, answered: str, places: set[int], failure: dict[str, Any]) -> Alteration:
    """Return what drops these places of a JSON batch and answers them with ``failure``.

    ``asked`` and ``answered`` name the lists in request and reply (Records and RequestResponses).
    """

    def alter(exchange: Exchange) -> tuple[int, bytes]:
        request = json.loads(exchange.body)
        entries = request[asked]
        request[asked] = [entry for place, entry in enumerate(entries) if place not in places]
        outcomes: list[Any] = []
        status, reply = 200, b'{"%s":[]}' % answered.encode()
        if request[asked]:
            status, reply = exchange.forward(json.dumps(request).encode())
        told = json.loads(reply)
        outcomes = list(told[answered])
        told[answered] = [failure if place in places else outcomes.pop(0) for place in range(len(entries))]
        return status, json.dumps(told).encode()

    return alter
