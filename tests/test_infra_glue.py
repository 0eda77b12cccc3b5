"""The Glue jobs, run as they are: Spark on files, and MySQL's statements on a real server."""

import csv
import gzip
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import MariaDB, mariadb
from spark_cluster import needs_spark

from footfall.core.mart import LOG_REQUESTS

ROOT = Path(__file__).parents[1]
GLUE = ROOT / "infra" / "glue"
JOB = """
import sys; sys.path.insert(0, {glue!r})
from pyspark.sql import SparkSession
SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
import batch_etl
print("moved", batch_etl.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    with mariadb() as running:
        yield running


def run_batch(folder: Path) -> str:
    words = [f"--{name}={folder / name}" for name in ("source", "target", "done")]
    command = [
        sys.executable,
        "-c",
        JOB.format(glue=str(GLUE)),
        *words,
        f"--countries={folder / 'countries.csv'}",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"}
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout.strip().splitlines()[-1]


def test_json_becomes_csv_with_continents_and_what_was_read_moves_on(tmp_path: Path) -> None:
    needs_spark()
    from infra.countries import write_countries

    write_countries(tmp_path / "countries.csv")
    (tmp_path / "source").mkdir()
    told = [("1", "DE", 30), ("2", "Namibia", 41), ("3", "Atlantis", None)]
    lines = [
        json.dumps({"event_id": i, "event": "page_view", "country": c, "user": {"age": a}})
        for i, c, a in told
    ]
    (tmp_path / "source" / "day.json").write_text("\n".join(lines))

    assert run_batch(tmp_path) == "moved 1"
    assert [path.name for path in (tmp_path / "done").glob("*.json")] == ["day.json"]
    assert run_batch(tmp_path) == "moved 0"

    (run,) = (tmp_path / "target").glob("run=*")
    rows: list[dict[str, str]] = []
    for path in sorted(run.glob("part-*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    found = {row["event_id"]: (row["country"], row["continent"], row["age"]) for row in rows}
    assert found == {"1": ("DE", "EU", "30"), "2": ("NA", "AF", "41"), "3": ("", "", "")}


def test_requests_are_written_once_however_often_they_come(server: MariaDB) -> None:
    job: dict[str, Any] = runpy.run_path(str(GLUE / "access_logs.py"))
    server.url("logs")
    rows = [
        {
            "app_id": "files", "event_id": f"r{number}", "requested_at": "2026-11-21 10:00:00.000001",
            "method": "GET", "status": 200, "object": "/ä.pdf", "is_bot": False,
        }
        for number in range(1_500)
    ]  # fmt: skip
    body = "\n".join(json.dumps(row) for row in rows).encode()
    with server.connect("logs") as database:
        assert job["load"](database, body) == 1_500
        rows[0]["status"] = 404
        assert job["load"](database, gzip.compress(json.dumps(rows[0]).encode())) == 1
        with database.cursor() as cursor:
            cursor.execute("select count(*), sum(status = 404), min(object), min(is_bot) from log_requests")
            assert cursor.fetchone() == (1_500, 1, "/ä.pdf", 0)
            cursor.execute("select * from log_requests limit 1")
            assert [column[0] for column in cursor.description] == [
                each.name for each in LOG_REQUESTS.columns
            ]
