"""S3, CloudFront, load balancer, IIS and JSON logs: documented lines, odd and hostile ones, real files."""

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from footfall.core.accesslog.arrived import LineRules, arrive, event_ids
from footfall.core.accesslog.cells import cut_cells, filled_lines
from footfall.core.accesslog.columnar import PADDING, lines_of, texts_at
from footfall.core.accesslog.extended import last_header
from footfall.core.accesslog.fields import Parsed
from footfall.core.accesslog.formats import LOG_FORMATS, guess_format
from footfall.core.accesslog.grid import Sign, grid_of
from footfall.core.accesslog.s3 import S3

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
RULES = LineRules(
    urls=list,
    agents=list,
    texts=list,
    network=lambda ip: ip,
    country=lambda _: None,
    visitors=lambda day: lambda ip, agent: f"{ip}|{agent}|{day}",
    person=lambda name: f"hash of {name}",
)
NAIVE = datetime.fromisoformat


def rows_of(parsed: Parsed, name: str = "s3") -> list[dict[str, Any]]:
    """Return the rows as they go on, without nulls, their properties read."""
    ids = event_ids(parsed, [(0, "content")])
    table = arrive(parsed, ids, app_id="a", origin=name, received_at=0, rules=RULES)
    table.validate(full=True)
    rows = [{key: value for key, value in row.items() if value is not None} for row in table.to_pylist()]
    for row in rows:
        if "properties" in row:
            row["properties"] = json.loads(row["properties"])
    return rows


def read(name: str, text: str | bytes, header: str | None = None) -> list[dict[str, Any]]:
    parsed = LOG_FORMATS[name].parse(text if isinstance(text, bytes) else text.encode(), header)
    assert parsed.refused == ()
    return rows_of(parsed, name)


def one(name: str, text: str | bytes) -> dict[str, Any]:
    (row,) = read(name, text)
    return row


def reasons(name: str, text: str | bytes) -> list[str]:
    parsed = LOG_FORMATS[name].parse(text if isinstance(text, bytes) else text.encode())
    assert parsed.rows.num_rows == 0
    return [reason for line in parsed.refused for reason in line.reasons]


