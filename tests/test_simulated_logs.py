"""Simulated access logs: read back with patterns of our own, and held against their truth."""

import ipaddress
import re
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import unquote

import crawleruseragents
import pytest

from footfall.simulate import LogKind, World, access_log, log_truth, simulate
from footfall.simulate.accesslogs import CLOUDFRONT_FIELDS
from footfall.simulate.requests import AGENTS, BOTS_FROM, requests

# https://httpd.apache.org/docs/2.4/logs.html#combined
COMBINED = re.compile(
    r'(?P<ip>\S+) - - \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<target>/\S*) HTTP/1\.1" '
    r'(?P<status>\d{3}) (?P<bytes>\d+|-) "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)"'
)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html: 27 fields in their order.
S3_NAMES = (
    "owner bucket time ip requester request_id operation key request status error bytes size total "
    "turnaround referrer agent version host_id signature cipher authentication host tls access_point acl "
    "source_region"
)
S3_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
FILE = re.compile(r"/(certificates|brochures|menus|reports|press|internal)/")


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(150, 12, 21, date(2024, 2, 24))


@cache
def is_bot(agent: str) -> bool:
    return bool(crawleruseragents.is_crawler(agent))


def moment(text: str) -> datetime:
    """Read a time of the common log format, by hand: strptime's %b depends on the locale."""
    day, month, rest = text.split("/")
    year, clock = rest.split(":", 1)
    assert clock.endswith(" +0000")
    number = MONTHS.index(month) // 4 + 1
    return datetime.fromisoformat(f"{year}-{number:02}-{day}T{clock[:8]}+00:00")


def read_combined(body: bytes) -> list[dict[str, Any]]:
    rows = []
    for line in body.decode("ascii").splitlines():
        found = COMBINED.fullmatch(line)
        assert found, line
        rows.append({**found.groupdict(), "at": moment(found["time"])})
    return rows


def read_s3(body: bytes) -> list[dict[str, Any]]:
    rows = []
    for line in body.decode("ascii").splitlines():
        values = ["".join(parts) for parts in S3_FIELD.findall(line)]
        assert len(values) == 27, line
        row: dict[str, Any] = dict(zip(S3_NAMES.split(), values, strict=True))
        method, target, _ = row["request"].split(" ")
        assert row["operation"] == "REST.GET.OBJECT"
        assert target == "/" + row["key"]
        rows.append({**row, "method": method, "target": target, "at": moment(row["time"])})
    return rows


def read_cloudfront(body: bytes) -> list[dict[str, Any]]:
    version, header, *lines = body.decode("ascii").splitlines()
    assert version == "#Version: 1.0"
    names = header.removeprefix("#Fields: ").split()
    assert len(names) == 33
    rows = []
    for line in lines:
        row: dict[str, Any] = dict(zip(names, line.split("\t"), strict=True))
        assert " " not in row["cs(User-Agent)"]
        rows.append(
            {
                "at": datetime.fromisoformat(f"{row['date']}T{row['time']}+00:00"),
                "ip": row["c-ip"],
                "method": row["cs-method"],
                "target": row["cs-uri-stem"],
                "status": row["sc-status"],
                "bytes": row["sc-bytes"],
                "referrer": row["cs(Referer)"],
                "agent": unquote(row["cs(User-Agent)"]),
            }
        )
    return rows


READERS = {"combined": read_combined, "s3": read_s3, "cloudfront": read_cloudfront}


def rows_of(world: World, kind: LogKind, *, files_only: bool = False) -> list[dict[str, Any]]:
    return READERS[kind](b"".join(access_log(world, kind, files_only=files_only)))


def size(row: dict[str, Any]) -> int:
    return 0 if row["bytes"] == "-" else int(row["bytes"])


