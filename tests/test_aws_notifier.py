"""Alerts through an SNS topic to a queue that subscribed to it, against moto."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_servers import fresh, moto

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.piecemeal import Patience
from footfall.adapters.aws.sns import TopicNotifier
from footfall.errors import NotifyFailed
from footfall.ports import Notifier
from footfall.testing.aws.altering_proxy import Exchange, altering_proxy
from footfall.testing.notifier import Arrived, NotifierContract, make_alert


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    with moto() as url:
        yield url


@pytest.fixture
def topic(moto_url: str) -> tuple[str, str]:
    """Make a topic and a queue that hears it; give the topic's ARN and the queue's URL."""
    name = fresh("alerts")
    arn = client("sns", moto_url).create_topic(Name=name)["TopicArn"]
    sqs = client("sqs", moto_url)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    its = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns", moto_url).subscribe(TopicArn=arn, Protocol="sqs", Endpoint=its)
    return arn, queue


def heard(moto_url: str, queue: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        answer = client("sqs", moto_url).receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        if not answer.get("Messages"):
            return found
        found += [json.loads(each["Body"]) for each in answer["Messages"]]


class TestTopicNotifier(NotifierContract):
    @pytest.fixture
    def notifier(self, moto_url: str, topic: tuple[str, str]) -> Notifier:
        return TopicNotifier(topic[0], client("sns", moto_url))

    @pytest.fixture
    def arrived(self, moto_url: str, topic: tuple[str, str]) -> Arrived:
        return lambda: [each["Message"] for each in heard(moto_url, topic[1])]


def test_a_title_of_any_kind_is_a_subject_that_sns_takes(moto_url: str, topic: tuple[str, str]) -> None:
    notifier = TopicNotifier(topic[0], client("sns", moto_url))
    for title in ("ü" * 300, "two\nlines", "", "x" * 99):
        notifier.send(make_alert(title))
    subjects = [each["Subject"] for each in heard(moto_url, topic[1])]
    assert subjects == ["?" * 99, "two lines", "footfall", "x" * 99]


def test_a_busy_topic_is_asked_again(moto_url: str, topic: tuple[str, str]) -> None:
    def busy(_: Exchange) -> tuple[int, bytes]:
        return (
            503,
            b"<ErrorResponse><Error><Code>Throttling</Code><Message>x</Message></Error></ErrorResponse>",
        )

    with altering_proxy(moto_url) as proxy:
        proxy.alterations += [busy, busy]
        TopicNotifier(topic[0], client("sns", proxy.url), Patience(first_pause=0.01)).send(make_alert())
        assert len(proxy.requests) == 3
    assert len(heard(moto_url, topic[1])) == 1


def test_a_topic_that_is_not_there_is_told(moto_url: str, topic: tuple[str, str]) -> None:
    notifier = TopicNotifier(f"{topic[0]}-absent", client("sns", moto_url))
    with pytest.raises(NotifyFailed, match="NotFound"):
        notifier.send(make_alert())
