"""The Notifier port on the log: where no address is set, alerts are at least in the platform's output."""

import structlog

from footfall.core.alerting import Alert

__all__ = ["LogNotifier"]

_log = structlog.get_logger(__name__)


class LogNotifier:
    """Writes each alert as one line."""

    def send(self, alert: Alert) -> None:
        """See the port."""
        tell = _log.error if alert.kind == "failure" else _log.info
        tell("alert", kind=alert.kind, title=alert.title, text=alert.text)