def expected(rows: list[dict[str, Any]]) -> dict[str, list[list[Any]]]:
    people = [row for row in rows if not is_bot(row["agent"])]
    statuses = Counter(int(row["status"]) for row in people)
    objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
    days: dict[str, set[Any]] = defaultdict(set)
    for row in people:
        row["visitor"] = (row["ip"], row["agent"], row["at"].date())
        objects[row["target"]].append(row)
        days[row["at"].date().isoformat()].add(row["visitor"])
    files = []
    for target, asked in objects.items():
        openers: Counter[Any] = Counter()
        last: dict[Any, datetime] = {}
        for row in sorted(asked, key=lambda row: (row["at"], row["status"])):
            if row["method"] != "GET" or row["status"] not in ("200", "206"):
                continue
            before = last.get(row["visitor"])
            fresh = before is None or row["at"] - before > timedelta(minutes=30)
            openers[row["visitor"]] += row["status"] == "200" or fresh
            last[row["visitor"]] = row["at"]
        files.append(
            [
                target,
                sum(openers.values()),
                len(asked),
                sum(map(size, asked)),
                sum(n > 0 for n in openers.values()),
            ]
        )
    return {
        "status_codes": sorted(
            (
                [
                    status,
                    n,
                    n / len(people),
                    sum(size(row) for row in people if row["status"] == str(status)),
                ]
                for status, n in statuses.items()
            ),
            key=lambda row: (-row[1], row[0]),
        ),
        "top_objects": sorted(files, key=lambda row: (-row[1], -row[2], row[0])),
        "daily_active_users": [[day, len(who)] for day, who in sorted(days.items())],
    }


@pytest.mark.parametrize("files_only", [False, True])
@pytest.mark.parametrize("kind", ["combined", "s3", "cloudfront"])
def test_every_line_reads_back_and_the_truth_agrees(world: World, kind: LogKind, files_only: bool) -> None:
    rows = rows_of(world, kind, files_only=files_only)
    assert len(rows) > 50
    answers = log_truth(world, kind, files_only=files_only)
    reference = expected(rows)
    assert answers.keys() == reference.keys()
    for name, wanted in reference.items():
        assert answers[name]["rows"] == wanted, name
        assert all(len(row) == len(answers[name]["columns"]) for row in wanted)


def test_lines_are_in_the_order_of_time_and_within_the_days(world: World) -> None:
    moments = [row["at"] for row in rows_of(world, "combined")]
    assert moments == sorted(moments)
    assert moments[0] >= datetime(2024, 2, 24, tzinfo=UTC)
    assert moments[-1] < datetime(2024, 2, 24, tzinfo=UTC) + timedelta(days=12)


def test_the_three_formats_tell_the_same(world: World) -> None:
    names = ("at", "ip", "method", "target", "status", "agent")
    combined, cloudfront = (
        [[row[n] for n in names] for row in rows_of(world, k)] for k in ("combined", "cloudfront")
    )
    assert combined == cloudfront
    files, bucket = (
        [[row[n] for n in names] for row in rows_of(world, kind, files_only=True)]
        for kind in ("combined", "s3")
    )
    assert files == bucket
    assert len(files) < len(combined)
    assert all(FILE.match(row[3]) for row in files)


def test_addresses_are_addresses_and_answers_are_of_all_kinds() -> None:
    rows = rows_of(simulate(1_500, 10, 3, date(2024, 3, 1)), "combined")
    versions = Counter(ipaddress.ip_address(row["ip"]).version for row in rows)
    assert versions[4] > versions[6] > 0
    assert {row["status"] for row in rows} == {"200", "206", "304", "403", "404", "500"}
    assert {row["method"] for row in rows} == {"GET", "POST"}
    assert all(row["bytes"] == "-" for row in rows if row["status"] == "304")
    knocks = [row for row in rows if row["target"] in ("/.env", "/wp-login.php")]
    assert knocks
    assert all(is_bot(row["agent"]) for row in knocks)


def test_who_is_a_bot_is_plain_from_the_agent() -> None:
    assert [is_bot(agent) for agent in AGENTS] == [n >= BOTS_FROM for n in range(len(AGENTS))]
    assert len(set(AGENTS)) == len(AGENTS)


def test_logs_are_the_same_for_the_same_seed(world: World) -> None:
    again = simulate(150, 12, 21, date(2024, 2, 24))
    for kind in READERS:
        assert b"".join(access_log(world, kind)) == b"".join(access_log(again, kind))  # type: ignore[arg-type]


def test_whole_requests_only_and_headers_as_documented(world: World) -> None:
    assert sum(len(part) for part in requests(world)) == len(rows_of(world, "combined"))
    assert CLOUDFRONT_FIELDS.startswith(
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem "
    )
