"""Personal data planted everywhere is nowhere in the data folder, in whatever form it is packed."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from installation import running

PLANTED = {
    "email": "jane.roe@example.org",
    "phone": "+49 151 23456789",
    "card": "4111 1111 1111 1111",
    "iban": "DE89370400440532013000",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "stripe": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
}
SECRET = "correct-horse-battery"
ADDRESS = "203.0.113.77"
ADDRESS_6 = "2001:db8:7:9::1234"
# What must not be found, in any spelling; digits also without their blanks.
FORBIDDEN = [
    *PLANTED.values(),
    *(quote(value, safe="") for value in PLANTED.values()),
    "jane.roe",
    "15123456789",
    "4111111111111111",
    SECRET,
    ADDRESS,
    ADDRESS_6,
]


def planted_events() -> list[dict[str, object]]:
    """Each value in each kind of place, in good events and in ones that will be rejected."""
    events: list[dict[str, object]] = []
    for name, value in PLANTED.items():
        encoded = quote(value, safe="")
        places: dict[str, object] = {
            "url": f"https://shop.example/u/{encoded}?q={encoded}&token={SECRET}#{encoded}",
            "referrer": f"https://mail.example/?to={quote(encoded, safe='')}",
            "title": f"Welcome {value}!",
            "user_id": value,
            "element": value,
            "properties": {"a": [{"b": {"c": f"x {value} y"}}], "password": SECRET, value: 1},
            "user": {"contact": {"main": value}},
        }
        for field, planted in places.items():
            events.append({"event": f"planted_{name}", "anonymous_id": "v", field: planted})
            events.append({"anonymous_id": "no name, so rejected", field: planted})
    events.append({"event": "planted_number", "properties": {"card": 4111111111111111}})
    return events


def texts_of(path: Path) -> Iterator[bytes]:
    """The file's bytes, and what is packed in them."""
    raw = path.read_bytes()
    yield raw
    if path.suffix == ".parquet":
        yield json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False).encode()
    elif path.name.endswith(".zst"):
        with pa.CompressedInputStream(pa.BufferReader(raw), "zstd") as stream:
            yield stream.read()
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute(
                "select database_name, schema_name, table_name from duckdb_tables() where not internal"
            ).fetchall()
            for name in found:
                quoted = ".".join(f'"{part}"' for part in name)
                yield str(connection.execute(f"select * from {quoted}").fetchall()).encode()


def test_no_planted_value_is_in_any_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = {"FOOTFALL_LOG_ARCHIVE_AFTER_SECONDS": "1", "FOOTFALL_LAKE_FLUSH_SECONDS": "1"}
    log = tmp_path / "access.log"
    log.write_text(
        "".join(
            f"{ADDRESS} - jane.roe [10/Oct/2026:13:55:3{i} +0000] "
            f'"GET /d/{quote(value, safe="")}?token={SECRET} HTTP/1.1" 200 23 '
            f'"https://x.example/?e={quote(value, safe="")}" "Agent/1 ({value})"\n'
            for i, value in enumerate(PLANTED.values())
        )
        + f"broken line with {PLANTED['email']} from {ADDRESS}\n"
    )
    with running(data, environment=settings) as installation:
        events = planted_events()
        for forwarded in (ADDRESS, ADDRESS_6):
            headers = {
                "X-Forwarded-For": forwarded,
                "User-Agent": f"Mozilla/5.0 ({PLANTED['email']})",
                "Content-Type": "application/json",
            }
            status, body = installation.ask("POST", "/v1/events", json.dumps(events).encode(), headers)
            assert status == 200, body
            status, _ = installation.ask(
                "POST", "/v1/events", gzip.compress(json.dumps(events[:5]).encode()), headers
            )
            assert status == 200
            status, _ = installation.ask(
                "POST", "/v1/events", b'{"event": "' + PLANTED["email"].encode(), headers
            )
            assert status == 400
            pixel = f"/pixel.gif?event=open&url={quote(PLANTED['email'], safe='')}&password={SECRET}"
            assert installation.ask("GET", pixel, headers=headers)[0] == 200
        imported = installation.footfall("import", "combined", str(log), "--app", "files")
        assert imported.returncode == 0, imported.stderr
        broken = installation.get("/api/rejected?app=files")[0]["rejected_id"]
        mended = log.read_text().split("\n")[0].replace("13:55:30", "13:56:30")
        retried = installation.footfall("rejected", "retry", broken, "--body", mended)
        assert retried.returncode == 0, retried.stderr
        books = installation.settle()
        assert books["rejected"] > len(PLANTED)
        assert books["stored"] > len(PLANTED)
        assert installation.sql("select count(*) from events where ip = '203.0.113.0'")[0][0] > 0
        people = "select count(distinct user_id) from events where user_id like 'email:%'"
        assert installation.sql(people) == [[1]]
        deadline = time.monotonic() + 20
        while not list(data.glob("raw/**/*.zst")):
            assert time.monotonic() < deadline, "nothing was archived"
            time.sleep(0.1)
    files = [path for path in data.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".sqlite", ".duckdb", ".parquet", ".zst"}
    for path in files:
        for text in texts_of(path):
            found = [value for value in FORBIDDEN if value.encode() in text]
            assert not found, f"{path.relative_to(data)} holds {found}"
