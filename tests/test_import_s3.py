"""Imports from S3, spoken over HTTP: prefixes, versions, damage, refusals, and what is remembered."""

import gzip
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aws_emulator import aws_emulator, make_bucket
from running_collector import free_port

from footfall.adapters import aws_session, s3_objects
from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.dynamodb_import_state import DynamoDBImportState
from footfall.adapters.s3_objects import S3Objects
from footfall.adapters.sqlite_import_state import SqliteImportState
from footfall.errors import BadSource, MissingExtra, ObjectsDenied, ObjectsLost, ObjectsRefused
from footfall.services.imports import ahead as import_ahead
from footfall.services.imports.files import Imported
from footfall.services.imports.sources import Source, find_sources
from tests.importing import bring_in, count, select

LINE = '192.0.2.{0} - - [17/May/2015:10:{1:02}:03 +0000] "GET /f{2}.pdf HTTP/1.1" 200 {2} "-" "Agent"\n'
HEADER = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
_numbers = itertools.count(1)


def log(number: int, first: int = 0) -> bytes:
    return b"".join(LINE.format(n % 250, n % 60, n).encode() for n in range(first, first + number))


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with aws_emulator() as url:
        yield url


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    store = DuckDBWarehouse(tmp_path / "data")
    yield store
    store.close()


class Bucket:
    """A bucket of the test's own."""

    def __init__(self) -> None:
        self.name = f"bucket-{next(_numbers)}"
        self._client = make_bucket(self.name)
        self.opened: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=key)

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def find(self, format: str, paths: Sequence[str]) -> Sequence[Source]:
        """Find sources, and note the keys of those that are opened."""
        bucket = self

        class Noting(S3Objects):
            def open(self, key: str, etag: str | None = None) -> Any:
                bucket.opened.append(key)
                return super().open(key, etag)

        return find_sources(format, paths, Noting)


@pytest.fixture
def bucket(aws: str) -> Bucket:
    assert aws
    return Bucket()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteImportState]:
    opened = SqliteImportState(tmp_path / "imports.sqlite")
    yield opened
    opened.close()


