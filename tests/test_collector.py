"""The collector over HTTP: statuses, books, limits, keys, and the life of its process."""

import base64
import contextlib
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from running_collector import (
    Collector,
    alive,
    answers,
    free_port,
    logged,
    numbers,
    of_app,
    running,
    wait_until,
)

from footfall.core.event import Rejected

APPS = """
[apps.shop]
write_keys = ["shop-key", "second"]
origins = ["https://shop.example", "https://www.shop.example:8443/"]

[apps.blog]
write_keys = ["blog-key"]
origins = ["*"]
"""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One open collector for the module's tests: each sends events of its own app."""
    with running(tmp_path_factory.mktemp("open"), collector_max_body_bytes=200_000) as collector:
        yield collector


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    data = tmp_path_factory.mktemp("guarded")
    (data / "footfall.toml").write_text(APPS)
    with running(data) as collector:
        yield collector


# What is taken


@pytest.mark.parametrize(
    "body",
    [b'{"event":"click","app_id":"one"}', b'[{"event":"click","app_id":"one"}]'],
)
def test_an_event_or_an_array_of_them(door: Collector, body: bytes) -> None:
    before = len(of_app(door, "one"))
    for kind in ("application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded"):
        status, headers, answer = door.request("POST", "/v1/events", body, {"content-type": kind})
        assert (status, json.loads(answer)) == (200, {"accepted": 1, "duplicates": 0, "rejected": []})
        assert headers["content-type"] == "application/json"
    assert len(of_app(door, "one")) == before + 3


def test_accepted_duplicates_and_rejected_add_up(door: Collector) -> None:
    events = [{"event": "view", "event_id": f"e{n}", "app_id": "sums"} for n in range(3)]
    assert door.post(events)[1]["accepted"] == 3
    bad: dict[str, Any] = {"event": "", "app_id": "sums", "time_spent": -1}
    status, answer = door.post([*events, events[0] | {"event_id": "e9"}, bad])
    assert status == 200
    assert (answer["accepted"], answer["duplicates"]) == (1, 3)
    assert [one["index"] for one in answer["rejected"]] == [4]
    assert len(answer["rejected"][0]["reasons"]) >= 2
    assert [event["event_id"] for event in of_app(door, "sums")] == [
        "e0",
        "e1",
        "e2",
        "e0",
        "e1",
        "e2",
        "e9",
    ]
    rejected = [
        one.record for one in logged(door) if one.record.app_id == "sums" and one.record.kind == "rejected"
    ]
    (kept,) = msgspec.json.decode(rejected[0].body, type=list[Rejected])
    assert kept.reasons == answer["rejected"][0]["reasons"]


def test_one_id_twice_in_one_request_is_told(door: Collector) -> None:
    event = {"event": "view", "event_id": "same", "app_id": "twice"}
    assert door.post([event, event])[1] == {"accepted": 1, "duplicates": 1, "rejected": []}


def test_gzip_and_deflate(door: Collector) -> None:
    body = json.dumps([{"event": "zip", "app_id": "zipped"}] * 500).encode()
    for encoding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
        status, _, answer = door.request("POST", "/v1/events", packed, {"content-encoding": encoding})
        assert (status, json.loads(answer)["accepted"]) == (200, 500)


def test_a_chunked_body(door: Collector) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'[{"event":"a",'
        yield b'"app_id":"chunks"}]'

    assert door.request("POST", "/v1/events", chunks())[0] == 200  # type: ignore[arg-type]
    assert len(of_app(door, "chunks")) == 1


def test_the_pixel_is_an_image_whatever_becomes_of_the_event(door: Collector) -> None:
    status, headers, body = door.request("GET", "/pixel.gif?event=open&app_id=mail&properties.issue=7")
    assert (status, headers["content-type"], len(body)) == (200, "image/gif", 43)
    assert body[:6] == b"GIF89a"
    assert "no-store" in headers["cache-control"]
    assert "x-footfall-reason" not in headers
    status, headers, body = door.request("GET", "/pixel.gif?event=open&app_id=mail&time_spent=%C3%A4%0A")
    assert (status, len(body)) == (200, 43)
    assert "time_spent" in headers["x-footfall-reason"]
    (event,) = of_app(door, "mail")
    assert event["properties"] == {"issue": "7"}
    assert door.request("HEAD", "/pixel.gif?event=open&app_id=head")[2] == b""


