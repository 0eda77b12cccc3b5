"""Access logs: real ones by their known facts, odd lines one by one, and both ways of reading agree."""

import gzip
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.core.accesslog import combined
from footfall.core.accesslog.arrived import LineRules, arrive, event_ids
from footfall.core.accesslog.columnar import clf_times, lines_of, numbers
from footfall.core.accesslog.combined import parse
from footfall.core.accesslog.fields import LINE_SCHEMA, Parsed
from footfall.core.accesslog.formats import LOG_FORMATS, guess_format
from footfall.core.arrow import ARRIVED_SCHEMA

LINE = (
    b'192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a/b.pdf?x=1 HTTP/1.1" 200 2326 '
    b'"http://h.example/" "Mozilla/5.0 (X11)"'
)
NO_STATUS = ["it has no status of three digits", "it has no number of bytes"]
RULES = LineRules(
    urls=list,
    agents=list,
    texts=list,
    network=lambda ip: ip.rpartition(".")[0] + ".0",
    country=lambda ip: "NA" if ip.startswith("192.") else None,
    visitors=lambda day: lambda ip, agent: f"{ip}|{agent}|{day}",
    person=lambda name: f"hash of {name}",
)


def rows(block: bytes) -> list[dict[str, object]]:
    parsed = parse(block)
    assert parsed.refused == ()
    return parsed.rows.to_pylist()


def one(line: bytes) -> dict[str, object]:
    (row,) = rows(line)
    return row


def arrived(block: bytes) -> pa.Table:
    parsed = parse(block)
    ids = event_ids(parsed, [(-100, "content")])
    return arrive(parsed, ids, app_id="shop", origin="combined", received_at=0, rules=RULES)


def test_apache_10k_has_its_known_facts(shared_data: Path) -> None:
    parsed = parse(gzip.decompress((shared_data / "access-logs/combined/apache-10k.log.gz").read_bytes()))
    table = parsed.rows
    assert (table.num_rows, parsed.refused) == (10_000, ())
    address = table["ip"].cast(pa.string())
    day = pc.strftime(table["created_at"], "%d")
    per_day = pa.table({"day": day, "ip": address}).group_by("day").aggregate([("ip", "count_distinct")])
    assert len(address.unique()) == 1_753
    assert [row["ip_count_distinct"] for row in per_day.sort_by("day").to_pylist()] == [341, 627, 561, 505]
    classes = pc.value_counts(pc.divide(table["status"], 100)).to_pylist()
    assert {row["values"]: row["counts"] for row in classes} == {2: 9_171, 3: 609, 4: 217, 5: 3}
    assert pc.sum(table["bytes"]).as_py() == 2_747_282_740
    assert table["line"].to_pylist() == list(range(10_000))


def test_exactly_the_damaged_lines_are_refused(shared_data: Path) -> None:
    folder = shared_data / "access-logs/malformed"
    damaged = parse((folder / "combined_with_errors.log").read_bytes())
    whole = parse((folder / "combined_no_errors.log").read_bytes())
    assert [line.body for line in damaged.refused] == [b"Error line %d" % number for number in (1, 2, 3, 4)]
    assert [line.line + 1 for line in damaged.refused] == [3, 12, 21, 22]
    assert whole.refused == ()
    kept = [name for name in LINE_SCHEMA.names if name not in {"line", "offset"}]
    assert damaged.rows.select(kept).to_pylist() == whole.rows.select(kept).to_pylist()


@pytest.mark.parametrize(
    ("name", "lines", "addresses"),
    [
        ("combined/shop.log", 1_000, 101),
        ("combined/combined_log.clf", 12, None),
        ("combined/log.clf", 2, 2),
        ("malformed/nginx_access.log", 1_000, None),
        ("malformed/dreamhost_apache_access.log", 129, None),
    ],
)
def test_real_logs_are_taken_whole(shared_data: Path, name: str, lines: int, addresses: int | None) -> None:
    parsed = parse((shared_data / "access-logs" / name).read_bytes())
    assert (parsed.rows.num_rows, parsed.refused) == (lines, ())
    if addresses:
        assert len(parsed.rows["ip"].cast(pa.string()).unique()) == addresses