def holds(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    return {name: row.get(name) for name in expected} == expected


# S3


def s3(
    operation: str = "REST.GET.OBJECT",
    key: str = "a.pdf",
    uri: str = '"GET /a.pdf HTTP/1.1"',
    answer: str = "200 - 113 4406 7 3",
    tail: str = '"-" "UA/1" -',
    ip: str = "192.0.2.3",
    number: str = "3E57427F3EXAMPLE",
) -> str:
    begin = f"{OWNER} bucket [06/Feb/2019:00:00:38 +0000] {ip} - {number}"
    return f"{begin} {operation} {key} {uri} {answer} {tail}"


FULL = (
    '"http://shop.example/" "UA/1" v1 aG9zdA+/= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader '
    "bucket.s3.amazonaws.com TLSV1.2 arn:aws:s3:us-west-1:1:accesspoint/x Yes us-east-1"
)


def test_all_columns_of_an_s3_line_are_kept_by_their_names() -> None:
    row = one("s3", s3(tail=f"{FULL} later more", answer="206 - 113 4406 7 -"))
    assert holds(
        row,
        {
            "event_id": "3E57427F3EXAMPLE",
            "event": "file_open",
            "created_at": NAIVE("2019-02-06T00:00:38"),
            "url": "https://bucket.s3.amazonaws.com/a.pdf",
            "method": "REST.GET.OBJECT",
            "status": 206,
            "bytes": 113,
            "object": "/a.pdf",
            "ip": "192.0.2.3",
            "referrer": "http://shop.example/",
            "user_agent": "UA/1",
        },
    )
    assert row["properties"] == {
        "bucket_owner": OWNER,
        "bucket": "bucket",
        "object_size": 4406,
        "total_time": 7,
        "version_id": "v1",
        "host_id": "aG9zdA+/=",
        "signature_version": "SigV4",
        "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256",
        "authentication_type": "AuthHeader",
        "host_header": "bucket.s3.amazonaws.com",
        "tls_version": "TLSV1.2",
        "access_point_arn": "arn:aws:s3:us-west-1:1:accesspoint/x",
        "acl_required": "Yes",
        "source_region": "us-east-1",
        "column_28": "later",
        "column_29": "more",
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (s3("WEBSITE.GET.OBJECT"), {"event": "file_open", "method": "WEBSITE.GET.OBJECT"}),
        (s3("WEBSITE.GET.OBJECT", "index.html"), {"event": "request", "object": "/index.html"}),
        (s3("REST.HEAD.OBJECT", uri='"HEAD /a.pdf HTTP/1.1"'), {"event": "request"}),
        (s3("REST.GET.OBJECT_TAGGING"), {"event": "request", "object": "/a.pdf"}),
        (s3("REST.GET.VERSIONING", "-"), {"event": "request", "object": None}),
        (s3("S3.TRANSITION_SIA.OBJECT", uri='"-"', answer="- - - 9 - -"), {"status": None, "bytes": 0}),
        (s3("S3.EXPIRE.OBJECT", uri="-", answer="- - - 9 - -", tail="- - -"), {"user_agent": None}),
        (s3("BATCH.DELETE.OBJECT", uri="-", answer="204 - - 9 - -", tail="- - v2"), {"status": 204}),
        (s3(answer="304 - - - 5 -"), {"status": 304, "bytes": 0, "event": "request"}),
        (s3(answer="404 NoSuchKey 243 - 5 -"), {"status": 404}),
        (s3(answer="000 - - - 5 -"), {"status": None}),
        (s3(ip="-"), {"ip": None, "visitor_hash": None}),
        (s3(ip="2001:db8::1"), {"ip": "2001:db8::1"}),
        (s3(key="a%2520b.pdf"), {"object": "/a b.pdf"}),
        (s3(key="a%20b.pdf"), {"object": "/a b.pdf"}),
        (s3(key="a+b.pdf"), {"object": "/a+b.pdf"}),
        (s3(key="%25D9%2585.pdf"), {"object": "/م.pdf"}),
        (s3(key="/lead.pdf"), {"object": "/lead.pdf"}),
        (s3(key="a b.pdf", uri='"GET /a b.pdf HTTP/1.1"'), {"object": "/a b.pdf", "url": "/a b.pdf"}),
        (s3(uri='"GET /a".pdf HTTP/1.1"'), {"url": '/a".pdf', "status": 200}),
        (s3(uri='"GET /x?q="a b" HTTP/1.1"'), {"url": '/x?q="a b"'}),
        (s3(tail='"-" "UA "quoted" 1" -'), {"user_agent": 'UA "quoted" 1', "referrer": None}),
        (s3(tail='"http://r/?"q" "UA" - h='), {"referrer": 'http://r/?"q', "user_agent": "UA"}),
        (s3(tail='"-" "UA/1"'), {"user_agent": "UA/1"}),
        (s3(tail='"-" "" -'), {"user_agent": None}),
        (s3() + "\r\n", {"user_agent": "UA/1"}),
        (s3(number="-"), {"event_id": "content-0"}),
        (s3(uri='"\\x16\\x03"'), {"url": None, "status": 200}),
        (s3(uri='"GET //evil.example/x.pdf HTTP/1.1"'), {"url": "/evil.example/x.pdf", "object": "/a.pdf"}),
    ],
)  # fmt: skip
def test_s3_lines_as_they_come(line: str, expected: dict[str, Any]) -> None:
    row = one("s3", line)
    assert holds(row, expected)


def test_a_host_that_is_none_makes_no_url() -> None:
    row = one("s3", s3(tail=FULL.replace("bucket.s3.amazonaws.com", "<script>")))
    assert (row["url"], row["properties"]["host_header"]) == ("/a.pdf", "<script>")


