"""AWS for tests: a moto server in a process of its own, spoken to over HTTP like the real one."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest
from conftest import missing

from footfall.adapters.aws.clients import client
from footfall.testing.aws.servers import environment, moto_server

KEPT_OUT = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")


@contextmanager
def aws_emulator() -> Iterator[str]:
    """Run one and point AWS's variables of this process at it; give its address."""
    if find_spec("moto") is None or find_spec("boto3") is None:
        missing("moto and boto3 are not installed")
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        for name in KEPT_OUT:
            patch.delenv(name, raising=False)
        for name, value in environment(aws=url).items():
            patch.setenv(name, value)
        client.cache_clear()  # those of an earlier emulator know its address
        yield url


def make_bucket(name: str) -> Any:
    """Make a bucket; return a client of the test's own."""
    import boto3

    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return s3
