"""A Glue job: requests of access logs, as JSON lines in S3, into the MySQL table ``log_requests``.

Arguments: --source (folder of JSON lines, gzip or not, whose keys are the table's columns), --secret
(ARN of user and password), --host, --port. A file is deleted when all its rows are committed; a row
that is there already is written over, so a run that broke is simply started again.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import boto3  # type: ignore[import-untyped]
import pymysql  # type: ignore[import-untyped]

from footfall.core.mart import LOG_REQUESTS, MartTable

TYPES = {
    "name": "varchar(200)", "text": "longtext", "hash": "char(32)", "day": "date", "moment": "datetime(6)",
    "count": "bigint", "number": "double", "flag": "boolean",
}  # fmt: skip
ROWS = 1_000  # of one statement


def main(arguments: list[str]) -> int:
    """Run the job; returns the number of rows."""
    parser = argparse.ArgumentParser()
    for name in ("source", "secret", "host", "port"):
        parser.add_argument(f"--{name}", required=True)
    given, _ = parser.parse_known_args(arguments)  # Glue adds arguments of its own
    held = boto3.client("secretsmanager").get_secret_value(SecretId=given.secret)
    login = json.loads(held["SecretString"])
    store = boto3.client("s3")
    bucket, _, prefix = given.source.removeprefix("s3://").partition("/")
    written = 0
    with pymysql.connect(
        host=given.host, port=int(given.port), user=login["username"], password=login["password"],
        database="footfall", charset="utf8mb4", ssl={"check_hostname": False},
    ) as database:  # fmt: skip
        for key in _keys(store, bucket, prefix):
            body = store.get_object(Bucket=bucket, Key=key)["Body"].read()
            written += load(database, body)
            store.delete_object(Bucket=bucket, Key=key)
    return written


def load(database: Any, body: bytes, table: MartTable = LOG_REQUESTS) -> int:
    """Write one file's rows in one transaction; returns how many."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    rows = [json.loads(line) for line in body.splitlines() if line.strip()]
    with database.cursor() as cursor:
        cursor.execute(create(table))
        for start in range(0, len(rows), ROWS):
            values = [
                [row.get(column.name) for column in table.columns] for row in rows[start : start + ROWS]
            ]
            cursor.executemany(upsert(table), values)
    database.commit()
    return len(rows)


def create(table: MartTable) -> str:
    """Return the table's DDL; texts compare byte by byte."""
    keys = table.keys
    lines = [f"`{c.name}` {TYPES[c.kind]}{' not null' if c.name in keys else ''}" for c in table.columns]
    lines.append(f"primary key ({_names(keys)})")
    inside = ", ".join(lines)
    return f"create table if not exists `{table.name}` ({inside}) character set utf8mb4 collate utf8mb4_bin"


def upsert(table: MartTable) -> str:
    """Return an insert that writes over a row with the same key; MySQL and MariaDB take it."""
    names = [column.name for column in table.columns]
    others = ", ".join(f"`{name}` = values(`{name}`)" for name in names if name not in table.keys)
    holes = ", ".join(["%s"] * len(names))
    columns = f"`{table.name}` ({_names(names)})"
    return f"insert into {columns} values ({holes}) on duplicate key update {others}"  # noqa: S608 - our names


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _keys(store: Any, bucket: str, prefix: str) -> Iterator[str]:
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from (each["Key"] for each in page.get("Contents", []))


if __name__ == "__main__":
    main(sys.argv[1:])