def test_records_that_share_a_request_id_are_all_events() -> None:
    deleted = [s3("BATCH.DELETE.OBJECT", key, "-", "204 - - - - -", "- - -") for key in ("a", "b")]
    whole = [*deleted, s3("REST.POST.MULTI_OBJECT_DELETE", "-", '"POST /?delete HTTP/1.1"')]
    copied = [s3("REST.COPY.OBJECT"), s3("REST.COPY.OBJECT_GET")]
    rows = read("s3", "\n".join([*whole, *copied]))
    assert len({row["event_id"] for row in rows}) == 5
    assert all(row["event_id"].startswith("3E57427F3EXAMPLE") for row in rows)
    assert [row["event_id"] for row in read("s3", "\n".join(whole))] == [
        row["event_id"] for row in rows[:3]
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (s3().replace("/Feb/", "/Fex/"), ["its time is not like"]),
        (s3(answer="ok - 113 4406 7 3"), ["its status is neither"]),
        (s3(answer="200 - many 4406 7 3"), ["its bytes are neither"]),
        (s3(answer="ok - many 1 7 3").replace("/Feb/", "/Fex/"), ["its time", "its status", "its bytes"]),
        (s3(answer="200", tail=""), ["behind the request it has not all of"]),
        ("GET / HTTP/1.1", ["it does not begin with"]),
        ('"', ["it does not begin with"]),
    ],
)
def test_a_refused_s3_line_says_why(line: str, words: list[str]) -> None:
    found = reasons("s3", line)
    assert len(found) == len(words)
    assert all(reason.startswith(start) for reason, start in zip(found, words, strict=True))


def test_the_real_s3_logs(shared_data: Path) -> None:
    folder = shared_data / "access-logs/s3"
    expected = json.loads((folder / "expected_flat.json").read_text())
    for name in ("valid_s3_access_log.log", "too_many_values.log"):
        row = one("s3", (folder / name).read_bytes())
        wanted = expected[name]
        assert row["event_id"] == wanted["aws.request_id"]
        assert row["method"] == wanted["rpc.method"]
        assert row["status"] == wanted["http.response.status_code"]
        assert row["bytes"] == wanted["http.response.body.size"]
        assert row["user_agent"] == wanted["user_agent.original"]
        assert row["ip"] == wanted["source.address"]
        assert row["url"].endswith(f"{wanted['url.path']}?{wanted['url.query']}")
        assert row["created_at"].timestamp() - NAIVE("1970-01-01").timestamp() == 1_549_411_238
        kept = row["properties"]
        assert kept["requester"] == wanted["user.id"]
        assert kept["total_time"] == wanted["duration"]
        assert kept["host_id"] == wanted["aws.extended_request_id"]
        assert kept["cipher_suite"] == wanted["tls.cipher"]
        assert kept["access_point_arn"] == wanted["aws.s3.access_point.arn"]
        assert kept.get("source_region") == wanted.get("aws.s3.source_region")
    assert "url" not in one("s3", (folder / "unknown_request_uri.log").read_bytes())
    assert len(read("s3", (folder / "webreadr-s3.log").read_bytes())) == 6
    assert reasons("s3", (folder / "too_few_values.log").read_bytes())


# CloudFront

FRONT = "#Version: 1.0\n#Fields: {}\n"


def test_the_real_cloudfront_log(shared_data: Path) -> None:
    data = (shared_data / "access-logs/cloudfront/webreadr-cloudfront.log").read_bytes()
    first, second = read("cloudfront", data)
    assert holds(
        first,
        {
            "event_id": "fZ4WIEudqXjeW_YOxENiZeBrMd-j42AA2agc8evp7DWVUHbg9ENClA==",
            "created_at": NAIVE("2016-03-03T20:16:01"),
            "url": "http://example.com/",
            "object": "/",
            "status": 301,
            "bytes": 553,
            "user_agent": "Mozilla/5.0 (Windows NT 5.1; rv:6.0.2) Gecko/20100101 Firefox/6.0.2",
        },
    )
    assert holds(second, {"referrer": "https://example.com/blog/", "url": "https://example.com/work"})
    assert second["properties"]["ssl-protocol"] == "TLSv1.2"
    assert second["properties"]["time-taken"] == 0.084