def test_latin1_file_keeps_its_169_log_lines_and_refuses_the_binary_tail(shared_data: Path) -> None:
    parsed = parse((shared_data / "access-logs/malformed/combined_latin1_enc.log").read_bytes())
    assert parsed.rows["line"].to_pylist() == list(range(169))
    assert [line.line for line in parsed.refused] == list(range(169, 200))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (LINE, {"ip": "192.0.2.7", "user": None, "method": "GET", "target": "/a/b.pdf?x=1", "bytes": 2326}),
        (LINE, {"referrer": "http://h.example/", "user_agent": "Mozilla/5.0 (X11)", "status": 200}),
        (LINE.replace(b"192.0.2.7", b"2001:db8::1"), {"ip": "2001:db8::1"}),
        (LINE.replace(b"192.0.2.7", b"::1"), {"ip": "::1"}),
        (LINE.replace(b"- -", b"- frank"), {"user": "frank"}),
        (LINE.replace(b"- -", b"- Frank van der Berg"), {"user": "Frank van der Berg"}),
        (LINE.replace(b"- -", b"ident frank"), {"user": "frank"}),
        (LINE.replace(b"192.0.2.7", b"shop.example:443 192.0.2.7"), {"ip": "192.0.2.7", "status": 200}),
        (LINE.replace(b" 2326 ", b" - "), {"bytes": 0}),
        (LINE.replace(b" 200 ", b" - "), {"status": None}),
        (LINE.replace(b"+0000", b"+0330"), {"created_at": datetime(2015, 5, 17, 6, 35, 3)}),  # noqa: DTZ001
        (LINE.replace(b"+0000", b"-0800"), {"created_at": datetime(2015, 5, 17, 18, 5, 3)}),  # noqa: DTZ001
        (LINE.replace(b"(X11)", b'\\"quoted\\"'), {"user_agent": 'Mozilla/5.0 "quoted"'}),
        (LINE.replace(b"(X11)", b"\\xC3\\xA9t\\xc3\\xa9"), {"user_agent": "Mozilla/5.0 été"}),
        (LINE.replace(b"(X11)", b"\\xE9"), {"user_agent": "Mozilla/5.0 \\xE9"}),
        (LINE.replace(b"(X11)", b"caf\xe9"), {"user_agent": "Mozilla/5.0 café"}),
        (LINE.replace(b"(X11)", "café".encode()), {"user_agent": "Mozilla/5.0 café"}),
        (LINE.replace(b"Mozilla/5.0 (X11)", b"-"), {"user_agent": None}),
        (LINE.replace(b"Mozilla/5.0 (X11)", b""), {"user_agent": None}),
        (LINE + b' "203.0.113.9"', {"user_agent": "Mozilla/5.0 (X11)"}),
        (LINE + b" ", {"user_agent": "Mozilla/5.0 (X11)"}),
        (LINE + b"\r\n", {"user_agent": "Mozilla/5.0 (X11)"}),
        (LINE[:-1], {"user_agent": "Mozilla/5.0 (X11)", "referrer": "http://h.example/"}),
        (LINE.partition(b' "http')[0], {"bytes": 2326, "referrer": None, "user_agent": None}),
        (LINE.partition(b' "Moz')[0], {"referrer": "http://h.example/", "user_agent": None}),
        (LINE.replace(b"GET /a/b.pdf?x=1 HTTP/1.1", b"-"), {"method": None, "target": None, "note": None}),
        (LINE.replace(b"GET /a/b.pdf?x=1 HTTP/1.1", b"\\x16\\x03"), {"method": None, "note": "\\x16\\x03"}),
        (LINE.replace(b" HTTP/1.1", b""), {"method": "GET", "target": "/a/b.pdf?x=1"}),
        (LINE.replace(b"/a/b.pdf?x=1", b"/a file.pdf"), {"method": "GET", "target": "/a file.pdf"}),
        (LINE.replace(b"GET", b"PROPFIND"), {"method": "PROPFIND"}),
    ],
)  # fmt: skip
def test_lines_as_servers_write_them(line: bytes, expected: dict[str, object]) -> None:
    row = one(line)
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "reasons"),
    [
        (LINE.replace(b"May", b"Mai"), ["its time is not like 17/May/2015:10:05:03 +0000"]),
        (LINE.replace(b"17/May", b"31/Feb"), ["its time is not like 17/May/2015:10:05:03 +0000"]),
        (LINE.replace(b" 200 2326", b" ok 2326"), ["it has no status of three digits"]),
        (LINE.replace(b" 2326", b" many"), ["it has no number of bytes"]),
        (LINE + b"x", ["behind the bytes it has something else than a quoted referrer and user agent"]),
        (LINE[:60], ['it has no "request" in quotes', *NO_STATUS]),
    ],
)  # fmt: skip
def test_a_refused_line_says_why(line: bytes, reasons: list[str]) -> None:
    parsed = parse(LINE + b"\n" + line)
    assert [(refused.line, refused.offset, refused.body) for refused in parsed.refused] == [
        (1, len(LINE) + 1, line)
    ]
    assert list(parsed.refused[0].reasons)[: len(reasons)] == reasons
    assert parsed.rows.num_rows == 1


