"""What a simulated event takes on its way through AWS, in bytes: measured, for the forecast of the bill."""

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.json_rows import json_rows
from footfall.core.raw_block import encode_block
from footfall.core.raw_line import write_line
from footfall.core.record import AppId, Logged, Offset, Record, Sender

RECEIVED = 1_772_366_400_000_000
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"
)


class Measured(NamedTuple):
    """Bytes of one event in each form."""

    record: float
    row: float
    parquet: float
    raw: float


def measure(ndjson: Path) -> Measured:
    """Send each line as a request of one event; return the mean sizes."""
    lines = ndjson.read_bytes().splitlines()
    sender = Sender(ip="192.0.2.0", country="DE", user_agent=BROWSER, language="de", visitor_hash="0" * 32)
    logged = [
        Logged("collect-0123456789ab", Offset(RECEIVED + number), Record(
            kind="events", app_id=AppId("shop"), origin="native", received_at=RECEIVED, count=1,
            sender=sender, body=b"[" + line + b"]",
        ))
        for number, line in enumerate(lines)
    ]  # fmt: skip
    rows = enrich(decode(logged).rows, datetime(2026, 3, 1, 12))  # noqa: DTZ001 - UTC without a zone
    file = BytesIO()
    pq.write_table(rows, file, compression="snappy")
    events = len(lines)
    return Measured(
        record=sum(len(write_line(each)) for each in logged) / events,
        row=sum(len(row) + 1 for row in json_rows(rows, "sql", nested=False)) / events,
        parquet=file.tell() / events,
        raw=len(encode_block(logged)) / events,
    )
