"""New lines of access logs for the Glue job; S3, DynamoDB, SQS, Secrets Manager and Glue are moto's.

The function itself runs under AWS's runtime client. What the job does with the files is in test_infra_glue.
"""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from aws_servers import fresh, moto
from conftest import missing

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.glue import start_job
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.sqs import LetterQueue
from footfall.adapters.dynamodb_import_state import DynamoDBImportState
from footfall.adapters.key_file import derived_salt
from footfall.adapters.s3_objects import S3Objects
from footfall.core.intake import DEFAULT_APP
from footfall.core.mart import LOG_REQUESTS
from footfall.core.scrub import plan_for
from footfall.errors import JobNotStarted
from footfall.services.fresh_logs import FreshLogs, take_fresh
from footfall.services.imports.rows import ImportRules
from footfall.testing.aws.altering_proxy import altering_proxy
from footfall.testing.aws.function import lambda_function
from footfall.testing.aws.servers import environment

KEY = b"k" * 32
LINE = (
    '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be files '
    '[06/Nov/2026:10:{0:02}:38 +0000] 192.0.2.7 - {1} REST.GET.OBJECT a{0}.pdf '
    '"GET /files/a{0}.pdf?mail=ann@shop.example HTTP/1.1" 200 - 113 113 7 6 "-" "Mozilla/5.0" -\n'
)  # fmt: skip
BAD = b"this is no line of a log\n"


def log(name: str, first: int, end: int) -> bytes:
    return "".join(LINE.format(number % 60, f"{name}{number:05}") for number in range(first, end)).encode()


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        yield url


