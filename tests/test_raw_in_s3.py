"""The raw archive in S3: what the function of the stream keeps is what replay reads."""

import base64
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from aws_servers import fresh, moto

from footfall.adapters.aws.clients import client
from footfall.core.raw_block import CHECKSUM, decode_block, parse_name
from footfall.core.raw_line import write_line
from footfall.core.record import Logged, Offset
from footfall.testing.event_log import START, make_event, make_record

DAY_US = 86_400_000_000
CALLED = SimpleNamespace(
    function_name="raw", memory_limit_in_mb=1, invoked_function_arn="arn:raw", aws_request_id="1"
)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("POWERTOOLS_SERVICE_NAME", "raw")
        client.cache_clear()
        yield url
        client.cache_clear()


def batch(*lines: bytes) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000003:{number}",
                "kinesis": {"sequenceNumber": str(number), "data": base64.b64encode(line).decode()},
            }
            for number, line in enumerate(lines, start=7)
        ]
    }


def objects(bucket: str) -> dict[str, bytes]:
    s3 = client("s3")
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


@pytest.mark.usefixtures("aws")
def test_a_batch_becomes_blocks_by_day_that_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from footfall.apps.lambdas import raw

    bucket = fresh("raw")
    region = client("s3").meta.region_name
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    monkeypatch.setenv("FOOTFALL_AWS_RAW_BUCKET", bucket)
    raw._bucket.cache_clear()
    logged = [
        Logged("collect-a", Offset(number), make_record(make_event(), received_at=START + days * DAY_US))
        for number, days in ((1, 0), (2, 0), (3, 1))
    ]
    lines = [write_line(each) for each in logged]
    lines.insert(1, b"not a line of ours")

    raw.handler(batch(*lines), CALLED)
    first = objects(bucket)
    raw.handler(batch(*lines), CALLED)

    assert objects(bucket) == first
    blocks = sorted(key for key in first if not key.endswith(CHECKSUM))
    assert len(blocks) == 2
    assert all(key.startswith("raw/year=") and parse_name(key.rpartition("/")[2]) for key in blocks)
    read = [
        each for key in blocks for each in decode_block(first[key], first[key + CHECKSUM].decode(), key)
    ]
    assert read == logged