def test_a_prefix_is_read_once(
    bucket: Bucket, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    for number in range(30):
        bucket.put(f"logs/2026/{number:02}", log(20, number * 20))
    bucket.put("logs/packed ä+&.gz", gzip.compress(log(20, 600)))
    bucket.put("logs/empty", b"")
    bucket.put("logs/folder/", b"")
    bucket.put("other/x", log(20, 900))

    def imported() -> Imported:
        return bring_in(warehouse, "combined", bucket.url("logs/"), state=state, find=bucket.find)

    first = imported()
    assert (first.files, first.lines, first.stored, first.failed_files) == (31, 620, 620, 0)
    assert len(bucket.opened) == 32
    assert imported().skipped_files == 32
    assert len(bucket.opened) == 32  # nothing was fetched again
    bucket.put("logs/2026/99", log(5, 700))
    bucket.put("logs/2026/03", log(20, 60) + log(3, 800))  # replaced by one that goes on
    assert imported().stored == 8
    assert sorted(set(bucket.opened[32:])) == ["logs/2026/03", "logs/2026/99"]
    assert select(warehouse, "count(*), count(distinct object)", "1") == [(628, 628)]
    records = {record.name: record for record in state.entries()}
    assert records[bucket.url("logs/2026/99")].lines == 5
    assert {record.state for record in records.values()} == {"done"}


def test_keys_globs_and_names(bucket: Bucket, warehouse: DuckDBWarehouse) -> None:
    for number, key in enumerate(("a/1.log", "a/2.log", "a/b/3.log", "a/1.log.old", "[x].log")):
        bucket.put(key, log(1, number))

    def objects(key: str) -> list[str]:
        found = bucket.find("combined", [bucket.url(key)])
        return [source.name.removeprefix(bucket.url()) for source in found]

    assert objects("a/1.log") == ["a/1.log"]
    assert objects("a/1") == ["a/1.log", "a/1.log.old"]
    assert objects("a/*.log") == ["a/1.log", "a/2.log"]
    assert objects("a/**/*.log") == ["a/1.log", "a/2.log", "a/b/3.log"]
    assert objects("a/[!1].log") == ["a/2.log"]
    assert len(objects("")) == 5
    with pytest.raises(BadSource, match="no file or object"):
        objects("none/")
    both = bring_in(warehouse, "combined", bucket.url("a/1"), bucket.url("a/1.log"), find=bucket.find)
    assert both.files == 2


def test_a_large_object_is_read_by_parts(
    bucket: Bucket, warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_objects, "PART_BYTES", 100_000)
    monkeypatch.setattr(import_ahead, "WHOLE_BYTES", 50_000)
    bucket.put("large.log", log(12_000))
    bucket.put("large.log.gz", gzip.compress(log(30_000, 20_000)))
    outcome = bring_in(warehouse, "combined", bucket.url("large"), find=bucket.find)
    assert (outcome.files, outcome.stored) == (2, 42_000)


def test_an_object_of_the_same_content_adds_nothing(bucket: Bucket, warehouse: DuckDBWarehouse) -> None:
    bucket.put("a", log(10))
    bucket.put("b", log(10))
    bucket.put("c", log(15))
    bucket.put("d.gz", gzip.compress(log(15)))
    assert bring_in(warehouse, "combined", bucket.url(), find=bucket.find).stored == 15


def test_a_bad_line_among_small_objects_is_told_with_its_place(
    bucket: Bucket, warehouse: DuckDBWarehouse
) -> None:
    for number in range(5):
        bad = b"broken\n" if number == 3 else b""
        bucket.put(f"{number}.log", log(4, number * 10) + bad + log(2, number * 10 + 5))
    outcome = bring_in(warehouse, "combined", bucket.url(), find=bucket.find)
    assert (outcome.stored, outcome.rejected) == (30, 1)
    assert warehouse.rejected()[0].reasons[0].startswith("line 5 of 3.log: ")


def test_logs_with_the_same_headers_are_told_apart(bucket: Bucket, warehouse: DuckDBWarehouse) -> None:
    for number in range(6):
        rows = "".join(f"2026-01-0{number + 1} 10:00:0{n} 192.0.2.1 GET /f{n} 200\n" for n in range(4))
        bucket.put(f"{number}.log", (HEADER + rows).encode())
    bucket.put("headers only.log", HEADER.encode())
    assert bring_in(warehouse, "w3c", bucket.url(), find=bucket.find).stored == 24
    assert bring_in(warehouse, "w3c", bucket.url(), find=bucket.find).lines == 0


def test_what_cannot_be_read_stops_no_other(
    bucket: Bucket, warehouse: DuckDBWarehouse, state: SqliteImportState
) -> None:
    good = gzip.compress(log(3_000, 100))
    bucket.put("1.log", log(10))
    bucket.put("2 damaged.gz", good[: len(good) // 2])
    bucket.put("3 damaged.zst", b"\x28\xb5\x2f\xfd" + b"x" * 50)
    bucket.put("4 vanishes.log", log(10, 20))
    bucket.put("5 changes.log", log(10, 30))
    bucket.put("6 README", b"what these are\n")
    bucket.put("7.log", log(10, 40))
    bucket.put("8 " + "n" * 900, log(10, 50))
    sources = bucket.find("combined", [bucket.url()])
    bucket.delete("4 vanishes.log")
    bucket.put("5 changes.log", log(10, 60))
    outcome = bring_in(warehouse, "combined", bucket.url(), state=state, find=lambda *_: sources)
    assert outcome.failed_files == 4
    assert [error.split(" cannot")[0].rpartition("/")[2][:9] for error in outcome.errors[:2]] == [
        "2 damaged",
        "3 damaged",
    ]
    assert "There is no object" in outcome.errors[2]
    assert "4 vanishes.log" in outcome.errors[2]
    assert "was replaced while it was read" in outcome.errors[3]
    assert outcome.notes[0].endswith("is not of this format")
    assert {object for (object,) in select(warehouse, "object")} >= {"/f5.pdf", "/f45.pdf", "/f55.pdf"}
    bucket.put("2 damaged.gz", good)
    before = count(warehouse)
    again = bring_in(warehouse, "combined", bucket.url(), state=state, find=bucket.find)
    assert again.errors[0].startswith(bucket.url("3 damaged"))
    assert again.stored == 3_000 + 10 - (before - 30)
    assert select(warehouse, "count(*), count(distinct object)", "1") == [(3_040, 3_040)]


def test_two_installations_that_share_a_table_share_the_work(bucket: Bucket, tmp_path: Path) -> None:
    for number in range(40):
        bucket.put(f"{number:02}.log", log(10, number * 10))
    table = f"imports-{next(_numbers)}"
    stores = {name: DuckDBWarehouse(tmp_path / name) for name in ("one", "two")}
    together = threading.Barrier(2)
    outcomes: list[Imported] = []

    def work(owner: str) -> None:
        state = DynamoDBImportState(table)
        for keys in ("[0-1]*", "[2-3]*"):
            together.wait(60)
            find = bucket.find
            try:
                outcomes.append(
                    bring_in(
                        stores[owner], "combined", bucket.url(keys), state=state, owner=owner, find=find
                    )
                )
            finally:
                together.wait(60)
        state.close()

    both = [threading.Thread(target=work, args=(name,)) for name in stores]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(outcomes) == 4
    objects = [row[0] for store in stores.values() for row in select(store, "object")]
    assert sorted(objects) == sorted(f"/f{number}.pdf" for number in range(400))
    for store in stores.values():
        store.close()


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """Run a server that answers every request with one error, in the form of S3's."""

    class Refuse(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<Error><Code>{code}</Code><Message>told why</Message></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "error", "told"),
    [
        (403, "AccessDenied", ObjectsDenied, "s3:ListBucket"),
        (403, "SignatureDoesNotMatch", ObjectsDenied, "AWS_ACCESS_KEY_ID"),
        (503, "SlowDown", ObjectsLost, "throttling"),
        (404, "NoSuchBucket", ObjectsRefused, "bucket's name"),
        (301, "PermanentRedirect", ObjectsRefused, "AWS_REGION"),
    ],
)
@pytest.mark.usefixtures("aws")
def test_refusals_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, error: type[Exception], told: str
) -> None:
    monkeypatch.setattr(aws_session, "ATTEMPTS", 2)
    with refusing(status, code) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(error, match=told) as raised:
            find_sources("s3", ["s3://some-bucket/logs"], S3Objects)
        assert code in str(raised.value)


@pytest.mark.usefixtures("aws")
def test_what_the_client_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws_session, "ATTEMPTS", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        with pytest.raises(ObjectsLost, match="can't be reached"):
            find_sources("s3", ["s3://some-bucket/logs"], S3Objects)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "nobody")
        with pytest.raises(ObjectsDenied, match="AWS_PROFILE"):
            find_sources("s3", ["s3://some-bucket/logs"], S3Objects)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtra, match=r'pip install "footfall\[aws\]"'):
        find_sources("s3", ["s3://some-bucket/logs"], S3Objects)
    with pytest.raises(BadSource, match="names no bucket"):
        find_sources("s3", ["s3://"], S3Objects)


def test_the_command_imports_lists_and_fails(bucket: Bucket, tmp_path: Path) -> None:
    def footfall(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "footfall", *words, "--format", "json"]
        ran = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"FOOTFALL_DATA": str(tmp_path / "data")},
        )
        return ran.returncode, ran.stdout, ran.stderr

    bucket.put("a.log", log(10))
    bucket.put("b.gz", gzip.compress(log(10, 20))[:60])
    code, out, err = footfall("import", "combined", bucket.url())
    outcome = json.loads(out)
    assert (code, outcome["files"], outcome["stored"], outcome["failed_files"]) == (1, 1, 10, 1)
    assert "b.gz cannot be imported" in " ".join(err.split())
    code, out, _ = footfall("imports")
    listed = {each["source"]: each for each in json.loads(out)}
    assert code == 0
    assert listed[bucket.url("a.log")]["state"] == "done"
    assert listed[bucket.url("a.log")]["lines"] == 10
    assert "cannot be read to its end" in listed[bucket.url("b.gz")]["error"]
    code, _, err = footfall("import", "combined", "s3://no-such-bucket-here/")
    assert code == 1
    assert "NoSuchBucket" in err
