"""User agents against uap-core's own cases."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from footfall.core.enrich.agent import read_agent

YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def cases(shared_data: Path, name: str, every: int = 1) -> list[dict[str, Any]]:
    """Return every n-th case: YAML is slow, and uap-core has 16,129 devices."""
    text = (shared_data / "user-agents" / name).read_text(encoding="utf-8")
    head, *blocks = text.split("\n  - user_agent_string:")
    chosen = "".join("\n  - user_agent_string:" + block for block in blocks[::every])
    return yaml.load(head + chosen, YAML)["test_cases"]  # noqa: S506 (a safe one)


def test_every_browser_of_uap_core(shared_data: Path) -> None:
    known = cases(shared_data, "test_ua.yaml")
    assert len(known) == 1601
    for case in known:
        agent = read_agent(case["user_agent_string"])
        assert (agent.browser, agent.browser_version) == (case["family"], case["major"])


def test_every_system_of_uap_core(shared_data: Path) -> None:
    known = cases(shared_data, "test_os.yaml")
    assert len(known) == 483
    for case in known:
        agent = read_agent(case["user_agent_string"])
        version = ".".join(part for part in (case["major"], case["minor"], case["patch"]) if part)
        assert (agent.os, agent.os_version) == (case["family"], version or None)


# uap-core knows no classes; these families leave no doubt.
CLASS_OF_FAMILY = {
    "iPhone": "mobile",
    "iPod": "mobile",
    "iPad": "tablet",
    "Spider": "bot",
    "Mac": "desktop",
    "AppleTV": "tv",
    "PlayStation 4": "other",
    "Kindle": "tablet",
    "Kindle Fire": "tablet",
    "Lumia 920": "mobile",
}


def test_device_classes_of_known_families(shared_data: Path) -> None:
    wrong, checked = [], 0
    for case in cases(shared_data, "test_device.yaml", every=7):
        expected = CLASS_OF_FAMILY.get(case["family"])
        if expected:
            checked += 1
            if read_agent(case["user_agent_string"]).device != expected:
                wrong.append(case["user_agent_string"])
    assert checked > 20
    assert wrong == []


def test_devices_are_hardly_ever_taken_for_desktops(shared_data: Path) -> None:
    devices = [
        case
        for case in cases(shared_data, "test_device.yaml", every=7)
        if case["brand"] not in (None, "Apple", "Spider")
    ]
    classes = [read_agent(case["user_agent_string"]).device for case in devices]
    assert len(classes) > 2_000
    assert classes.count("desktop") + classes.count("other") < 0.005 * len(classes)


CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "desktop"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36", "tablet"),
        (f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7233) {CHROME} Mobile Safari/537.36", "tv"),
        (f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} Safari/537.36 WebAppManager", "tv"),
        ("Mozilla/5.0 (PlayStation 5 3.03/SmartTV) AppleWebKit/605.1.15 (KHTML, like Gecko)", "tv"),
        ("Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko)", "other"),
        ("Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; IEMobile/10.0; Xbox)", "mobile"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-S918B Build/TP1A)", "mobile"),
        ("curl/8.5.0", "other"),
    ],
)
def test_device_class(user_agent: str, device: str) -> None:
    assert read_agent(user_agent).device == device


@pytest.mark.parametrize("user_agent", ["", "-"])
def test_no_user_agent_tells_nothing(user_agent: str) -> None:
    assert read_agent(user_agent) == (None, None, None, None, None)
