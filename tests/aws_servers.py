"""The stand-ins of AWS for tests; a test is skipped with the reason where one can't be had."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import missing

from footfall.core.raw_line import read_line
from footfall.core.record import Logged
from footfall.errors import FootfallError
from footfall.testing.aws.servers import environment, kinesis_local, moto_server, opensearch_node

AWS = Path(__file__).parent / "aws"
KINESIS = AWS / "node_modules" / "kinesis-local"
JARS = AWS / "jars"

_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """Return a name that no other test of the module has."""
    return f"{name}-{next(_numbers)}"


@contextmanager
def kinesis() -> Iterator[str]:
    """Run kinesis-local; give its address."""
    with _rights(), _started(kinesis_local(KINESIS)) as url:
        yield url


@contextmanager
def moto() -> Iterator[str]:
    """Run moto; give its address."""
    with _rights(), _started(moto_server()) as url:
        yield url


@contextmanager
def opensearch(folder: Path) -> Iterator[str]:
    """Run a node of OpenSearch; give its address."""
    with _started(opensearch_node(JARS, folder)) as url:
        yield url


@contextmanager
def _rights() -> Iterator[None]:
    """Give this process made-up rights, and take the real ones away."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL"):
            patch.delenv(name, raising=False)
        for name, value in environment().items():
            patch.setenv(name, value)
        yield


@contextmanager
def _started(server: AbstractContextManager[str]) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server)
        except FootfallError as error:
            missing(str(error))
        yield url


def make_stream(client: Any, name: str, shards: int = 2) -> None:
    """Make a stream and wait until it is there."""
    client.create_stream(StreamName=name, ShardCount=shards)
    client.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


def read_stream(client: Any, name: str) -> list[bytes]:
    """Return the data of everything in a stream."""
    found: list[bytes] = []
    for shard in client.list_shards(StreamName=name)["Shards"]:
        iterator = client.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = client.get_records(ShardIterator=iterator, Limit=10_000)
            found += [bytes(each["Data"]) for each in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if not iterator or not answer["MillisBehindLatest"]:
                break
    return found


def read_records(client: Any, name: str) -> list[Logged]:
    """Return the records in a stream."""
    return [read_line(data) for data in read_stream(client, name)]
