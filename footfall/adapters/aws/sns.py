"""Alerts to an SNS topic, and from there to whoever subscribed: mail, chat, a pager."""

from collections.abc import Mapping, Sequence
from typing import Any

from footfall.adapters.aws.piecemeal import Bounds, Failure, Patience, send_piecemeal
from footfall.core.alerting import Alert
from footfall.errors import NotifyFailed

__all__ = ["TopicNotifier"]

SUBJECT = 99  # characters: SNS takes fewer than 100, in ASCII, of one line
MESSAGE_BYTES = 250_000


class TopicNotifier:
    """The Notifier port on one topic, by its ARN."""

    def __init__(self, topic: str, client: Any, patience: Patience | None = None) -> None:
        self._topic = topic
        self._client = client
        self._patience = patience or Patience()

    def send(self, alert: Alert) -> None:
        """See the port; the title is the mail's subject, and the first line of the text."""

        def publish(alerts: Sequence[Alert]) -> Mapping[int, Failure]:
            for each in alerts:
                self._client.publish(
                    TopicArn=self._topic, Subject=_subject(each.title), Message=_text(each)
                )
            return {}

        failed = send_piecemeal([alert], publish, lambda _: 0, Bounds(1, 1), self._patience)
        if failed:
            raise NotifyFailed(place=self._topic, cause=failed[0].reason)


def _subject(title: str) -> str:
    line = " ".join(title.split()).encode("ascii", "replace").decode()
    return line[:SUBJECT] or "footfall"


def _text(alert: Alert) -> str:
    text = f"{alert.title}\n\n{alert.text}".encode("utf-8", "replace")
    return text[:MESSAGE_BYTES].decode("utf-8", "ignore")
