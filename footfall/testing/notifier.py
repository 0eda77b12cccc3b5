"""For tests with alerts: a notifier that remembers, and the contract of every notifier.

To prove one of your own, subclass ``NotifierContract`` and give it a fixture ``notifier`` and a fixture
``arrived`` that returns the texts that came to its far end so far.
"""

from collections.abc import Callable

from footfall.core.alerting import Alert
from footfall.ports import Notifier

__all__ = ["Arrived", "NotifierContract", "RecordingNotifier", "make_alert"]

Arrived = Callable[[], list[str]]


def make_alert(title: str = "weekly failed", text: str = "no bucket") -> Alert:
    """Return a failure's alert."""
    return Alert(title=title, text=text, kind="failure")


class RecordingNotifier:
    """Remembers what it was given; raises ``trouble`` while that is set."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []
        self.trouble: Exception | None = None

    def send(self, alert: Alert) -> None:
        if self.trouble:
            raise self.trouble
        self.sent.append(alert)


class NotifierContract:
    """What every Notifier promises; see the port."""

    def test_what_is_sent_arrives_with_title_and_text(self, notifier: Notifier, arrived: Arrived) -> None:
        notifier.send(make_alert())
        [text] = arrived()
        assert "weekly failed" in text
        assert "no bucket" in text

    def test_each_alert_arrives_once_and_in_order(self, notifier: Notifier, arrived: Arrived) -> None:
        for number in range(3):
            notifier.send(make_alert(f"title {number}"))
        found = arrived()
        assert [f"title {number}" in text for number, text in enumerate(found)] == [True] * 3

    def test_text_of_strangers_is_only_text(self, notifier: Notifier, arrived: Arrived) -> None:
        hostile = "Zoë <script>alert(1)</script> {title} %s $(id) 😀"
        notifier.send(make_alert(text=hostile))
        [text] = arrived()
        assert hostile in text
