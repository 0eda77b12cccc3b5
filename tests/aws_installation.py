"""An installation on AWS for tests of commands: its parts in moto, and stacks that tell of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aws_emulator import make_bucket
from aws_servers import fresh, make_stream

from footfall.adapters.aws.clients import client
from footfall.core.aws.outputs import output_of

__all__ = ["KEY", "Deployed", "deployed"]

KEY = b"k" * 32
PATIENT = 60.0  # moto loads a service when it is first asked, which takes a busy machine long


@dataclass(frozen=True)
class Deployed:
    """``name`` is what commands are told; the rest is what its stacks say."""

    name: str
    queue: str
    stream: str
    raw: str
    lake: str

    def read(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return a bucket's objects by key."""
        s3: Any = client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@contextmanager
def deployed(**more: str) -> Iterator[Deployed]:
    """Make an installation with Kinesis in the moto that this process points at; ``more`` is told too."""
    name = fresh("shop")
    raw, lake, stream = f"{name}-raw", f"{name}-lake", f"{name}-records"
    make_bucket(raw)
    make_bucket(lake)
    make_stream(client("kinesis", seconds=PATIENT), stream, 1)
    queue = client("sqs", seconds=PATIENT).create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
    client("secretsmanager", seconds=PATIENT).create_secret(Name=f"{name}-key", SecretBinary=KEY)
    in_lake = {"dead_letters": queue, "raw_bucket": raw, "lake_bucket": lake, "key_secret": f"{name}-key"}
    _stack(f"{name}-lake", **in_lake, **more)
    _stack(f"{name}-stream", stream=stream)
    _stack(f"{name}-test-lake", dead_letters="another installation's")
    yield Deployed(name, queue, stream, raw, lake)


def _stack(name: str, **settings: str) -> None:
    template = {
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {output_of(key): {"Value": value} for key, value in settings.items()},
    }
    client("cloudformation", seconds=PATIENT).create_stack(
        StackName=name, TemplateBody=json.dumps(template)
    )
