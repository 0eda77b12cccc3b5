"""The requests as lines of access logs: combined, S3 server access logs, CloudFront standard logs.

Combined and CloudFront hold every request; S3 those for documents, which lie in a bucket.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

import numpy as np

from footfall.simulate.columns import SECOND
from footfall.simulate.encode import hex_words
from footfall.simulate.places import PLACES
from footfall.simulate.requests import (
    AGENTS,
    FIRST_DOCUMENT,
    FIRST_KNOCK,
    METHODS,
    REFERRERS,
    TARGETS,
    Requests,
    addresses,
    pick,
    requests,
)
from footfall.simulate.world import World

__all__ = ["CLOUDFRONT_FIELDS", "LogKind", "access_log", "logged"]

LogKind = Literal["combined", "s3", "cloudfront"]

BLOCK_LINES = 5_000
BUCKET = "shop-example-documents"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
    "cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type "
    "cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)
EDGES = {
    "NA": "IAD89-C1",
    "SA": "GRU3-C1",
    "EU": "FRA56-P4",
    "AF": "JNB50-C1",
    "AS": "NRT57-P2",
    "OC": "SYD62-P1",
}
RESULTS = {200: "Hit", 206: "Hit", 304: "Hit", 403: "Error", 404: "Error", 500: "Error"}
# CloudFront encodes the user agent's spaces and signs, not its slashes and brackets.
AGENTS_ENCODED = tuple(quote(agent, safe="/();:,.-_+") for agent in AGENTS)


def _moments(asked: Requests) -> list[datetime]:
    return [EPOCH + timedelta(seconds=second) for second in (asked.time // SECOND).tolist()]


def _clf(moment: datetime) -> str:
    month = MONTHS[moment.month - 1]  # not strftime, which would speak the machine's language
    return f"[{moment.day:02}/{month}/{moment.year}:{moment:%H:%M:%S} +0000]"


def _combined(world: World, asked: Requests) -> list[str]:
    """https://httpd.apache.org/docs/2.4/logs.html#combined; no bytes are "-", as %b writes them."""
    columns = (
        addresses(world, asked.host),
        _moments(asked),
        asked.method.tolist(),
        asked.target.tolist(),
        asked.status.tolist(),
        asked.size.tolist(),
        asked.referrer.tolist(),
        asked.agent.tolist(),
    )
    return [
        f'{ip} - - {_clf(moment)} "{METHODS[method]} {TARGETS[target]} HTTP/1.1" {status} {size or "-"}'
        f' "{REFERRERS[referrer] or "-"}" "{AGENTS[agent]}"\n'
        for ip, moment, method, target, status, size, referrer, agent in zip(*columns, strict=True)
    ]


def _s3(world: World, asked: Requests) -> list[str]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html, with its 27 columns."""
    errors = {403: "AccessDenied", 404: "NoSuchKey"}
    columns = (
        addresses(world, asked.host),
        _moments(asked),
        asked.target.tolist(),
        asked.status.tolist(),
        asked.size.tolist(),
        asked.whole.tolist(),
        asked.referrer.tolist(),
        asked.agent.tolist(),
        hex_words(asked.time * 64 + asked.host % 64, world.seed + 5, world.seed + 6, world.seed + 7),
    )
    return [
        f"{OWNER} {BUCKET} {_clf(moment)} {ip} - {number[:16].upper()} REST.GET.OBJECT"
        f" {TARGETS[target][1:]}"
        f' "GET {TARGETS[target]} HTTP/1.1" {status} {errors.get(status, "-")} {size or "-"} {whole or "-"}'
        f' {20 + size // 100_000} {12 + target % 9} "{REFERRERS[referrer] or "-"}" "{AGENTS[agent]}" -'
        f" {number[16:]}= - TLS_AES_128_GCM_SHA256 - {BUCKET}.s3.eu-central-1.amazonaws.com TLSv1.3 - - -\n"
        for ip, moment, target, status, size, whole, referrer, agent, number in zip(*columns, strict=True)
    ]


def _cloudfront(world: World, asked: Requests) -> list[str]:
    """Write standard logs (version 1.0): fields apart by tabs, times in two columns, agents encoded."""
    people = world.people
    places = people.place[np.minimum(asked.host, len(people.place) - 1)].tolist()
    columns = (
        addresses(world, asked.host),
        _moments(asked),
        places,
        asked.method.tolist(),
        asked.target.tolist(),
        asked.status.tolist(),
        asked.size.tolist(),
        asked.referrer.tolist(),
        asked.agent.tolist(),
        hex_words(asked.time * 64 + asked.host % 64, world.seed + 5, world.seed + 6),
        (asked.host % 50_000 + 1_024).tolist(),
    )
    lines = []
    for ip, moment, place, method, target, status, size, referrer, agent, number, port in zip(
        *columns, strict=True
    ):
        result = RESULTS[status]
        content = "application/pdf" if FIRST_DOCUMENT <= target < FIRST_KNOCK else "text/html"
        taken = f"{0.004 + size / 40_000_000:.3f}"
        lines.append(
            f"{moment:%Y-%m-%d}\t{moment:%H:%M:%S}\t{EDGES[PLACES[place].continent]}\t{size}\t{ip}"
            f"\t{METHODS[method]}\td111111abcdef8.cloudfront.net\t{TARGETS[target]}"
            f"\t{status}\t{REFERRERS[referrer] or '-'}"
            f"\t{AGENTS_ENCODED[agent]}\t-\t-\t{result}\t{number}==\tshop.example\thttps\t{300 + target}"
            f"\t{taken}\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\t{result}\tHTTP/2.0\t-\t-\t{port}\t{taken}\t{result}"
            f"\t{content}\t{size}\t-\t-\n"
        )
    return lines


WRITERS: dict[LogKind, Callable[[World, Requests], list[str]]] = {
    "combined": _combined,
    "s3": _s3,
    "cloudfront": _cloudfront,
}


def logged(world: World, kind: LogKind, files_only: bool) -> Iterator[Requests]:
    """Yield the requests that a log of this kind holds.

    S3 logs what is in its bucket: the documents. With ``files_only`` the others do the same, as the
    log of a host that serves nothing but files.
    """
    for part in requests(world):
        if files_only or kind == "s3":
            part = pick(part, (part.target >= FIRST_DOCUMENT) & (part.target < FIRST_KNOCK))
        yield part


def access_log(world: World, kind: LogKind, *, files_only: bool = False) -> Iterator[bytes]:
    """Yield the world's access log as blocks of whole lines, in the order of time.

    A CloudFront log begins with its two header lines; ``files_only`` is said at ``logged``.
    """
    if kind == "cloudfront":
        yield f"#Version: 1.0\n#Fields: {CLOUDFRONT_FIELDS}\n".encode()
    write = WRITERS[kind]
    for part in logged(world, kind, files_only):
        for at in range(0, len(part), BLOCK_LINES):
            yield "".join(write(world, pick(part, slice(at, at + BLOCK_LINES)))).encode()
