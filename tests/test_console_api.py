import csv
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_server import client, console, world

from footfall.apps.console.app import create_app
from footfall.apps.console.guard import is_loopback
from footfall.apps.console.room import csv_text
from footfall.apps.console.server import serve
from footfall.compose import Platform
from footfall.errors import BadSettings
from footfall.metrics import catalogue
from footfall.settings import Console, Settings

TOKEN = "open sesame 5309"
NEEDS = {"funnel": {"steps": "page_view,checkout,purchase"}}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("console")
    with console(folder / "data", files=world(folder)) as url, client(url) as http:
        yield http


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with console(tmp_path_factory.mktemp("guarded") / "data", token=TOKEN) as url, client(url) as http:
        yield http


def sql(api: httpx.Client, text: str) -> Any:
    answer = api.post("/api/sql", json={"sql": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


NOBODY = {"hotlinks", "scanners"}  # the simulated people do neither


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_metric_answers_in_the_contract_s_form(api: httpx.Client, name: str) -> None:
    answer = api.get(f"/api/metrics/{name}", params=NEEDS.get(name, {}))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"columns", "rows", "sql", "fresh_to", "rows_read"}
    assert body["columns"] == [column.name for column in catalogue()[name].columns][-len(body["columns"]) :]
    assert body["rows"] or name in NOBODY, name
    assert body["rows_read"] > 0
    assert body["fresh_to"].endswith("Z")
    assert sql(api, body["sql"])["rows"] == body["rows"]


def test_days_are_days_and_parameters_reach_the_question(api: httpx.Client) -> None:
    every = api.get("/api/metrics/daily_active_users").json()["rows"]
    assert len(every[0][0]) == len("2026-01-31")
    one = api.get("/api/metrics/daily_active_users", params={"from": every[3][0], "to": every[3][0]})
    assert one.json()["rows"] == [every[3]]
    assert len(api.get("/api/metrics/top_pages", params={"limit": "3"}).json()["rows"]) == 3
    assert api.get("/api/metrics/top_pages", params={"app": "nobody's"}).json()["rows"] == []


def test_the_csv_has_the_rows_of_the_json(api: httpx.Client) -> None:
    answer = api.get("/api/metrics/top_pages.csv", params={"limit": "5"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="top_pages.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    shown = api.get("/api/metrics/top_pages", params={"limit": "5"}).json()
    assert rows[0] == shown["columns"]
    assert rows[1:] == [[str(value) for value in row] for row in shown["rows"]]


def test_csv_cannot_run_in_a_spreadsheet() -> None:
    rows = [
        ("=1+1", -5),
        ("@SUM(A1)", 1.5),
        ("+49", None),
        ('say "hi", twice\r\n', True),
        ("-x", 0),
        ("\t=2", 0),
    ]
    text = csv_text(("name", "amount"), rows)
    assert text.startswith("name,amount\r\n'=1+1,-5\r\n'@SUM(A1),1.5\r\n'+49,\r\n")
    assert '"say ""hi"", twice\r\n",true\r\n' in text
    assert "\r\n'-x,0\r\n'\t=2,0\r\n" in text


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/api/metrics/no_such", 404, "no_such"),
        ("/api/metrics/top_pages?limt=3", 400, "limit"),
        ("/api/metrics/top_pages?limit=three", 400, "whole number"),
        ("/api/metrics/top_pages?limit=1&limit=2", 400, "more than once"),
        ("/api/metrics/top_pages?app=%ff", 400, "cannot be read"),
        ("/api/metrics/funnel", 400, "steps"),
        ("/api/totals?from=yesterday", 400, "YYYY-MM-DD"),
        ("/api/rejected/none", 404, "none"),
        ("/api/rejected?limit=0", 400, "limit"),
        ("/api/nothing", 404, ""),
        ("/static/x/../../etc/passwd", 404, ""),
    ],
)
def test_an_error_has_one_form(api: httpx.Client, path: str, status: int, word: str) -> None:
    answer = api.get(path)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error", "retryable"}
    assert body["retryable"] is False
    assert word in body["error"]


@pytest.mark.parametrize(
    "text",
    [
        "drop table events",
        "select 1; select 2",
        "selec",
        "",
        "copy events to '/tmp/x'",
        "select * from read_csv('/etc/passwd')",
    ],
)
def test_sql_is_one_harmless_select(api: httpx.Client, text: str) -> None:
    answer = api.post("/api/sql", json={"sql": text})
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error", "retryable"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"sql": 1}', b'{"sql": "select 1", "more": 1}', b"\xff"]
)
def test_a_body_that_is_no_question_is_refused(api: httpx.Client, body: bytes) -> None:
    answer = api.post("/api/sql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["retryable"] is False


def test_values_of_every_kind_are_json(api: httpx.Client) -> None:
    row = sql(
        api,
        "select 'nan'::double, timestamp '2026-01-02 03:04:05', date '2026-01-02', 1.50::decimal(9,2),"
        " [1, 2], {'a': null}, null, 'x\u2028<script>'",
    )["rows"][0]
    assert row[:4] == [None, "2026-01-02T03:04:05Z", "2026-01-02", 1.5]
    assert row[4:] == [[1, 2], {"a": None}, None, "x\u2028<script>"]


def test_an_answer_is_kept_until_the_next_commit(api: httpx.Client) -> None:
    first = api.get("/api/metrics/countries")
    again = api.get("/api/metrics/countries", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    other = api.get("/api/metrics/devices", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


def test_a_new_commit_is_seen_at_once(tmp_path: Path) -> None:
    lines = tmp_path / "one.ndjson"
    lines.write_text('{"event": "page_view", "anonymous_id": "a", "url": "https://x.example/"}\n')
    with console(tmp_path / "data") as url, client(url) as http:
        assert http.get("/api/metrics/top_events").json()["rows"] == []
        order = {"format": "ndjson", "paths": [str(lines)], "app": "shop"}
        told = [json.loads(line) for line in http.post("/api/imports", json=order).text.splitlines()]
        assert "done" in told[-1], told
        assert http.get("/api/metrics/top_events").json()["rows"] == [["page_view", 1, 1]]
        missing = http.post("/api/imports", json={**order, "paths": [str(tmp_path / "no")]}).text
        assert "error" in json.loads(missing.splitlines()[-1])


def test_the_books_and_the_trace(api: httpx.Client) -> None:
    books = api.get("/api/ledger").json()
    assert books["received"] == books["stored"] + books["duplicate"] + books["rejected"]
    assert books["stored"] == sql(api, "select count(*) from events")["rows"][0][0]
    assert set(books["apps"]) == {"shop"}
    event_id = sql(api, "select event_id from events limit 1")["rows"][0][0]
    assert api.get(f"/api/events/{event_id}").json()["found"] is True
    strange = api.get("/api/events/a%2Fb%20%3F%2F").json()
    assert strange["event_id"] == "a/b ?/"
    assert strange["found"] is False


def test_totals_agree_with_plain_sql(api: httpx.Client) -> None:
    shown = api.get("/api/totals").json()["rows"][0]
    counted = "select count(distinct (app_id, visitor_id)), count(*) from events where not is_bot"
    assert shown == sql(api, counted)["rows"][0]
    extent = dict(
        zip(
            *[
                api.get("/api/extent").json()[k] if k == "columns" else api.get("/api/extent").json()[k][0]
                for k in ("columns", "rows")
            ],
            strict=True,
        )
    )
    assert extent["apps"] == ["shop"]
    assert [extent["first_day"], extent["events"]] == sql(
        api, "select min(created_at)::date, count(*) from events"
    )["rows"][0]


def test_the_schema_names_every_route(api: httpx.Client) -> None:
    schema = api.get("/schema/openapi.json").json()
    routes = {
        "/api/metrics",
        "/api/metrics/{name}",
        "/api/sql",
        "/api/ledger",
        "/api/events/{event_id}",
        "/api/health",
    }
    assert routes <= set(schema["paths"])
    assert "text/html" not in api.get("/schema").headers.get("content-type", "")


def test_every_answer_has_the_safe_headers(api: httpx.Client) -> None:
    for path in ("/", "/api/ledger", "/nothing", "/signin"):
        headers = api.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "192.168.1.7"]
)
def test_a_foreign_host_is_refused(api: httpx.Client, host: str) -> None:
    assert api.get("/api/ledger", headers={"host": host}).status_code in {400, 403}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST.", "127.8.9.1"])
def test_this_machine_s_names_are_not_foreign(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"}, 403),
        ({}, 200),
    ],
)
def test_another_site_cannot_ask(api: httpx.Client, headers: dict[str, str], status: int) -> None:
    sent = {"content-type": "application/json", **headers}
    answer = api.post("/api/sql", content=b'{"sql": "select 1"}', headers=sent)
    assert answer.status_code == status, answer.text


