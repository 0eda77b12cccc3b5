"""A stand-in for Firehose: emulated, with the rules that its makers wrote down, and none of its timing.

Takes PutRecordBatch with its limits, buffers by size and time, hands a buffer to a transform, turns
rows of JSON into Parquet by the table's columns, and writes it below a prefix with ``!{timestamp:...}``.
What can't be turned goes below the prefix of errors, as Firehose lays it down there.
https://docs.aws.amazon.com/firehose/latest/dev/ : data-transformation, record-format-conversion,
s3-prefixes.
"""

import base64
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.core.arrow import arrow_schema
from footfall.core.schema import EVENTS, Column
from footfall.testing.aws.loopback import QuietHandler, serving

__all__ = ["DeliveryStream", "firehose_server"]

RECORD_BYTES = 1_024_000
BATCH_RECORDS = 500
BATCH_BYTES = 4_194_304
REPLY_BYTES = 6_291_556  # of a Lambda function
HOURS = "events/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M"}
ARN = "arn:aws:firehose:eu-central-1:000000000000:deliverystream/"
Put = Callable[[str, bytes], object]
Transform = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class DeliveryStream:
    """One stream; ``put`` writes an object. ``flush`` delivers at once what would wait for its time."""

    name: str
    put: Put
    prefix: str = HOURS
    errors: str = "errors/!{firehose:error-output-type}/"
    columns: tuple[Column, ...] = EVENTS
    transform: Transform | None = None
    buffer_bytes: int = 67_108_864
    buffer_seconds: float = 60.0
    _waiting: list[bytes] = field(default_factory=list)
    _since: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def take(self, records: Sequence[bytes]) -> None:
        """Buffer records; deliver when the buffer is full or old."""
        with self._lock:
            self._since = self._since if self._waiting else time.monotonic()
            self._waiting += records
            full = sum(map(len, self._waiting)) >= self.buffer_bytes
            if full or time.monotonic() - self._since >= self.buffer_seconds:
                self.flush()

    def waiting(self) -> list[bytes]:
        """Return the records that are buffered."""
        with self._lock:
            return list(self._waiting)

    def flush(self) -> None:
        """Deliver what waits."""
        with self._lock:
            records, self._waiting = self._waiting, []
            if not records:
                return
            rows: list[dict[str, Any]] = []
            for record in self._transformed(records):
                try:
                    rows += [self._row(row) for row in _objects(record)]
                except (ValueError, OverflowError) as error:
                    self._failed("format-conversion-failed", record, str(error))
            if rows:
                self._write(rows)

    def _transformed(self, records: Sequence[bytes]) -> Iterator[bytes]:
        if self.transform is None:
            yield from records
            return
        numbered = {str(number): record for number, record in enumerate(records)}
        reply = self.transform(
            {
                "invocationId": str(uuid.uuid4()),
                "deliveryStreamArn": f"{ARN}{self.name}",
                "region": "eu-central-1",
                "records": [
                    {
                        "recordId": number,
                        "approximateArrivalTimestamp": int(time.time() * 1000),
                        "data": base64.b64encode(record).decode(),
                    }
                    for number, record in numbered.items()
                ],
            }
        )
        assert len(json.dumps(reply)) <= REPLY_BYTES, "the transform's reply is larger than Lambda allows"
        answered = {each["recordId"]: each for each in reply["records"]}
        assert set(answered) == set(numbered), "the transform must answer every record, and no other"
        for number, record in numbered.items():
            match answered[number]["result"]:
                case "Ok":
                    yield base64.b64decode(answered[number]["data"], validate=True)
                case "Dropped":
                    pass
                case "ProcessingFailed":
                    self._failed("processing-failed", record, "the transform said so")
                case other:
                    raise AssertionError(f"{other!r} is no result of a transform")

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row with the types of its columns; OpenX's reader leaves out what it doesn't know."""
        typed: dict[str, Any] = {column.name: row.get(column.name) for column in self.columns}
        for column in self.columns:
            if column.kind == "time" and typed[column.name] is not None:
                typed[column.name] = datetime.strptime(typed[column.name], "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007
        return typed

    def _write(self, rows: list[dict[str, Any]]) -> None:
        sink = pa.BufferOutputStream()
        schema = pa.schema([field.with_nullable(True) for field in arrow_schema(self.columns)])
        table = pa.Table.from_pylist(rows, schema)
        pq.write_table(table, sink, compression="snappy", use_deprecated_int96_timestamps=True)
        now = datetime.now(UTC)
        name = f"{self.name}-1-{now:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}.parquet"
        self.put(_placed(self.prefix, now) + name, sink.getvalue().to_pybytes())

    def _failed(self, kind: str, record: bytes, why: str) -> None:
        line = {"errorMessage": why, "rawData": base64.b64encode(record).decode()}
        now = datetime.now(UTC)
        folder = _placed(self.errors.replace("!{firehose:error-output-type}", kind), now)
        self.put(f"{folder}{self.name}-1-{uuid.uuid4()}", json.dumps(line).encode() + b"\n")


def _placed(prefix: str, now: datetime) -> str:
    def text(match: re.Match[str]) -> str:
        return re.sub("yyyy|MM|dd|HH|mm", lambda part: now.strftime(LETTERS[part[0]]), match[1])

    return re.sub(r"!\{timestamp:([^}]*)\}", text, prefix)


def _objects(record: bytes) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a record, one after another with white space between; an array is none."""
    text = record.decode()
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        if not isinstance(value, dict):
            raise ValueError(f"{type(value).__name__} where an object belongs")
        yield value


@contextmanager
def firehose_server(*streams: DeliveryStream) -> Iterator[str]:
    """Serve these streams; give the address. What waits is delivered at the end."""
    known = {stream.name: stream for stream in streams}

    class Handler(QuietHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked = self.headers.get("x-amz-target", "").rpartition(".")[2]
            status, reply = _answer(asked, known.get(request["DeliveryStreamName"]), request)
            body = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    try:
        with serving(Handler) as address:
            yield f"http://{address}"
    finally:
        for stream in streams:
            stream.flush()


def _answer(
    asked: str, stream: DeliveryStream | None, request: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    if stream is None:
        return 400, {"__type": "ResourceNotFoundException", "message": "Firehose not found"}
    if asked == "DescribeDeliveryStream":
        description = {"DeliveryStreamName": stream.name, "DeliveryStreamStatus": "ACTIVE"}
        return 200, {"DeliveryStreamDescription": description}
    records = [base64.b64decode(record["Data"]) for record in request["Records"]]
    sizes = [len(record) for record in records]
    if len(sizes) > BATCH_RECORDS or sum(sizes) > BATCH_BYTES or max(sizes) > RECORD_BYTES:
        return 400, {"__type": "InvalidArgumentException", "message": "the batch is over a limit"}
    stream.take(records)
    return 200, {
        "FailedPutCount": 0,
        "Encrypted": False,
        "RequestResponses": [{"RecordId": str(uuid.uuid4())} for _ in records],
    }