LINE = "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1.cloudfront.net\t/a%2520b.pdf\t200"


def test_cloudfront_encodes_once_more_and_agents_once_or_twice() -> None:
    rest = "-\tMozilla/5.0%20(X11;%20%C3%A9)\tx=%2520\tsecret=1\tHit\tID_1234567=="
    row = one("cloudfront", f"{LINE}\t{rest}" + "\t-" * 18)
    assert holds(
        row, {"object": "/a b.pdf", "user_agent": "Mozilla/5.0 (X11; é)", "event_id": "ID_1234567=="}
    )
    assert row["url"].endswith("?x=%20")
    assert "secret" not in json.dumps(row["properties"])


def test_cloudfront_fields_may_be_chosen_and_change() -> None:
    block = (
        FRONT.format("date time x-edge-location cs-uri-stem sc-status")
        + "2019-12-04\t21:02:31\tLAX1\t/a.pdf\t200\n"
        + FRONT.format("timestamp(ms) sc-status cs-uri-stem x-edge-request-id")
        + "1731620046814\t000\t/b.pdf\tabcdefgh==\n"
    )
    first, second = read("cloudfront", block)
    assert holds(first, {"object": "/a.pdf", "status": 200, "created_at": NAIVE("2019-12-04T21:02:31")})
    assert holds(second, {"object": "/b.pdf", "status": None, "event_id": "abcdefgh=="})
    assert second["created_at"] == NAIVE("2024-11-14T21:34:06.814")


@pytest.mark.parametrize(
    "names",
    [("cs(User-Agent)", "x-edge-request-id", "c-ip"), ("cs_user_agent", "x_edge_request_id", "c_ip")],
)
def test_cloudfront_json_is_read_under_both_spellings(names: tuple[str, str, str]) -> None:
    agent, number, address = names
    line = {
        "date": "2024-11-14",
        "time": "22:34:06",
        "cs-method": "GET",
        "cs-uri-stem": "/a.pdf",
        "sc-status": "206",
        "sc-bytes": "99",
        agent: "UA%20x",
        number: "SOF50-P2-abc==",
        address: "192.0.2.1",
        "asn": "16509",
        "x-edge-location": "SOF50-P2",
    }
    row = one("cloudfront", json.dumps(line))
    assert holds(row, {"event_id": "SOF50-P2-abc==", "user_agent": "UA x", "status": 206, "bytes": 99})
    assert row["properties"] == {"asn": 16509, "x-edge-location": "SOF50-P2"}


def test_cloudfront_lines_without_a_header_are_of_the_documented_33() -> None:
    line = LINE + "\t-" * 24
    assert one("cloudfront", line)["object"] == "/a b.pdf"
    assert reasons("cloudfront", LINE) == ["it has 9 fields where its #Fields line names 33"]


# Load balancer