def test_blank_lines_and_missing_newlines_are_no_lines() -> None:
    assert parse(b"").rows.num_rows == 0
    assert parse(b"\n\r\n\n").rows.num_rows == 0
    assert parse(b"\n\n" + LINE).rows["line"].to_pylist() == [2]


# What a line may be made of: usual and odd parts, in any mixture.
PARTS = st.tuples(
    st.sampled_from([b"192.0.2.7", b"::1", b"host.example", b"a b", b"\xe9", b""]),
    st.sampled_from([b"-", b"ident"]),
    st.sampled_from([b"-", b"frank", b"Frank B", b"[x", b'"', b"", b"\xc3\xa9"]),
    st.sampled_from([b"17/May/2015:10:05:03 +0000", b"31/Feb/2015:10:05:03 +0000", b"-", b"17/May"]),
    st.sampled_from([b"GET / HTTP/1.1", b"-", b"", b'a\\"b', b"GET /\xe9", b'x"y', b"GET /a b HTTP/1.0"]),
    st.sampled_from([b"200", b"-", b"20", b"2000", b"abc", b""]),
    st.sampled_from([b"0", b"-", b"12x", b"9" * 18, b"9" * 19, b""]),
    st.sampled_from([b"", b' "http://r/" "A [x]"', b' "r"', b' "r" "u', b' "r" "u" "z"', b" t"]),
    st.sampled_from([b"\n", b"\r\n", b"\n\n"]),
)  # fmt: skip


BRACKET = (b"192.0.2.7", b"-", b"[x", b"17/May/2015:10:05:03 +0000", b"GET / HTTP/1.1", b"200", b"0")