@dataclass
class World:
    """Two buckets, a table, a queue, a job, and a clock of the test's."""

    url: str
    name: str = field(default_factory=lambda: fresh("logs"))
    effects: list[str] = field(default_factory=list)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    left: Callable[[], float] = lambda: 900.0

    def __post_init__(self) -> None:
        self.s3 = client("s3", self.url)
        for bucket in (self.name, f"{self.name}-results"):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        queue = client("sqs", self.url).create_queue(QueueName=self.name)["QueueUrl"]
        self.queue = LetterQueue(queue, client("sqs", self.url))
        self.state = DynamoDBImportState(self.name)
        role = "arn:aws:iam::123456789012:role/any"
        client("glue", self.url).create_job(
            Name=self.name,
            Role=role,
            Command={"Name": "pythonshell"},
            ExecutionProperty={"MaxConcurrentRuns": 9},
        )

    def parts(self, owner: str = "call-1") -> FreshLogs:
        rules = ImportRules(DEFAULT_APP, plan_for({}, KEY), partial(derived_salt, KEY), lambda _: None)
        return FreshLogs(
            S3Objects(self.name), S3Objects(f"{self.name}-results"), "fresh/", self.state, self.queue,
            self.start, rules, owner, lambda: self.now, lambda: self.left(),
        )  # fmt: skip

    def start(self) -> str:
        self.effects.append("start")
        return start_job(self.name, {"--source": "here"}, client("glue", self.url))

    def put(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=data)

    def files(self) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that wait for the job, by file."""
        bucket = f"{self.name}-results"
        keys = [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        bodies = {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return {
            key: [json.loads(line) for line in gzip.decompress(body).splitlines()]
            for key, body in bodies.items()
        }

    def ids(self) -> list[str]:
        return sorted(row["event_id"] for rows in self.files().values() for row in rows)

    def clear(self) -> None:
        for key in self.files():
            self.s3.delete_object(Bucket=f"{self.name}-results", Key=key)


@pytest.fixture
def world(aws: str) -> World:
    return World(aws)


def test_lines_come_once_and_only_the_new_ones_of_a_log_that_grew(world: World) -> None:
    world.put("2026/a", log("a", 0, 20))
    world.put("2026/b.gz", gzip.compress(log("b", 0, 30)))

    taken = take_fresh(world.parts())
    assert (taken.objects, taken.lines, taken.letters, taken.failed, taken.more) == (2, 50, 0, 0, False)
    assert taken.run
    (rows,) = world.files().values()
    assert len({row["event_id"] for row in rows}) == 50
    assert set(rows[0]) <= {column.name for column in LOG_REQUESTS.columns}
    assert (rows[0]["requested_at"], rows[0]["ip"], rows[0]["origin"], rows[0]["status"]) == (
        "2026-11-06 10:00:38.000000", "192.0.2.0", "s3", 200,
    )  # fmt: skip
    assert "ann@shop.example" not in json.dumps(rows)

    world.clear()
    again = take_fresh(world.parts("call-2"))
    assert (again.objects, again.lines, again.run, world.files()) == (0, 0, "", {})

    world.put("2026/a", log("a", 0, 25))
    grown = take_fresh(world.parts("call-3"))
    assert (grown.objects, grown.lines) == (1, 5)
    assert len(world.ids()) == 5
    assert not set(world.ids()) & {row["event_id"] for row in rows}


def test_a_call_that_broke_before_marking_is_made_again_and_gives_the_same_files(world: World) -> None:
    world.put("a", log("a", 0, 20) + BAD)

    def broken() -> str:
        raise JobNotStarted(job="load", cause="the function was killed here")

    with pytest.raises(JobNotStarted, match="killed"):
        take_fresh(replace(world.parts("call-1"), start_job=broken))
    written = world.files()
    assert len(world.ids()) == 20
    assert [each.state for each in world.state.entries()] == ["begun"]

    held = take_fresh(world.parts("another"))
    assert held.objects == 0, "it is leased to the call that broke"
    taken = take_fresh(world.parts("call-1"))  # as Lambda does: the same request again
    assert (taken.objects, taken.lines, taken.letters) == (1, 21, 1)
    assert world.files() == written
    assert [each.state for each in world.state.entries()] == ["done"]
    letters = [each.letter for each in world.queue.receive(10, 60)]
    assert len(letters) == 2, "once from each"
    assert len({each.letter_id for each in letters}) == 1
    assert letters[0].body == BAD.decode().rstrip()
    assert letters[0].reasons[0].startswith("line 21 of a: ")


def test_what_another_left_is_taken_when_its_lease_is_over(world: World) -> None:
    world.put("a", log("a", 0, 20))
    seen = world.parts("killed")
    with pytest.raises(ZeroDivisionError):
        take_fresh(replace(seen, start_job=lambda: str(1 // 0)))
    world.now += timedelta(minutes=14)
    assert take_fresh(world.parts("next")).objects == 0
    world.now += timedelta(minutes=2)
    assert take_fresh(world.parts("next")).lines == 20


def test_two_calls_at_once_share_the_work(world: World) -> None:
    for number in range(16):
        world.put(f"{number:02}", log(f"o{number:02}-", 0, 10))
    together = threading.Barrier(2)

    def call(owner: str) -> Any:
        together.wait()
        return take_fresh(world.parts(owner))

    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(call, ["one", "two"]))
    assert sum(each.objects for each in both) == 16
    assert sum(each.lines for each in both) == len(world.ids()) == len(set(world.ids())) == 160
    assert {each.state for each in world.state.entries()} == {"done"}


def test_a_damaged_object_gives_what_can_be_read_and_a_letter_and_is_left_until_it_changes(
    world: World,
) -> None:
    whole = gzip.compress(log("d", 0, 8_000))
    world.put("damaged.gz", whole[: len(whole) * 2 // 3])
    world.put("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    world.put("empty", b"")
    world.put("good", log("g", 0, 10))

    taken = take_fresh(world.parts())
    assert (taken.objects, taken.failed, taken.letters) == (4, 2, 2 + damaged_lines(world))
    assert 10 < taken.lines < 8_010
    told = {each.letter.letter_id: each.letter for each in world.queue.receive(10, 60)}
    assert any("cannot be read to its end" in why for each in told.values() for why in each.reasons)
    assert {each.state for each in world.state.entries()} == {"done", "failed"}

    assert take_fresh(world.parts("next")).objects == 0
    world.clear()
    world.put("damaged.gz", whole)
    mended = take_fresh(world.parts("later"))
    assert (mended.objects, mended.failed) == (1, 0)
    assert mended.lines + taken.lines >= 8_010


def damaged_lines(world: World) -> int:
    return sum(each.rejected for each in world.state.entries())


def test_time_that_is_up_ends_a_call_inside_an_object_and_the_next_goes_on_there(world: World) -> None:
    lines = 40_000  # three blocks
    world.put("large", log("l", 0, lines))
    moments = iter([900.0] * 3)
    world.left = lambda: next(moments, 10.0)
    first = take_fresh(world.parts())
    assert first.more
    assert 0 < first.lines < lines
    world.left = lambda: 900.0
    rest = take_fresh(world.parts("next"))
    assert (rest.more, rest.lines + first.lines) == (False, lines)
    assert len(world.ids()) == len(set(world.ids())) == lines


def test_effects_come_in_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.put("a", log("a", 0, 5) + BAD)
    parts = world.parts()
    for part, verb in ((parts.fresh, "put"), (parts.letters, "send"), (parts.state, "settle")):
        plain = getattr(part, verb)

        def told(*given: Any, verb: str = verb, plain: Any = plain) -> Any:
            world.effects.append(verb)
            return plain(*given)

        monkeypatch.setattr(part, verb, told)
    take_fresh(parts)
    assert world.effects == ["put", "send", "start", "settle"]


def test_a_job_that_is_busy_is_waited_for_and_told_when_it_stays_so(world: World) -> None:
    busy = 400, b'{"__type": "ConcurrentRunsExceededException", "message": "one is running"}'
    pauses: list[float] = []
    patience = Patience(seconds=60.0, first_pause=1.0, sleep=pauses.append, chance=lambda: 1.0)
    with altering_proxy(world.url) as proxy:
        glue = client("glue", proxy.url)
        proxy.alterations += [lambda _: busy] * 2
        run = start_job(world.name, {}, glue, patience)
        assert glue.get_job_run(JobName=world.name, RunId=run)["JobRun"]["Id"] == run
        assert pauses == [1.0, 2.0]

        proxy.alterations += [lambda _: busy] * 9
        with pytest.raises(JobNotStarted, match="ConcurrentRunsExceededException: one is running"):
            start_job(world.name, {}, glue, replace(patience, seconds=0.5))
    with pytest.raises(JobNotStarted, match="EntityNotFound"):
        start_job("absent", {}, client("glue", world.url), patience)


def test_the_function_brings_a_bucket_to_the_job(world: World, tmp_path: Path) -> None:
    if find_spec("awslambdaric") is None:
        missing("awslambdaric is not installed")
    world.put("a", log("a", 0, 20))
    client("secretsmanager", world.url).create_secret(Name=world.name, SecretBinary=KEY)
    variables = environment(aws=world.url) | {
        "FOOTFALL_AWS_STATE_TABLE": world.name,
        "FOOTFALL_AWS_RESULTS_BUCKET": f"{world.name}-results",
        "FOOTFALL_AWS_DEAD_LETTERS": client("sqs").get_queue_url(QueueName=world.name)["QueueUrl"],
        "FOOTFALL_AWS_KEY_SECRET": world.name,
    }
    told = {"bucket": world.name, "to": "access-logs/", "job": world.name}
    with lambda_function(
        "footfall.apps.lambdas.access_logs.handler", variables, tmp_path, seconds=300.0
    ) as function:
        taken = function.invoke(told)
        again = function.invoke(told)
    assert (taken["objects"], taken["lines"], taken["more"]) == (1, 20, False)
    assert (again["objects"], again["run"]) == (0, "")
    run = client("glue").get_job_run(JobName=world.name, RunId=taken["run"])["JobRun"]
    assert run["Arguments"] == {"--source": f"s3://{world.name}-results/access-logs/"}
    (key,) = world.files()
    assert key.startswith("access-logs/")
    assert len(world.ids()) == 20
