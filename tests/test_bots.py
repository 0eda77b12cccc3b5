"""Which user agents are programs', and from where."""

import json
from pathlib import Path

import pytest
import yaml

from footfall.core.enrich.bots import LOG_ORIGINS, bot_reason

YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.mark.parametrize("origin", sorted(LOG_ORIGINS))
def test_every_known_crawler_is_a_bot_in_logs(shared_data: Path, origin: str) -> None:
    entries = json.loads((shared_data / "user-agents" / "crawler-user-agents.json").read_text())
    instances = [instance for entry in entries for instance in entry["instances"]]
    assert len(instances) == 2115
    assert [instance for instance in instances if bot_reason(instance, origin) is None] == []


def test_crawlers_are_bots_behind_events_too_and_libraries_are_not(shared_data: Path) -> None:
    entries = json.loads((shared_data / "user-agents" / "crawler-user-agents.json").read_text())
    missed = [
        entry["tags"]
        for entry in entries
        for instance in entry["instances"]
        if bot_reason(instance, "native") is None
    ]
    assert 0 < len(missed) < 0.06 * 2115
    assert sum("http-library" not in tags for tags in missed) <= 0.25 * len(missed)


def test_people_are_hardly_ever_taken_for_bots(shared_data: Path) -> None:
    text = (shared_data / "user-agents" / "test_device.yaml").read_text(encoding="utf-8")
    blocks = text.split("\n  - user_agent_string:")[1::5]
    devices = [yaml.load("    string:" + block, YAML) for block in blocks]  # noqa: S506 (a safe one)
    people = [case["string"] for case in devices if case["family"] != "Spider"]
    # WhatsApp's own user agent is that of its link previews.
    wrong = [text for text in people if bot_reason(text, "native") and "WhatsApp" not in text]
    assert len(people) > 3_000
    assert len(wrong) < 0.002 * len(people)


@pytest.mark.parametrize(
    ("user_agent", "origin", "reason"),
    [
        (CHROME, "native", None),
        (CHROME, "combined", None),
        (GOOGLEBOT, "native", "crawler: Googlebot"),
        (GOOGLEBOT, "s3", "crawler: Googlebot"),
        (CHROME.replace("Chrome/", "HeadlessChrome/"), "native", "headless browser: HeadlessChrome"),
        ("curl/8.5.0", "native", None),
        ("footfall-test-event/1", "segment", "test event"),
        ("python-requests/2.31.0", "native", None),
        ("python-httpx/0.27", "segment", None),
        ("python-requests/2.31.0", "combined", "http library: python-requests"),
        ("curl/8.5.0", "cloudfront", "http library: curl"),
        (
            "Mozilla/5.0 (Linux; Android 4.1.1; HTC Butterfly Build/JRO03C) Chrome/18.0 Mobile",
            "native",
            None,
        ),
        (None, "native", None),
        ("", "native", None),
        (None, "pixel", "no user agent"),
        ("-", "combined", "no user agent"),
        (None, "s3", "no user agent"),
        (None, "common", None),
        (None, "csv", None),
    ],
)
def test_reasons(user_agent: str | None, origin: str, reason: str | None) -> None:
    assert bot_reason(user_agent, origin) == reason
