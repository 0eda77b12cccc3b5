"""Dead letters in SQS and the shared secrets in Secrets Manager and DynamoDB, against moto."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aws_servers import fresh, moto

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.keys import SaltsTable, secret_key
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.sqs import LetterQueue
from footfall.core.dead_letter import read_letter
from footfall.errors import KeysFailed, QueueFailed
from footfall.ports.delivery import DeadLetters
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy
from footfall.testing.delivery import DeadLettersContract, MemoryLetters, make_letter

HASTE = Patience(seconds=3.0, first_pause=0.01, longest_pause=0.05)
TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def queue_url(moto_url: str) -> str:
    url: str = client("sqs", moto_url).create_queue(QueueName=fresh("letters"))["QueueUrl"]
    return url


@pytest.fixture
def salts(moto_url: str) -> str:
    name = fresh("salts")
    client("dynamodb", moto_url).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "day", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "day", "AttributeType": "S"}],
    )
    return name


class TestLetterQueue(DeadLettersContract):
    @pytest.fixture
    def letters(self, moto_url: str, queue_url: str) -> DeadLetters:
        return LetterQueue(queue_url, client("sqs", moto_url))


class TestMemoryLetters(DeadLettersContract):
    @pytest.fixture
    def letters(self) -> DeadLetters:
        return MemoryLetters()


def failing_entry(exchange: Exchange) -> tuple[int, bytes]:
    """Take the second letter out of a batch and answer it as SQS does when it is busy."""
    import json

    request = json.loads(exchange.body)
    del request["Entries"][1]
    status, reply = exchange.forward(json.dumps(request).encode())
    told = json.loads(reply)
    busy = {"Id": "1", "SenderFault": False, "Code": "InternalError", "Message": "again"}
    told["Failed"] = [*told.get("Failed", []), busy]
    return status, json.dumps(told).encode()


def test_a_letter_that_the_queue_fails_is_sent_again_alone(moto_url: str, queue_url: str) -> None:
    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [failing_entry]
        queue = LetterQueue(queue_url.replace(moto_url, proxy.url), client("sqs", proxy.url), HASTE)
        queue.send([make_letter("a"), make_letter("b"), make_letter("c")])
        assert len(proxy.requests) == 2
    found = LetterQueue(queue_url, client("sqs", moto_url)).receive(10, 60)
    assert sorted(each.letter.letter_id for each in found) == ["a", "b", "c"]


def test_a_letter_too_long_for_a_message_keeps_its_beginning_and_says_so(
    moto_url: str, queue_url: str
) -> None:
    queue = LetterQueue(queue_url, client("sqs", moto_url))
    queue.send([make_letter(body="é" * 400_000)])
    [received] = queue.receive(1, 60)
    assert received.letter.body == "é" * 100_000
    assert received.letter.reasons[-1] == "only the first 100000 of its 400000 characters are kept here"


def test_a_message_of_others_is_a_letter_too(moto_url: str, queue_url: str) -> None:
    client("sqs", moto_url).send_message(QueueUrl=queue_url, MessageBody='{"requestContext": {}}')
    [received] = LetterQueue(queue_url, client("sqs", moto_url)).receive(1, 60)
    assert received.letter.kind == "record"
    assert received.letter.body == '{"requestContext": {}}'
    assert "no dead letter of ours" in received.letter.reasons[0]


def test_a_queue_that_is_not_there_is_told(moto_url: str, queue_url: str) -> None:
    queue = LetterQueue(queue_url + "-absent", client("sqs", moto_url))
    with pytest.raises(QueueFailed, match=r"1 of 1 letters: .*NonExistentQueue"):
        queue.send([make_letter()])
    with pytest.raises(QueueFailed, match="NonExistentQueue"):
        queue.receive(1, 1)


def test_letters_of_the_first_version_can_be_read() -> None:
    text = (
        '{"letter_id":"w-1-0","kind":"event","reasons":["event is missing"],"body":"{}","app_id":"shop",'
        '"received_at":1760000000000000,"origin":"native","sender":["192.0.2.0","DE","agent","en","abc"]}'
    )
    assert read_letter(text).sender.visitor_hash == "abc"


def test_every_instance_has_the_day_s_salt_and_makes_it_once(moto_url: str, salts: str) -> None:
    found: list[bytes] = []
    start = threading.Barrier(8)

    def instance() -> None:
        start.wait()
        found.append(SaltsTable(salts, client("dynamodb", moto_url)).daily_salt(TODAY))

    threads = [threading.Thread(target=instance) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert SaltsTable(salts, client("dynamodb", moto_url)).daily_salt(date(2026, 11, 22)) != found[0]


def test_a_new_day_s_first_instance_deletes_salts_of_two_days_ago(moto_url: str, salts: str) -> None:
    table = SaltsTable(salts, client("dynamodb", moto_url))
    for day in (16, 18, 19, 20, 21):
        table.daily_salt(date(2026, 11, day))
    items = client("dynamodb", moto_url).scan(TableName=salts)["Items"]
    assert sorted(item["day"]["S"] for item in items) == ["2026-11-20", "2026-11-21"]


def test_the_ttl_deletes_a_salt_when_no_instance_comes(moto_url: str, salts: str) -> None:
    table = SaltsTable(salts, client("dynamodb", moto_url))
    table.daily_salt(TODAY)
    [item] = client("dynamodb", moto_url).scan(TableName=salts)["Items"]
    gone = datetime.fromtimestamp(int(item["expires"]["N"]), UTC)
    assert gone == datetime(2026, 11, 23, tzinfo=UTC)


def test_the_installation_s_key_is_the_secret(moto_url: str) -> None:
    secrets: Any = client("secretsmanager", moto_url)
    secrets.create_secret(Name="footfall/bytes", SecretBinary=b"k" * 32)
    secrets.create_secret(Name="footfall/text", SecretString="words of our own")
    assert secret_key("footfall/bytes", secrets) == b"k" * 32
    assert len(secret_key("footfall/text", secrets)) == 32
    with pytest.raises(KeysFailed, match=r"footfall/absent.*ResourceNotFound"):
        secret_key("footfall/absent", secrets)


def test_salts_that_cannot_be_had_are_told(moto_url: str) -> None:
    with pytest.raises(KeysFailed, match="ResourceNotFound"):
        SaltsTable("absent", client("dynamodb", moto_url)).daily_salt(TODAY)
