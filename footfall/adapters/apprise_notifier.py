"""The Notifier port through apprise: mail, chat, webhooks, and whatever else has an apprise address."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import apprise

from footfall.core.alerting import Alert
from footfall.core.secrets import masked_text
from footfall.errors import NotifyFailed

__all__ = ["AppriseNotifier"]

KINDS = {
    "failure": apprise.NotifyType.FAILURE,
    "recovery": apprise.NotifyType.SUCCESS,
    "test": apprise.NotifyType.INFO,
}
UNREADABLE = "it is no apprise address, or its service is not installed"


class AppriseNotifier:
    """Sends to each address by itself, so that one that fails keeps no other from hearing."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(urls)

    def send(self, alert: Alert) -> None:
        """See the port; waits at most as long as apprise does for a server, seconds an address."""
        failed = [why for number, url in enumerate(self._urls) if (why := _send(url, number, alert))]
        if failed:
            raise NotifyFailed(
                place=", ".join(place for place, _ in failed), cause="; ".join(cause for _, cause in failed)
            )


def _send(url: str, number: int, alert: Alert) -> tuple[str, str] | None:
    """Send to one address; None when it was taken, else the place without its secrets, and why not."""
    with _complaints() as complaints:
        server = apprise.Apprise.instantiate(url)
        if server is None:
            return f"address {number + 1}", UNREADABLE
        place = urlsplit(str(server.url(privacy=True)))  # type: ignore[no-untyped-call]
        sent = server.notify(
            body=alert.text,
            title=alert.title,
            notify_type=KINDS[alert.kind],
            body_format=apprise.NotifyFormat.TEXT,
        )
    if sent:
        return None
    cause = masked_text(" ".join(complaints)) or "it was not taken"
    return f"{place.scheme}://{place.hostname or ''}", cause.rstrip(".")


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Gather what apprise logs, its only word on why it failed; none of it goes to our own log."""
    logger = logging.getLogger("apprise")
    listener = _Listener()
    logger.addHandler(listener)
    logger.propagate = False
    try:
        yield listener.heard
    finally:
        logger.removeHandler(listener)
        logger.propagate = True