def test_with_a_token_nothing_is_told_without_it(guarded: httpx.Client) -> None:
    assert guarded.get("/api/ledger").status_code == 401
    assert guarded.get("/api/ledger", headers={"authorization": "Bearer wrong"}).status_code == 401
    assert guarded.get("/schema/openapi.json").status_code == 401
    assert guarded.get("/api/ledger", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert guarded.get("/api/health").json() == {"ok": True}
    page = guarded.get("/ledger?x=1", headers={"accept": "text/html"})
    assert page.status_code == 303
    assert page.headers["location"] == "/signin?next=%2Fledger%3Fx%3D1"


def test_signing_in_gives_a_cookie_that_is_not_the_token(guarded: httpx.Client) -> None:
    wrong = guarded.post("/signin", data={"token": "wrong", "next": "/sql"})
    assert wrong.status_code == 401
    assert "not the token" in wrong.text
    right = guarded.post("/signin", data={"token": TOKEN, "next": "/sql"})
    assert (right.status_code, right.headers["location"]) == (303, "/sql")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert guarded.get("/api/ledger").status_code == 200
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example"):
        sent = guarded.post("/signin", data={"token": TOKEN, "next": elsewhere})
        assert sent.headers["location"] == "/"
    guarded.post("/signout")
    guarded.cookies.clear()


def test_a_public_address_wants_a_token(tmp_path: Path) -> None:
    platform = Platform(Settings(data=tmp_path / "data", console=Console(address="0.0.0.0:8001")))
    try:
        with pytest.raises(BadSettings, match=r"console\.token"):
            create_app(platform)
    finally:
        platform.close()


def test_a_port_in_use_is_an_error_and_not_shared(api: httpx.Client, tmp_path: Path) -> None:
    platform = Platform(Settings(data=tmp_path / "data"))
    try:
        with pytest.raises(BadSettings, match="cannot be listened on"):
            serve(platform, f"127.0.0.1:{api.base_url.port}", stop=threading.Event())
    finally:
        platform.close()


def test_static_files_are_packed_and_kept_for_good(api: httpx.Client) -> None:
    page = api.get("/").text
    script = next(part for part in page.split('"') if part.endswith("js/overview.js"))
    answer = api.get(script)
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = api.get(script, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
