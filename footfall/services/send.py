"""Events to a collector over HTTP: batches on kept-alive connections, patient with a busy server.

A batch that got no answer is sent again as the same bytes; event ids make that safe.
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import msgspec

from footfall.errors import SendFailed

__all__ = ["Sent", "send"]

EVENTS_PATH = "/v1/events"
BATCH_BYTES = 900_000  # below the collector's default limit of 1 MiB
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
# Answers that the same bytes may get over: too fast, can't store, and what proxies say of a restart.
PASSING = frozenset({429, 500, 502, 503, 504})
TOO_BIG = 413


@dataclass(frozen=True, slots=True)
class Sent:
    """What the collector answered, added up; ``seconds`` is the time from first to last.

    ``accepted`` is as the collector counts it; ``retries`` are requests that were sent again.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    retries: int = 0
    seconds: float = 0.0


class _Rejection(msgspec.Struct):
    index: int = 0
    reasons: list[str] = []


class _Reply(msgspec.Struct):
    accepted: int
    duplicates: int = 0
    rejected: list[_Rejection] = []


@dataclass(slots=True)
class _Run:
    """What the sending threads share; all of it is touched under ``lock`` only."""

    url: str
    path: str
    patience: float
    headers: dict[str, str]
    connect: Callable[[], http.client.HTTPConnection]
    batches: Iterator[tuple[int, bytes]]
    on_progress: Callable[[int], None] | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    stop: threading.Event = field(default_factory=threading.Event)
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    retries: int = 0


def _batches(blocks: Iterable[bytes], batch: int, rate: float | None) -> Iterator[tuple[int, bytes]]:
    """Cut blocks of NDJSON into JSON arrays of at most ``batch`` events, at the pace of ``rate``."""
    started, given = time.monotonic(), 0
    for block in blocks:
        lines = [line for line in block.split(b"\n") if line]
        at = 0
        while at < len(lines):
            part = lines[at : at + batch]
            while len(part) > 1 and sum(map(len, part)) + len(part) > BATCH_BYTES:
                part = part[: len(part) // 2]
            if rate:
                time.sleep(max(0.0, started + given / rate - time.monotonic()))
            yield len(part), b"[" + b",".join(part) + b"]"
            at += len(part)
            given += len(part)


def _asked_pause(header: str | None) -> float:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); 0 without."""
    if not header:
        return 0.0
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return 0.0


def _failed(run: _Run, cause: str, hint: str) -> SendFailed:
    return SendFailed(url=run.url, sent=run.sent, cause=cause, hint=hint)


def _reply(run: _Run, status: int, body: bytes) -> _Reply:
    said = body[:300].decode("utf-8", "replace").strip()
    if status != 200:
        hint = "Check the write key and the address" if status != TOO_BIG else "Send smaller batches"
        raise _failed(run, f"the answer was {status} {said}", hint)
    try:
        return msgspec.json.decode(body, type=_Reply)
    except msgspec.DecodeError as error:
        raise _failed(run, f"the answer is not a collector's ({said!r})", "Check the address") from error


def _post(run: _Run, connection: http.client.HTTPConnection, body: bytes) -> _Reply | None:
    """Send one batch until it is answered; None when another connection has failed meanwhile.

    Raises SendFailed when patience is over or the batch is refused.
    """
    pause, waited = FIRST_PAUSE, 0.0
    while True:
        asked = 0.0
        try:
            connection.request("POST", run.path, body, run.headers)
            response = connection.getresponse()
            answer = response.read()
            if response.status not in PASSING:
                return _reply(run, response.status, answer)
            asked = _asked_pause(response.headers.get("Retry-After"))
            cause = f"the answer was {response.status} for {waited:.1f} s"
        except (OSError, http.client.HTTPException) as error:
            connection.close()  # the next request opens it again
            cause = str(error) or type(error).__name__
        rest = max(pause, asked)
        if waited + rest > run.patience:
            raise _failed(run, cause, "Check that the collector is running and has room, then send again")
        if run.stop.wait(rest):
            return None
        waited += rest
        pause = min(pause * 2, LONGEST_PAUSE)
        with run.lock:
            run.retries += 1


def _work(run: _Run) -> None:
    connection = run.connect()
    try:
        while not run.stop.is_set():
            with run.lock:
                size, body = next(run.batches, (0, b""))
            if not size:
                return
            reply = _post(run, connection, body)
            if reply is None:
                return
            with run.lock:
                run.sent += size
                run.accepted += reply.accepted
                run.duplicates += reply.duplicates
                run.rejected += len(reply.rejected)
                if run.on_progress:
                    run.on_progress(run.sent)
    except BaseException:
        run.stop.set()
        raise
    finally:
        connection.close()


def send(
    blocks: Iterable[bytes],
    url: str,
    *,
    rate: float | None = None,
    write_key: str | None = None,
    batch: int = 500,
    connections: int = 2,
    patience: float = 60.0,
    on_progress: Callable[[int], None] | None = None,
) -> Sent:
    """Send blocks of whole NDJSON lines to the collector at ``url`` and add up its answers.

    ``url`` may be the collector's address or the full address of its events path. ``rate`` is events
    per second, as fast as it goes when None. 429, 5xx and broken connections are tried again with
    growing pauses, no shorter than Retry-After, for up to ``patience`` seconds a batch.
    ``on_progress`` gets the number of events answered so far, one call at a time but from the
    sending threads. With more than one connection batches may overtake each other.

    Raises SendFailed when patience is over or the collector refuses the request; ValueError for an
    address that is not http or https.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not the address of a collector, such as http://127.0.0.1:8000")
    host, port = parts.hostname, parts.port
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    path = parts.path if parts.path not in ("", "/") else EVENTS_PATH
    run = _Run(
        url=url,
        path=f"{path}?{parts.query}" if parts.query else path,
        patience=patience,
        headers={"Content-Type": "application/json", **({"X-Write-Key": write_key} if write_key else {})},
        connect=lambda: kind(host, port, timeout=30),
        # A slow pace is kept in small steps: ten batches a second.
        batches=_batches(blocks, min(batch, max(1, int(rate / 10))) if rate else batch, rate),
        on_progress=on_progress,
    )
    started = time.monotonic()
    with ThreadPoolExecutor(connections, thread_name_prefix="send") as pool:
        works = [pool.submit(_work, run) for _ in range(connections)]
        try:
            failures = [error for work in works if (error := work.exception())]
        except BaseException:
            run.stop.set()  # Ctrl-C: let the threads end before the pool waits for them
            raise
    if failures:
        raise failures[0]
    seconds = time.monotonic() - started
    return Sent(run.accepted, run.duplicates, run.rejected, run.retries, seconds)