def test_nothing_personal_reaches_the_log(door: Collector) -> None:
    agent = {"user-agent": "me/1.0 (jane.doe@example.org)", "x-forwarded-for": "81.2.69.142"}
    event = {"event": "buy", "app_id": "scrub", "url": "https://x.example/?email=jane.doe@example.org"}
    door.post([event, {"event": "", "title": "jane.doe@example.org"}], **agent)
    for path in (door.data / "log").iterdir():
        assert b"jane.doe" not in path.read_bytes(), path
        assert b"81.2.69.142" not in path.read_bytes(), path
    (record,) = [one.record for one in logged(door) if one.record.app_id == "scrub"]
    assert record.sender.ip == "81.2.69.0"
    assert record.sender.country == "GB"
    assert record.sender.visitor_hash


# What is refused


def test_whatever_is_no_json_is_400_and_in_the_books(door: Collector) -> None:
    before = numbers(door)['footfall_events_total{outcome="rejected"}']
    for body in (b"", b"event=1", b"[", b"\xff\xfe", b'{"event":NaN}', b"null"):
        status, answer = door.post(body)
        assert status in (200, 400), body
        assert answer.get("reasons") or answer["rejected"][0]["reasons"], body
    assert numbers(door)['footfall_events_total{outcome="rejected"}'] > before


def test_too_large_is_413_however_it_comes(door: Collector) -> None:
    large = b"[" + b'{"event":"a"},' * 20_000
    assert door.post(large)[0] == 413
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 50_000
            yield b" " * 50_000

    # It may hang up while we are still sending, which is as clear.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        assert door.request("POST", "/v1/events", endless())[0] == 413  # type: ignore[arg-type]
    assert sent < 20_000_000
    bomb = gzip.compress(b" " * 30_000_000)
    assert door.request("POST", "/v1/events", bomb, {"content-encoding": "gzip"})[0] == 413
    assert door.request("POST", "/v1/events", b"x", {"content-encoding": "br"})[0] == 415
    assert door.request("POST", "/v1/events", b"x", {"content-encoding": "gzip"})[0] == 400


def test_unknown_paths_and_methods(door: Collector) -> None:
    status, _, body = door.request("GET", "/v1/event")
    assert status == 404
    assert "/v1/events" in json.loads(body)["reasons"][0]
    status, headers, _ = door.request("GET", "/v1/events")
    assert (status, headers["allow"]) == (405, "POST, OPTIONS")
    assert door.request("DELETE", "/pixel.gif")[1]["allow"] == "GET, HEAD, OPTIONS"
    assert door.request("OPTIONS", "/healthz")[1]["allow"] == "GET, HEAD, OPTIONS"


def test_health_and_readiness(door: Collector) -> None:
    assert door.request("GET", "/healthz")[0] == 200
    assert door.request("GET", "/readyz")[0] == 200
    assert door.request("HEAD", "/readyz")[0] == 200


# Keys


@pytest.mark.parametrize(
    "headers",
    [
        {"x-write-key": "shop-key"},
        {"authorization": "Bearer shop-key"},
        {"authorization": "basic " + base64.b64encode(b"second:").decode()},
    ],
)
def test_a_write_key_names_the_app(guarded: Collector, headers: dict[str, str]) -> None:
    before = len(of_app(guarded, "shop"))
    status, _, _ = guarded.request("POST", "/v1/events", b'{"event":"a"}', headers)
    assert status == 200
    assert len(of_app(guarded, "shop")) == before + 1


def test_a_key_in_the_query_for_beacons_and_pixels(guarded: Collector) -> None:
    assert guarded.request("POST", "/v1/events?write_key=blog-key", b'{"event":"beacon"}')[0] == 200
    assert guarded.request("GET", "/pixel.gif?event=open&write_key=blog-key")[0] == 200
    assert [event["event"] for event in of_app(guarded, "blog")] == ["beacon", "open"]
    for path in (guarded.data / "log").iterdir():
        assert b"blog-key" not in path.read_bytes()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-write-key": "wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic ***"},
        {"authorization": "Digest shop-key"},
    ],
)
def test_a_wrong_or_missing_key_is_401(guarded: Collector, headers: dict[str, str]) -> None:
    status, got, body = guarded.request("POST", "/v1/events", b'{"event":"a"}', headers)
    assert status == 401
    assert "www-authenticate" in got
    assert json.loads(body)["reasons"]
    assert guarded.request("GET", "/pixel.gif", None, headers)[0] == 401