@settings(deadline=None, max_examples=100)
@example([(*BRACKET, b"", b"\n")])
@given(st.lists(PARTS, max_size=8))
def test_the_fast_way_reads_as_the_exact_one(parts: list[tuple[bytes, ...]]) -> None:
    block = b"".join(
        b'%b %b %b [%b] "%b" %b %b%b%b' % (ip, ident, user, time, request, status, size, rest, end)
        for ip, ident, user, time, request, status, size, rest, end in parts
    )
    starts, ends = lines_of(block)
    filled = np.flatnonzero(ends > starts)
    exact = Parsed(*combined._one_by_one(block, starts[filled], ends[filled], filled))
    fast = parse(block)
    assert fast.rows.to_pylist() == exact.rows.to_pylist()
    assert fast.refused == exact.refused


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60),
)
def test_times_are_those_of_the_calendar(moment: datetime, minutes: int) -> None:
    local = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    text = local.strftime("%d/%b/%Y:%H:%M:%S %z").encode()
    values, fine = clf_times(np.frombuffer(text + bytes(26), np.uint8), np.zeros(1, np.int64))
    assert fine.all()
    assert datetime.fromtimestamp(int(values[0]) // 1_000_000, UTC) == local


@given(
    st.lists(st.one_of(st.integers(0, 10**18 - 1).map(str), st.text("0189-x ", max_size=20)), min_size=1)
)
def test_numbers_are_those_written(texts: list[str]) -> None:
    data = b"".join(text.encode() + b" " for text in texts)
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    starts = ends - np.array([len(text) for text in texts])
    values, fine = numbers(np.frombuffer(data + bytes(64), np.uint8), starts, ends)
    expected = [int(text) if text.isdigit() and len(text) <= 18 else None for text in texts]
    found = [value if good else None for value, good in zip(values.tolist(), fine.tolist(), strict=True)]
    assert found == expected


def test_a_line_arrives_without_its_address_and_name() -> None:
    table = arrived(LINE.replace(b"- -", b"- frank") + b"\n")
    table.validate(full=True)
    assert table.schema.equals(ARRIVED_SCHEMA)
    (row,) = table.to_pylist()
    assert (
        row
        | {
            "event_id": "content-100",
            "app_id": "shop",
            "origin": "combined",
            "event": "file_open",
            "user_id": "hash of frank",
            "url": "/a/b.pdf?x=1",
            "object": "/a/b.pdf",
            "ip": "192.0.2.0",
            "ip_country": "NA",
            "visitor_hash": "192.0.2.7|Mozilla/5.0 (X11)|2015-05-17",
            "method": "GET",
            "status": 200,
            "bytes": 2326,
            "properties": None,
        }
        == row
    )


@pytest.mark.parametrize(
    ("request_", "status", "event", "object_"),
    [
        (b"GET /cert.pdf HTTP/1.1", b"200", "file_open", "/cert.pdf"),
        (b"GET /cert.pdf HTTP/1.1", b"206", "file_open", "/cert.pdf"),
        (b"GET /cert.pdf HTTP/1.1", b"404", "request", "/cert.pdf"),
        (b"HEAD /cert.pdf HTTP/1.1", b"200", "request", "/cert.pdf"),
        (b"GET /page.html HTTP/1.1", b"200", "request", "/page.html"),
        (b"GET /v1.2/ HTTP/1.1", b"200", "request", "/v1.2/"),
        (b"GET /.env HTTP/1.1", b"200", "request", "/.env"),
        (b"GET /%D9%85.png HTTP/1.1", b"200", "file_open", "/م.png"),
        (b"GET //other.example/x.pdf HTTP/1.1", b"200", "file_open", "/other.example/x.pdf"),
        (b"-", b"408", "request", None),
    ],
)
def test_what_a_request_is_called(request_: bytes, status: bytes, event: str, object_: str | None) -> None:
    line = LINE.replace(b"GET /a/b.pdf?x=1 HTTP/1.1", request_).replace(b" 200 ", b" %b " % status)
    (row,) = arrived(line).to_pylist()
    assert (row["event"], row["object"]) == (event, object_)


def test_what_is_no_request_is_kept_as_a_property() -> None:
    (row,) = arrived(LINE.replace(b"GET /a/b.pdf?x=1 HTTP/1.1", b"\\x16\\x03")).to_pylist()
    assert row["properties"] == '{"request":"\\\\x16\\\\x03"}'


def test_a_format_reads_its_own_example() -> None:
    for name, row in LOG_FORMATS.items():
        assert row.name == name
        assert row.parse(row.example.encode()).rows.num_rows == 1
        look = guess_format(row.example.splitlines())
        assert look is not None
        assert look.name == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("combined/log.squid", "Squid's native log"),
        ("cloudfront/webreadr-cloudfront.log", "cloudfront"),
        ("s3/webreadr-s3.log", "s3"),
        ("combined/shop.log", "combined"),
        ("combined/log.clf", "common"),
    ],
)
def test_real_files_are_recognised(shared_data: Path, name: str, expected: str | None) -> None:
    lines = (shared_data / "access-logs" / name).read_text().splitlines()[:50]
    look = guess_format(lines)
    assert (look.name if look else None) == expected
