"""Alerts: delivered whole to a real server, told once and not each time, and never in a job's way."""

import json
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from footfall.adapters.apprise_notifier import AppriseNotifier
from footfall.adapters.log_notifier import LogNotifier
from footfall.core.alerting import Standing, judge
from footfall.errors import NotifyFailed
from footfall.services.alerts import Alerts
from footfall.testing.notifier import Arrived, NotifierContract, RecordingNotifier, make_alert
from footfall.testing.schedule import NOON, MemorySchedule

# A plugin of apprise's imports it; Python 3.13 has it no more, and apprise does without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

HOUR = timedelta(hours=1)


class Webhook:
    """A real HTTP server that keeps what apprise's json:// posts to it; ``status`` is its answer."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.bodies.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"json://bob:hidden-word@127.0.0.1:{self.server.server_port}/hook?format=text"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook():
    webhook = Webhook()
    yield webhook
    webhook.close()


class TestApprise(NotifierContract):
    @pytest.fixture
    def notifier(self, hook) -> AppriseNotifier:
        return AppriseNotifier([hook.url])

    @pytest.fixture
    def arrived(self, hook) -> Arrived:
        return lambda: [f"{body['title']}\n{body['message']}" for body in hook.bodies]

    def test_the_kind_is_told(self, hook, notifier) -> None:
        notifier.send(make_alert())
        assert [body["type"] for body in hook.bodies] == ["failure"]

    def test_one_that_fails_keeps_no_other_from_hearing(self, hook) -> None:
        refused = "json://bob:hidden-word@127.0.0.1:9/token-in-path?token=other-word"
        with pytest.raises(NotifyFailed) as failed:
            AppriseNotifier([refused, "bogus://hidden-word", hook.url]).send(make_alert())
        assert len(hook.bodies) == 1
        text = str(failed.value)
        assert "127.0.0.1" in text
        assert "address 2" in text
        assert not any(secret in text for secret in ("hidden-word", "other-word", "token-in-path"))
        assert failed.value.retryable

    def test_a_server_that_refuses_is_a_failure(self, hook, notifier) -> None:
        hook.status = 500
        with pytest.raises(NotifyFailed, match="500"):
            notifier.send(make_alert())


class TestRecording(NotifierContract):
    @pytest.fixture
    def notifier(self) -> RecordingNotifier:
        return RecordingNotifier()

    @pytest.fixture
    def arrived(self, notifier) -> Arrived:
        return lambda: [f"{alert.title}\n{alert.text}" for alert in notifier.sent]


class TestLog(NotifierContract):
    @pytest.fixture
    def notifier(self) -> LogNotifier:
        return LogNotifier()

    @pytest.fixture
    def arrived(self):
        with structlog.testing.capture_logs() as lines:
            yield lambda: [f"{line['title']}\n{line['text']}" for line in lines]


def told(outcomes: str, minutes: int = 1) -> str:
    """Put outcomes (. is well, x failed), some minutes apart, through the rule; say what was told.

    F is an alert of a failure, R of a recovery, - is silence.
    """
    standing, said = Standing(), ""
    for number, outcome in enumerate(outcomes):
        now = NOON + timedelta(minutes=minutes * number)
        standing, news = judge(standing, outcome == ".", now, HOUR)
        said += {"failure": "F", "recovery": "R", None: "-"}[news]
    return said


@pytest.mark.parametrize(
    ("minutes", "outcomes", "expected"),
    [
        (1, "....", "----"),
        (1, ".xxxx.", "-F---R"),  # the first failure, then silence, then that it is over
        (20, "xxxxxxx.", "F--F--FR"),  # an hour later it still fails: told again
        (1, "x.x.x.", "FR----"),  # one that comes and goes does not flood either
        (20, "x.xxx.", "FR-F-R"),
        (60, "x.x.x", "FRFRF"),
    ],
)
def test_what_is_told_of_a_row_of_outcomes(minutes: int, outcomes: str, expected: str) -> None:
    assert told(outcomes, minutes) == expected


@given(st.text("x.", max_size=60), st.integers(1, 90))
def test_failures_are_told_apart_and_each_recovery_answers_one(outcomes: str, minutes: int) -> None:
    said = told(outcomes, minutes)
    times = [number * minutes for number, each in enumerate(said) if each == "F"]
    assert all(later - earlier >= 60 for earlier, later in pairwise(times))
    news = said.replace("-", "")
    assert "RR" not in news
    assert not news.startswith("R")
    if "x" in outcomes:
        assert said[outcomes.index("x")] == "F"


def reporting(alerts: Alerts, ok: bool, now: datetime) -> None:
    alerts.report("weekly", ok, now, lambda before: (f"ok={ok}", f"{before.failures} before")).result(10)


def test_how_a_job_stands_outlives_a_restart() -> None:
    store, notifier = MemorySchedule(), RecordingNotifier()
    for number, ok in enumerate((False, False, True)):
        alerts = Alerts(notifier, store, HOUR)
        reporting(alerts, ok, NOON + timedelta(minutes=number))
        alerts.close()
    assert [(alert.kind, alert.text) for alert in notifier.sent] == [
        ("failure", "0 before"),
        ("recovery", "2 before"),
    ]


def test_an_alert_that_reached_nobody_is_tried_at_the_next_failure() -> None:
    store, notifier = MemorySchedule(), RecordingNotifier()
    alerts = Alerts(notifier, store, HOUR)
    notifier.trouble = NotifyFailed(place="x", cause="down")
    reporting(alerts, False, NOON)
    notifier.trouble = None
    reporting(alerts, False, NOON + timedelta(minutes=1))
    assert [alert.kind for alert in notifier.sent] == ["failure"]
    notifier.trouble = RuntimeError("a fault of the notifier's own")
    reporting(alerts, True, NOON + timedelta(minutes=2))
    notifier.trouble = None
    reporting(alerts, True, NOON + timedelta(minutes=3))
    assert [alert.kind for alert in notifier.sent] == ["failure", "recovery"]
    alerts.close()