ALB = LOG_FORMATS["alb"].example


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (ALB, {"url": "https://www.example.com/a.pdf", "status": 200, "bytes": 57, "ip": "192.0.2.1"}),
        (ALB.replace("192.0.2.1:2817", "[2001:db8::1]:2817"), {"ip": "2001:db8::1"}),
        (ALB.replace("192.0.2.1:2817", "2001:db8:0:0:0:0:0:1:2817"), {"ip": "2001:db8:0:0:0:0:0:1"}),
        (ALB.replace('"curl/7.46.0"', '"Mozilla "x" 5.0"'), {"user_agent": 'Mozilla "x" 5.0'}),
        (ALB.replace('"curl/7.46.0"', r'"Mozilla \"x\""'), {"user_agent": 'Mozilla "x"'}),
        (ALB.replace("GET https://www.example.com:443/a.pdf HTTP/1.1", "- http://x:80- -"), {"url": None}),
        (ALB.replace(" 200 200 ", " 502 - "), {"status": 502}),
        (ALB.replace(" 200 200 ", " - - "), {"status": None}),
    ],
)
def test_load_balancer_lines(line: str, expected: dict[str, Any]) -> None:
    row = one("alb", line)
    assert holds(row, expected)
    assert row["properties"]["target:port"] == "10.0.0.1:80"
    assert row["properties"]["request_processing_time"] == 0.086


def test_a_load_balancer_s_later_fields_are_kept() -> None:
    when = "2018-07-02T22:22:48.364000Z"
    more = f'"www.example.com" "arn:aws:acm:x" 0 {when} "waf,forward" "-" "-" "10.0.0.1:80"'
    row = one("alb", f'{ALB} {more} "200" "-" "-" TID_1234 "-" "-" "-" new')
    assert row["properties"]["actions_executed"] == "waf,forward"
    assert row["properties"]["conn_trace_id"] == "TID_1234"
    assert row["properties"]["field_34"] == "new"


def test_refused_load_balancer_lines() -> None:
    assert reasons("alb", "https 2018") == [
        "it has not the fields of a load balancer's line: 17 or more, request and user agent in quotes"
    ]
    found = reasons("alb", ALB.replace("https 2018-07", "ftp 2018-13").replace(" 0 57 ", " 0 x "))
    assert [reason.split(" is ")[0].split(" are ")[0] for reason in found] == [
        "its type", "its time", "its sent_bytes",
    ]  # fmt: skip


# IIS

IIS = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n"


def test_iis_fields_change_midway_and_are_carried_to_the_next_block() -> None:
    first = (
        f"{IIS}#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent)\n"
        "2024-02-29 23:59:59 192.0.2.1 GET /a.pdf v=1 200 Mozilla/5.0+(X11)\n"
        "#Fields: date time cs-uri-stem sc-status sc-bytes cs-username cs-host s-port\n"
        "2024-03-01 00:00:00 /b.pdf 404 12 DOMAIN\\jane www.example.com 80\n"
    )
    parsed = LOG_FORMATS["w3c"].parse(first.encode())
    one_, two = rows_of(parsed, "w3c")
    assert holds(one_, {"url": "/a.pdf?v=1", "user_agent": "Mozilla/5.0 (X11)", "ip": "192.0.2.1"})
    assert holds(two, {"url": "http://www.example.com/b.pdf", "status": 404, "bytes": 12})
    assert two["user_id"] == "hash of DOMAIN\\jane"
    (more,) = read("w3c", "2024-03-01 00:00:01 /c.pdf 200 13 - - 443", parsed.header)
    assert holds(more, {"object": "/c.pdf", "bytes": 13})


def test_iis_lines_that_do_not_fit_say_so_and_keep_their_header() -> None:
    header = "#Fields: date time cs-uri-stem sc-status"
    parsed = LOG_FORMATS["w3c"].parse(f"{header}\n2024-02-29 23:59:59 /a.pdf\nx x x x\n".encode())
    assert [line.reasons for line in parsed.refused] == [
        ("it has 3 fields where its #Fields line names 4",),
        ("its date and time are not like 2024-02-29 23:59:59", "its status is neither three digits nor -"),
    ]
    assert {line.header for line in parsed.refused} == {header}
    assert reasons("w3c", "2024-02-29 23:59:59 /a.pdf 200") == ["no #Fields line above it names its fields"]
    assert "the format is cloudfront" in reasons("w3c", LOG_FORMATS["cloudfront"].example)[0]
    assert "may be w3c" in reasons("cloudfront", LOG_FORMATS["w3c"].example)[0]


