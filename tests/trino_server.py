"""Trino, of which Athena is made: a real server, over Glue's catalogue and S3 as moto has them."""

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from conftest import missing

from footfall.testing.aws.servers import environment, free_port

__all__ = ["DATABASE", "Refused", "Trino", "glue_table", "trino"]

SERVER = Path(__file__).parent / "aws" / "trino"
DATABASE = "footfall"
START_SECONDS = 120.0
ATHENA = "MILLISECONDS"  # how precisely Athena reads a timestamp, and Trino when nothing else is said
CONFIG = """
coordinator=true
node-scheduler.include-coordinator=true
node.environment=test
node.internal-address=127.0.0.1
node.bind-ip=127.0.0.1
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
plugin.dir={server}/plugin
catalog.config-dir={folder}/catalog
"""
# A table without partitions is read with its folders, as Athena and Redshift read one.
CATALOG = """
connector.name=hive
hive.metastore=glue
hive.metastore.glue.region={region}
hive.metastore.glue.endpoint-url={url}
hive.metastore.glue.aws-access-key={key}
hive.metastore.glue.aws-secret-key={secret}
hive.metastore-cache-ttl=1h
hive.partition-projection-enabled=true
hive.table-statistics-enabled=false
hive.recursive-directories=true
hive.file-status-cache-tables=*
hive.file-status-cache-expire-time=1h
fs.hadoop.enabled=false
fs.native-s3.enabled=true
s3.endpoint={url}
s3.region={region}
s3.path-style-access=true
s3.aws-access-key={key}
s3.aws-secret-key={secret}
"""


class Refused(Exception):
    """Trino's words for what it did not answer."""


@dataclass
class Trino:
    """A running server."""

    url: str

    def ask(
        self, sql: str, timestamps: str = ATHENA
    ) -> tuple[list[tuple[str, str]], list[tuple[Any, ...]]]:
        """Return (name, type) of the columns, and the rows in Python's types. Raises Refused."""
        headers = {
            "X-Trino-User": "footfall",
            "X-Trino-Catalog": "lake",
            "X-Trino-Schema": DATABASE,
            "X-Trino-Time-Zone": "UTC",
            # else times are told to the millisecond, however they were read
            "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
            "X-Trino-Session": f"lake.timestamp_precision={timestamps}",
        }
        request = urllib.request.Request(f"{self.url}/v1/statement", sql.encode(), headers)
        columns: list[tuple[str, str]] = []
        rows: list[tuple[Any, ...]] = []
        while True:
            with urllib.request.urlopen(request, timeout=120) as reply:
                told = json.load(reply)
            if "error" in told:
                raise Refused(f"{told['error']['errorName']}: {told['error']['message']}")
            columns = [(each["name"], each["type"]) for each in told.get("columns", [])] or columns
            rows += [_row(cells, columns) for cells in told.get("data", [])]
            if "nextUri" not in told:
                return columns, rows
            request = urllib.request.Request(told["nextUri"])


def _row(cells: list[Any], columns: list[tuple[str, str]]) -> tuple[Any, ...]:
    return tuple(_cell(cell, kind) for cell, (_, kind) in zip(cells, columns, strict=True))


def _cell(cell: Any, kind: str) -> Any:
    if isinstance(cell, str) and kind.startswith("timestamp"):
        return datetime.fromisoformat(cell)
    return date.fromisoformat(cell) if isinstance(cell, str) and kind == "date" else cell


def glue_table(
    name: str,
    location: str,
    columns: list[Mapping[str, str]],
    *,
    keys: tuple[str, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return what Glue is asked to make, with what Glue adds by itself and moto does not."""
    parquet = "org.apache.hadoop.hive.ql.io.parquet"
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet", **(parameters or {})},
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in keys],
        "StorageDescriptor": {
            "Location": location,
            "Columns": columns,
            "NumberOfBuckets": -1,
            "InputFormat": f"{parquet}.MapredParquetInputFormat",
            "OutputFormat": f"{parquet}.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": f"{parquet}.serde.ParquetHiveSerDe"},
        },
    }


@contextmanager
def trino(folder: Path, aws: str) -> Iterator[Trino]:
    """Run a server with its files in ``folder``, over Glue and S3 at ``aws``."""
    if shutil.which("java") is None:
        missing("there is no java")
    if not any(SERVER.glob("lib/trino-main-*.jar")):
        missing("Trino is not there: mvn -f tests/aws/trino/pom.xml package")
    port, rights = free_port(), environment()
    (folder / "catalog").mkdir(parents=True)
    (folder / "config.properties").write_text(CONFIG.format(port=port, server=SERVER, folder=folder))
    (folder / "catalog" / "lake.properties").write_text(
        CATALOG.format(
            url=aws,
            region=rights["AWS_REGION"],
            key=rights["AWS_ACCESS_KEY_ID"],
            secret=rights["AWS_SECRET_ACCESS_KEY"],
        )
    )
    # questions of a second never repay the better compiler
    quick = ("-Xmx1200m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    command = ["java", *quick, f"-Dconfig={folder}/config.properties", "-cp", f"{SERVER}/lib/*"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "io.trino.server.TrinoServer"], cwd=folder, stdout=log, stderr=log
        )
    try:
        server = Trino(f"http://127.0.0.1:{port}")
        _wait_for(server, process, folder / "server.log")
        yield server
    finally:
        process.kill()
        process.wait()


def _wait_for(server: Trino, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.ask("select 1")
        except (OSError, Refused):
            told = log.read_text(errors="replace")[-3_000:]
            assert process.poll() is None, f"Trino ended: {told}"
            assert time.monotonic() < deadline, f"Trino was not ready in time: {told}"
            time.sleep(0.2)
        else:
            return
