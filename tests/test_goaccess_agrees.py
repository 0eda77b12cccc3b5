"""GoAccess reads the same real logs: requests, status classes and bytes agree, or it is said why not."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import missing
from importing import bring_in

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse

GOACCESS = {"combined": "COMBINED", "common": "COMMON", "s3": "AWSS3"}

LOGS = [
    ("combined", "combined/apache-10k.log.gz"),
    ("combined", "combined/shop.log"),
    ("combined", "combined/combined_log.clf"),
    ("common", "combined/log.clf"),
    ("combined", "malformed/combined_no_errors.log"),
    ("combined", "malformed/combined_with_errors.log"),
    ("combined", "malformed/combined_latin1_enc.log"),
    ("combined", "malformed/dreamhost_apache_access.log"),
    ("combined", "malformed/nginx_access.log"),
    ("s3", "s3/valid_s3_access_log.log"),
    ("s3", "s3/unknown_request_uri.log"),
    ("s3", "s3/too_many_values.log"),
    ("s3", "s3/webreadr-s3.log"),
]


class Sum(NamedTuple):
    """Requests and the bytes sent for them."""

    requests: int
    bytes: int


class Totals(NamedTuple):
    """What a log adds up to: by status class (``4`` is 4xx), and its lines that could not be read."""

    classes: Mapping[int, Sum]
    refused: int


# GoAccess cuts lines at 4,096 bytes and refuses both parts: here a probe of 4,158 bytes, answered 400
# with 166 bytes, which is read as what it is.
LONG_LINES = {"malformed/nginx_access.log": Sum(requests=1, bytes=166)}


def theirs(log: Path, format: str, folder: Path) -> Totals:
    program = shutil.which("goaccess")
    if program is None:
        missing("goaccess is not installed")
    report, plain = folder / "report.json", folder / "access.log"
    data = log.read_bytes()
    plain.write_bytes(gzip.decompress(data) if log.suffix == ".gz" else data)
    known = f"--log-format={GOACCESS[format]}"
    command = [str(program), str(plain), known, "--no-global-config", "-o", str(report)]
    subprocess.run(command, check=True, capture_output=True)
    told = json.loads(report.read_text(encoding="utf-8", errors="replace"))
    classes = {
        int(entry["data"][0]): Sum(entry["hits"]["count"], entry["bytes"]["count"])
        for entry in told["status_codes"]["data"]
    }
    assert told["general"]["bandwidth"] == sum(each.bytes for each in classes.values())
    return Totals(classes, told["general"]["failed_requests"])


def ours(log: Path, format: str, folder: Path) -> Totals:
    warehouse = DuckDBWarehouse(folder / "data")
    try:
        outcome = bring_in(warehouse, format, log)
        sums = "select status // 100, count(*), sum(bytes) from events group by 1"
        classes = {int(status): Sum(*rest) for status, *rest in warehouse.query(sums).rows}
    finally:
        warehouse.close()
    return Totals(classes, outcome.rejected)


@pytest.mark.parametrize(("format", "name"), LOGS)
def test_totals_of_real_logs_agree(format: str, name: str, shared_data: Path, tmp_path: Path) -> None:
    log = shared_data / "access-logs" / name
    told, found = theirs(log, format, tmp_path), ours(log, format, tmp_path)
    long = LONG_LINES.get(name, Sum(0, 0))
    refused = told.classes.get(4, Sum(0, 0))
    expected = {**told.classes, 4: Sum(refused.requests + long.requests, refused.bytes + long.bytes)}
    assert found.classes == {status: each for status, each in expected.items() if each.requests}
    assert found.refused == told.refused - 2 * long.requests
