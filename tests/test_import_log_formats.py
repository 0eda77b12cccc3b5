"""Logs of every format imported: simulated ones against their truth, real ones, resumed, retried, once."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from importing import NOW, bring_in, count, rules_of, select
from installation import run_footfall

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.errors import BadSource
from footfall.metrics.catalogue import metric
from footfall.metrics.render import render
from footfall.services.imports import blocks as import_blocks
from footfall.services.imports.files import FORMATS
from footfall.services.rejected import Retried, retry_rejected
from footfall.simulate import LogKind, access_log, log_truth, simulate

WORLD = simulate(200, 20, 8, date(2024, 2, 20))


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def retry(warehouse: DuckDBWarehouse, body: str | None = None) -> Retried:
    return retry_rejected(warehouse.rejected(), warehouse, rules_of, NOW.replace(tzinfo=None), body)


@pytest.mark.parametrize("asked", ["named", "auto"])
@pytest.mark.parametrize("kind", get_args(LogKind))
def test_simulated_logs_give_their_truth(
    tmp_path: Path, warehouse: DuckDBWarehouse, kind: LogKind, asked: str
) -> None:
    data = b"".join(access_log(WORLD, kind))
    path = written(tmp_path, "access.log", data)
    format = kind if asked == "named" else "auto"
    outcome = bring_in(warehouse, format, path)
    headers = 2 if kind == "cloudfront" else 0
    assert (outcome.stored, outcome.rejected) == (data.count(b"\n") - headers, 0)
    assert bring_in(warehouse, format, path).lines == 0
    for answer in log_truth(WORLD, kind).values():
        rows = warehouse.query(render(metric(answer["metric"]), answer["parameters"])).rows
        plain = [[v.isoformat() if isinstance(v, date) else v for v in row] for row in rows]
        assert answer["rows"]
        assert plain == answer["rows"], answer["metric"]
    assert select(warehouse, "distinct origin", "origin") == [(kind,)]


@pytest.mark.parametrize("name", sorted(LOG_FORMATS))
def test_every_format_is_imported_once_and_under_its_name(
    tmp_path: Path, warehouse: DuckDBWarehouse, name: str
) -> None:
    path = written(tmp_path, "a.log.gz", gzip.compress(LOG_FORMATS[name].example.encode()))
    assert bring_in(warehouse, name, path).stored == 1
    assert bring_in(warehouse, "auto", path).lines == 0
    [(origin, ip, stored)] = select(warehouse, "origin, ip, url")
    assert (origin, ip) == (name, "192.0.2.0")
    assert stored.endswith((".pdf", ".html"))
    for other in set(FORMATS) - {name, "auto", "jsonlines", "combined", "common"}:
        with pytest.raises(BadSource, match=f"it looks like {name}") as refusal:
            bring_in(warehouse, other, path)
        assert f"footfall import {name}" in str(refusal.value)


def test_jsonlines_are_told_apart_and_nothing_else_is(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("caddy", "nginx", "traefik", "s3"):
        written(tmp_path / "logs", f"{name}.log", LOG_FORMATS[name].example)
    outcome = bring_in(warehouse, "jsonlines", tmp_path / "logs")
    assert select(warehouse, "origin", "origin") == [("caddy",), ("nginx",), ("traefik",)]
    assert (outcome.skipped_files, len(outcome.notes)) == (1, 1)
    with pytest.raises(BadSource, match="it looks like s3"):
        bring_in(warehouse, "jsonlines", tmp_path / "logs" / "s3.log")
    assert bring_in(warehouse, "auto", tmp_path / "logs").stored == 1


def test_auto_takes_tables_and_events_too_and_refuses_the_rest(
    tmp_path: Path, warehouse: DuckDBWarehouse, shared_data: Path
) -> None:
    events = written(tmp_path, "a", '{"event": "click", "status": 1, "request_method": "x"}\n')
    table = written(tmp_path, "b", "event,url\nclick,/a\n")
    assert bring_in(warehouse, "auto", events, table).stored == 2
    assert bring_in(warehouse, "auto", written(tmp_path, "empty", "")).lines == 0
    with pytest.raises(BadSource, match="Squid"):
        bring_in(warehouse, "auto", shared_data / "access-logs/combined/log.squid")
    with pytest.raises(BadSource, match="The formats are"):
        bring_in(warehouse, "auto", written(tmp_path, "c", "what is this?\n" * 3))


def test_personal_parts_never_reach_the_store(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    line = json.loads(LOG_FORMATS["caddy"].example)
    line["request"]["uri"] = "/a.pdf?email=jane@example.com"
    line |= {"user_id": "jane", "contact": "jane@example.com", "api_token": "s3cr3t-v4lu3-0123456789"}
    line["request"]["headers"] |= {"Authorization": ["Bearer abc"], "X-Forwarded-For": ["192.0.2.77"]}
    s3 = LOG_FORMATS["s3"].example.replace(
        "3 - 3E5", "3 arn:aws:sts::1:assumed-role/x/jane@example.com 3E5"
    )
    bring_in(warehouse, "caddy", written(tmp_path, "caddy.log", json.dumps(line)))
    bring_in(warehouse, "s3", written(tmp_path, "s3.log", s3))
    bring_in(
        warehouse,
        "s3",
        written(tmp_path, "broken.log", s3 + "\n" + s3.replace("200 -", "x jane@example.com")),
    )
    kept = json.dumps([*select(warehouse, "*"), *map(repr, warehouse.rejected())], default=str)
    for secret in ("jane", "s3cr3t", "Bearer", "192.0.2.77", "192.0.2.1", "192.0.2.3"):
        assert secret not in kept, secret


W3C = "#Fields: date time cs-method cs-uri-stem sc-status\n"


def test_a_log_whose_fields_changed_is_read_on_under_the_last_ones(
    tmp_path: Path, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_blocks, "BLOCK_BYTES", 300)
    lines = "".join(f"2024-02-29 23:59:{n:02} GET /{n}.pdf 200\n" for n in range(20))
    changed = "#Fields: date time sc-status cs-uri-stem cs-method\n"
    path = written(tmp_path, "u_ex.log", W3C + lines + changed + "2024-03-01 00:00:00 404 /x.pdf HEAD\n")
    assert bring_in(warehouse, "w3c", path).stored == 21
    with path.open("a") as file:
        file.write("2024-03-01 00:00:01 404 /y.pdf HEAD\n2024-03-01 00:00:02 GET /z.pdf 200\n")
    outcome = bring_in(warehouse, "w3c", path)
    assert (outcome.stored, outcome.rejected) == (1, 1)
    found = select(warehouse, "object, method, status", "created_at desc")[:3]
    assert found == [("/y.pdf", "HEAD", 404), ("/x.pdf", "HEAD", 404), ("/19.pdf", "GET", 200)]
    [event] = warehouse.rejected()
    assert event.header == changed.strip()
    assert event.reasons[0].startswith("line 25 of u_ex.log: its status is")


def test_refused_lines_are_retried_below_their_header(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    line = "2024-02-29 23:59:00 GET /a.pdf"
    bring_in(warehouse, "w3c", written(tmp_path, "a.log", W3C + f"{line}\n{line} 200\n"))
    assert retry(warehouse).refused[0].reasons == ["it has 4 fields where its #Fields line names 5"]
    again = retry(warehouse, f"{line} 404")
    assert (again.stored, again.still_rejected) == (1, 0)
    assert select(warehouse, "object, status, origin", "status") == [
        ("/a.pdf", 200, "w3c"),
        ("/a.pdf", 404, "w3c"),
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("s3", " 200 - 113 ", " two - 113 "),
        ("cloudfront", "/index.html\t200", "/index.html\ttwo"),
        ("alb", " 200 200 ", " two 200 "),
        ("w3c", " 200 0 0 15", " two 0 0 15"),
        ("caddy", '"status":200', '"status":"two"'),
        ("nginx", '"status":"200"', '"status":"two"'),
        ("traefik", '"DownstreamStatus":200', '"DownstreamStatus":"two"'),
    ],
)
def test_a_broken_line_of_every_format_can_be_mended(
    tmp_path: Path, warehouse: DuckDBWarehouse, name: str, good: str, bad: str
) -> None:
    example = LOG_FORMATS[name].example
    line = example.splitlines()[-1]
    outcome = bring_in(
        warehouse, name, written(tmp_path, "a.log", f"{example}\n{line.replace(good, bad)}\n")
    )
    assert (outcome.stored, outcome.rejected) == (1, 1)
    [event] = warehouse.rejected()
    assert (event.origin, f"line {len(example.splitlines()) + 1} of a.log: " in event.reasons[0]) == (
        name,
        True,
    )
    assert retry(warehouse).still_rejected == 1
    again = retry(warehouse, line.replace("pdf", "doc"))
    assert again.still_rejected == 0
    own_id = name == "s3"  # the line beside it has the same request id
    assert (again.stored, again.duplicate) == ((0, 1) if own_id else (1, 0))
    assert count(warehouse) == 1 + (not own_id)
    assert warehouse.rejected() == []


def test_a_request_delivered_in_two_files_counts_once(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    line = LOG_FORMATS["s3"].example
    assert bring_in(warehouse, "s3", written(tmp_path, "a.log", line)).stored == 1
    other = line.replace("3E57427F3EXAMPLE", "0000000000000001")
    outcome = bring_in(warehouse, "s3", written(tmp_path, "b.log", f"{other}\n{line}\n"))
    assert (outcome.stored, outcome.duplicate) == (1, 1)


FRONT: list[dict[str, Any]] = [
    {
        "date": "2024-11-14", "time": f"22:34:{n % 60:02}", "x_edge_location": "SOF50-P2",
        "sc_bytes": str(n), "c_ip": f"192.0.2.{n % 250}", "cs_method": "GET",
        "cs_uri_stem": f"/{n % 7}.pdf", "sc_status": "200",
        "cs_user_agent": "Mozilla/5.0%20(X11)" if n % 2 else None,
        "x_edge_request_id": f"request-{n:06}==",
        "cs_uri_query": "x=" + "y" * (3_000 if n == 5 else 1), "asn": n,
    }
    for n in range(500)
]  # fmt: skip


def test_cloudfront_parquet_is_read_as_its_json(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist(FRONT), path, row_group_size=100)
    outcome = bring_in(warehouse, "auto", path)
    assert (outcome.stored, outcome.rejected) == (500, 0)
    assert bring_in(warehouse, "cloudfront", path).lines == 0
    lines = "\n".join(json.dumps(row) for row in FRONT)
    same = bring_in(warehouse, "cloudfront", written(tmp_path, "log.json", lines), app="other")
    assert same.stored == 500
    columns = "event_id, object, url, status, bytes, ip, browser, origin, properties->>'$.asn'"
    both = [
        warehouse.query(f"select {columns} from events where app_id = '{app}' order by 1").rows
        for app in ("default", "other")
    ]
    assert both[0] == both[1]
    assert len(both[0][5][2]) > 3_000


def test_damaged_parquet_is_told(tmp_path: Path, warehouse: DuckDBWarehouse) -> None:
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist(FRONT), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(BadSource, match="cannot be read to its end"):
        bring_in(warehouse, "cloudfront", path)


def test_real_logs(warehouse: DuckDBWarehouse, shared_data: Path) -> None:
    outcome = bring_in(warehouse, "s3", shared_data / "access-logs/s3/webreadr-s3.log")
    assert (outcome.stored, outcome.rejected) == (6, 0)
    outcome = bring_in(warehouse, "auto", shared_data / "access-logs/cloudfront/webreadr-cloudfront.log")
    assert outcome.stored == 2
    with pytest.raises(BadSource, match="s3"):
        bring_in(warehouse, "s3", shared_data / "access-logs/s3/too_few_values.log")


def test_the_command_takes_auto(tmp_path: Path) -> None:
    path = written(tmp_path, "x", LOG_FORMATS["traefik"].example)
    done = run_footfall(tmp_path / "data", "import", "auto", str(path), "--format", "json")
    assert json.loads(done.stdout)["stored"] == 1