def test_an_event_cannot_choose_another_app_than_its_key(guarded: Collector) -> None:
    guarded.post({"event": "sly", "app_id": "blog"}, x_write_key="shop-key")
    assert "sly" not in [event["event"] for event in of_app(guarded, "blog")]


def test_too_many_requests_are_429(tmp_path: Path) -> None:
    with running(tmp_path, collector_rate_limit=3) as collector:
        answers_ = [collector.request("POST", "/v1/events", b'{"event":"a"}') for _ in range(8)]
        statuses = [status for status, _, _ in answers_]
        assert statuses[:3] == [200] * 3
        assert 429 in statuses
        assert int(answers_[statuses.index(429)][1]["retry-after"]) >= 1
        other = {"x-forwarded-for": "203.0.113.9"}
        assert collector.request("POST", "/v1/events", b'{"event":"a"}', other)[0] == 200


# The process


def start_failing(data: Path, **environment: str) -> str:
    """Start with settings that must be refused; return what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "footfall.apps.collector"],
        env=os.environ | {"FOOTFALL_DATA": str(data)} | environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 2
    return ended.stderr


def test_a_public_address_needs_apps_keys_and_origins(tmp_path: Path) -> None:
    public = {"FOOTFALL_COLLECTOR_ADDRESS": f"0.0.0.0:{free_port()}"}
    assert "no app is configured" in start_failing(tmp_path, **public)
    (tmp_path / "footfall.toml").write_text('[apps.a]\norigins = ["*"]\n[apps.b]\nwrite_keys = ["k"]\n')
    said = start_failing(tmp_path, **public)
    assert "[apps.a] has no write_keys" in said
    assert "[apps.b] has no origins" in said


def test_bad_settings_and_taken_ports_are_said_at_start(tmp_path: Path, door: Collector) -> None:
    said = start_failing(tmp_path, FOOTFALL_COLLECTOR_TRUSTED_PROXIES="10.0.0.0/99")
    assert "10.0.0.0/99" in said
    assert "Nothing can listen" in start_failing(
        tmp_path, FOOTFALL_COLLECTOR_ADDRESS=f"127.0.0.1:{door.port}"
    )
    assert answers(door)


def test_one_scrape_sums_the_workers(tmp_path: Path) -> None:
    with running(tmp_path, collector_workers=3) as collector:
        for number in range(60):
            assert collector.post([{"event": "a", "event_id": str(number)}] * 2)[0] == 200
        sums = numbers(collector)
        assert sums['footfall_requests_total{path="/v1/events",status="200"}'] == 60
        assert sums["footfall_commit_requests_sum"] == 60
        assert any(value for name, value in sums.items() if name.startswith("footfall_log_bytes"))
        assert (
            sums['footfall_events_total{outcome="accepted"}']
            + sums['footfall_events_total{outcome="duplicate"}']
            == 120
        )
        os.kill(collector.workers()[0], signal.SIGKILL)
        wait_until(lambda: len(collector.workers()) == 3 and answers(collector))
        again = numbers(collector)
        assert again['footfall_requests_total{path="/v1/events",status="200"}'] == 60, (
            "no counter goes back"
        )


def test_it_ends_with_the_process_that_it_was_told_to_follow(tmp_path: Path) -> None:
    follower = (
        "import subprocess, sys, os; "
        "p = subprocess.Popen([sys.executable, '-m', 'footfall.apps.collector'], "
        "env=os.environ | {'FOOTFALL_PARENT': str(os.getpid())}); print(p.pid, flush=True); p.wait()"
    )
    environment = {"FOOTFALL_DATA": str(tmp_path), "FOOTFALL_COLLECTOR_ADDRESS": f"127.0.0.1:{free_port()}"}
    with subprocess.Popen(
        [sys.executable, "-c", follower], env=os.environ | environment, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_until(lambda: (tmp_path / "log" / "worker-0.sqlite").exists())
        parent.kill()
    wait_until(lambda: not alive(pid), 5)


def test_it_starts_light(tmp_path: Path) -> None:
    """The analytics stay out, and a worker stays far below its 150 MB."""
    code = "import footfall.apps.collector.process, sys; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("duckdb", "pyarrow", "numpy", "litestar", "prometheus_client", "rich", "structlog"):
        assert f"'{heavy}'" not in loaded, heavy
    with running(tmp_path) as collector:
        collector.post([{"event": "a", "event_id": str(number)} for number in range(1_000)])
        (pid,) = collector.workers()
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        assert int(found[1]) < 150_000