def test_values_in_quotes_and_a_byte_order_mark() -> None:
    header = "\ufeff#Fields: date time cs-uri-stem cs(User-Agent) sc-status"
    text = f'{header}\n2024-02-29 23:59:59 /a.pdf "U ""A"" 1" 200'
    assert one("w3c", text)["user_agent"] == 'U "A" 1'


@given(
    st.lists(st.sampled_from(["#Fields: a b", "#Fields: c", "line", "", "x #Fields: d"])), st.integers(1, 7)
)
def test_the_last_header_is_found_whatever_the_parts(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    headers = [line for line in lines if line.startswith("#Fields")]
    parts = (data[place : place + size] for place in range(0, len(data), size))
    assert last_header(parts) == (headers[-1] if headers else None)


# JSON lines

CADDY = json.loads(LOG_FORMATS["caddy"].example)
NGINX = json.loads(LOG_FORMATS["nginx"].example)
TRAEFIK = json.loads(LOG_FORMATS["traefik"].example)


def test_caddy_keeps_no_headers_that_may_name_a_person() -> None:
    request = CADDY["request"] | {
        "headers": {
            "User-Agent": ["UA"],
            "Cookie": ["s=1"],
            "Accept-Language": ["de"],
            "Referer": ["http://r/"],
        },
        "tls": {"version": 772},
    }  # fmt: skip
    row = one("caddy", json.dumps(CADDY | {"request": request, "user_id": "jane"}))
    assert holds(
        row,
        {
            "user_agent": "UA",
            "referrer": "http://r/",
            "user_id": "hash of jane",
            "url": "https://www.example.com/a.pdf",
        },
    )
    assert row["properties"]["request.headers.Accept-Language"] == "de"
    assert not {
        name for name in row["properties"] if "Cookie" in name or "ip" in name.split(".")[-1].split("_")
    }


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (1646861401.5241024, "2022-03-09T21:30:01.524102"),
        (1646861401524, "2022-03-09T21:30:01.524"),
        (1646861401524102400, "2022-03-09T21:30:01.524102"),
        ("2022-03-09T21:30:01.524Z", "2022-03-09T21:30:01.524"),
        ("2022-03-09T22:30:01.524+0100", "2022-03-09T21:30:01.524"),
        ("2022/03/09 21:30:01.524", "2022-03-09T21:30:01.524"),
        ("09/Mar/2022:21:30:01 +0000", "2022-03-09T21:30:01"),
    ],
)
def test_times_as_caddy_may_be_told_to_write_them(stamp: object, expected: str) -> None:
    assert one("caddy", json.dumps(CADDY | {"ts": stamp}))["created_at"] == NAIVE(expected)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"url": "/a.pdf", "status": 200, "bytes": 10_900, "ip": "192.0.2.1"}),
        ({"time_iso8601": "2024-02-29T23:59:59+01:00"}, {"created_at": NAIVE("2024-02-29T22:59:59")}),
        ({"host": "x.example", "scheme": "https"}, {"url": "https://x.example/a.pdf"}),
        ({"request": "", "request_method": "POST", "uri": "/b", "args": "c=1"}, {"url": "/b?c=1"}),
        ({"request_uri": "/b?c=1", "args": "c=1"}, {"url": "/b?c=1", "method": "GET"}),
        ({"remote_addr": "", "http_x_forwarded_for": "192.0.2.9, 10.0.0.1"}, {"ip": "192.0.2.9"}),
        ({"request_id": "0123456789abcdef" * 2}, {"event_id": "0123456789abcdef" * 2}),
        ({"remote_user": "jane"}, {"user_id": "hash of jane"}),
        ({"http_cookie": "s=1", "request_body": "password=1"}, {"properties": None}),
        ({"request_time": "0.012", "x": 200}, {"properties": {"request_time": "0.012", "x": 200}}),
    ],
)  # fmt: skip
def test_nginx_variables(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert holds(one("nginx", json.dumps(NGINX | fields)), expected)


def test_traefik_lines() -> None:
    row = one("traefik", json.dumps(TRAEFIK | {"request_User-Agent": "UA", "request_Cookie": "s=1"}))
    assert holds(
        row,
        {
            "created_at": NAIVE("2024-02-29T23:59:59.123456"),
            "user_agent": "UA",
            "url": "https://www.example.com/a.pdf",
            "properties": {"Duration": 929675},
        },
    )


def test_json_lines_that_are_none_or_change_their_types() -> None:
    mixed = [
        json.dumps(NGINX),
        "{broken",
        json.dumps(NGINX | {"status": 404}),
        "[1]",
        "  ",
        json.dumps(NGINX | {"status": "no", "time_iso8601": "now"}),
        "[" * 100_000,
        json.dumps({"a": 1}),
    ]
    parsed = LOG_FORMATS["nginx"].parse("\n".join(mixed).encode())
    assert [row["status"] for row in rows_of(parsed, "nginx")] == [200, 404]
    assert [line.line for line in parsed.refused] == [1, 3, 5, 6, 7]
    assert parsed.refused[0].reasons[0].startswith("it is not JSON")
    assert parsed.refused[1].reasons == ("it is JSON, but no object",)
    assert [reason[:12] for reason in parsed.refused[2].reasons] == ["it has no ti", "it has no st"]
    assert len(parsed.refused[4].reasons) == 3


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["200", 200, "404", None, "x"]),
                "remote_addr": st.sampled_from(["192.0.2.1", "::1", "", None]),
                "time_iso8601": st.sampled_from(["2024-02-29T23:59:59Z", "bad", 1646861401.5]),
                "request": st.sampled_from(["GET /a.pdf HTTP/1.1", "", "x"]),
                "extra": st.one_of(st.text(max_size=5), st.integers(-9, 9), st.booleans()),
                "nested": st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
            },
        ),
        max_size=6,
    )
)
@example([{"extra": "2021-01-01"}])
def test_lines_read_together_mean_what_each_means_alone(lines: list[dict[str, Any]]) -> None:
    form = LOG_FORMATS["nginx"]
    texts = [json.dumps(line, ensure_ascii=False) for line in lines]
    whole = form.parse("\n".join(texts).encode())
    alone = [form.parse(text.encode()) for text in texts]
    assert [line.reasons for line in whole.refused] == [
        line.reasons for part in alone for line in part.refused
    ]
    apart = [row for part in alone for row in rows_of(part, "nginx")]
    left, right = rows_of(whole, "nginx"), apart
    for row in (*left, *right):
        row.pop("event_id")
        for name, value in (row.pop("properties", None) or {}).items():
            row[f"p.{name}"] = str(value).lower()
    assert left == right


# All formats

JUNK = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"-", b'"', b" ", b"\t", b"#Fields: a", b"#", b"{}", b"{", b"\xff", b"\\", b"[x"]
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(LOG_FORMATS)), st.lists(JUNK, max_size=6), st.integers(0, 40))
def test_no_bytes_make_a_format_raise_and_no_line_is_lost(name: str, junk: list[bytes], cut: int) -> None:
    example_ = LOG_FORMATS[name].example.encode()
    block = b"\n".join([*junk, example_, *junk, example_[:-cut] if cut else example_])
    parsed = LOG_FORMATS[name].parse(block)
    starts, ends = lines_of(block)
    lines = [
        block[start:end].removeprefix(b"\xef\xbb\xbf") for start, end in zip(starts, ends, strict=True)
    ]
    said = {number for number, line in enumerate(lines) if line.strip() and not line.startswith(b"#")}
    told = {*parsed.rows["line"].to_pylist(), *(line.line for line in parsed.refused)}
    assert said <= told
    rows_of(parsed, name)
    assert len(parsed.rows) + len(parsed.refused) == len(told)


@pytest.mark.parametrize("name", ["s3", "alb"])
@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(
        st.lists(st.sampled_from(["a", "-", '"b c"', '"', "200", "x y", '""']), max_size=24), max_size=6
    )
)
def test_a_line_s_cells_do_not_depend_on_its_neighbours(name: str, lines: list[list[str]]) -> None:
    texts = [" ".join(line) for line in lines]
    texts.insert(len(texts) // 2, LOG_FORMATS[name].example)
    form = LOG_FORMATS[name]
    whole = form.parse("\n".join(texts).encode())
    alone = [form.parse(text.encode()) for text in texts if text]
    drop = {"line", "offset"}
    kept = [column for column in whole.rows.column_names if column not in drop]
    apart = [row for part in alone for row in part.rows.select(kept).to_pylist()]
    assert whole.rows.select(kept).to_pylist() == apart
    assert [line.reasons for line in whole.refused] == [
        line.reasons for part in alone for line in part.refused
    ]


def test_cells_in_quotes_hold_their_delimiters() -> None:
    block = b'a "b c" d\nx "y z\n"p" q "r s"\n'
    starts, ends = lines_of(block)
    grid = grid_of(block + bytes(PADDING), starts, ends, Sign(" ", quotes=True))
    cells = [
        [block[grid.cell(place).begins[row] : grid.cell(place).ends[row]] for place in range(count)]
        for row, count in enumerate(grid.counts.tolist())
    ]
    assert np.array_equal(grid.fine, [True, False, True])
    assert cells[0] == [b"a", b"b c", b"d"]
    assert cells[2] == [b"p", b"q", b"r s"]


def test_one_long_hostile_line_takes_no_long_time() -> None:
    for name in sorted(LOG_FORMATS):
        for part in ('" ', '"-" 200 - 1 1 1 1 ', "\\", "{", "[", "%25"):
            body = s3().partition('"GET')[0] + '"GET ' + part * (200_000 // len(part))
            parsed = LOG_FORMATS[name].parse(body.encode())
            assert len(parsed.rows) + len(parsed.refused) == 1


def test_formats_are_told_apart(shared_data: Path) -> None:
    for name, form in LOG_FORMATS.items():
        look = guess_format(form.example.splitlines())
        assert look is not None
        assert look.name == name
    for other, form in LOG_FORMATS.items():
        readers = {name for name, row in LOG_FORMATS.items() if len(row.parse(form.example.encode()).rows)}
        related = {"combined", "common"} if other in {"combined", "common"} else {other}
        assert readers == related, other
    data = gzip.decompress((shared_data / "access-logs/combined/apache-10k.log.gz").read_bytes())
    assert S3.parse(data[:100_000]).rows.num_rows == 0
    assert pa.types.is_dictionary(S3.parse(b"").rows.schema.field("ip").type)


CELLS = st.lists(
    st.text(st.sampled_from('ab- ,é\\'), max_size=4).map(lambda text: f'"{text}"')
    | st.text(st.sampled_from("ab-,é"), max_size=4),
    min_size=1,
    max_size=5,
)  # fmt: skip


@given(st.lists(CELLS, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_the_reader_of_many_lines_sees_the_cells_of_the_grid(rows: list[list[str]], end: str) -> None:
    block = (end.join(" ".join(row) for row in rows) + end).encode()
    starts, ends, lines = filled_lines(block)
    grid = grid_of(block + bytes(PADDING), starts, ends, Sign(" ", quotes=True))
    cells, _ = cut_cells(block, starts, ends, lines, str, grid, grid.fine, lambda _: None)
    for place in range(grid.width):
        cell = grid.cell(place)
        expected = texts_at(pa.py_buffer(block), cell.begins[grid.fine], cell.ends[grid.fine])
        assert cells.get(str(place)).to_pylist() == expected.to_pylist()
