"""CORS as the Fetch standard has it: who may send, who may read the answer, and what a preflight says."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running_collector import Collector, running

from footfall.core.access import (
    Access,
    AppAccess,
    access_problems,
    cors_headers,
    is_loopback,
    key_in_header,
)
from footfall.core.record import AppId

SHOP, BLOG = AppId("shop"), AppId("blog")
ACCESS = Access(
    {
        SHOP: AppAccess(("shop-key",), ("https://shop.example", "https://WWW.shop.example:8443/")),
        BLOG: AppAccess(("blog-key",), ("*",)),
    }
)
ONLY_SHOP = Access({SHOP: AppAccess(("shop-key",), ("https://shop.example",))})
TOML = """
[apps.shop]
write_keys = ["shop-key"]
origins = ["https://shop.example"]
"""
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "x-write-key"}


@pytest.mark.parametrize(
    ("app", "origin", "allowed"),
    [
        (SHOP, "https://shop.example", True),
        (SHOP, "https://www.shop.example:8443", True),
        (SHOP, "http://shop.example", False),
        (SHOP, "https://shop.example:444", False),
        (SHOP, "https://shop.example.evil.example", False),
        (SHOP, "null", False),
        (BLOG, "null", True),
        (AppId("none"), "https://shop.example", False),
    ],
)
def test_an_origin_is_allowed_as_a_whole(app: AppId, origin: str, allowed: bool) -> None:
    assert ACCESS.allows(app, origin) is allowed


def test_any_app_allows_a_preflight_since_it_has_no_key() -> None:
    assert ACCESS.allows_somewhere("https://anything.example")
    assert ONLY_SHOP.allows_somewhere("https://shop.example")
    assert not ONLY_SHOP.allows_somewhere("https://anything.example")


def test_keys_name_apps() -> None:
    assert ACCESS.app_of("shop-key") == SHOP
    assert ACCESS.app_of("wrong") is None
    assert ACCESS.app_of(None) is None
    assert ACCESS.app_of("") is None


@given(st.text())
def test_no_header_breaks_the_reading_of_a_key(text: str) -> None:
    for scheme in ("", "Basic ", "Bearer ", "Digest "):
        key = key_in_header(scheme + text)
        assert key is None or key


@pytest.mark.parametrize(
    ("host", "inside"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("[::1]", True), ("0.0.0.0", False),
     ("::", False), ("10.0.0.1", False), ("", False), ("shop.example", False)],
)  # fmt: skip
def test_loopback(host: str, inside: bool) -> None:
    assert is_loopback(host) is inside


def test_what_cannot_be_served_is_said_at_once() -> None:
    assert access_problems(Access({}), "127.0.0.1") == []
    assert access_problems(ACCESS, "0.0.0.0") == []
    shared = Access({SHOP: AppAccess(("k",), ("*",)), BLOG: AppAccess(("k", "bad\nkey"), ())})
    problems = access_problems(shared, "0.0.0.0")
    assert len(problems) == 3
    assert access_problems(Access({SHOP: AppAccess(("k",))}), "127.0.0.1") == []


def test_with_credentials_the_origin_is_mirrored_and_never_a_star() -> None:
    headers = dict(cors_headers("https://a.example", methods="POST", asked="x-a, x-b"))
    assert headers["access-control-allow-origin"] == "https://a.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert "Origin" in headers["vary"]
    assert "*" not in headers.values()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    data = tmp_path_factory.mktemp("shop")
    (data / "footfall.toml").write_text(TOML)
    with running(data) as collector:
        yield collector


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with running(tmp_path_factory.mktemp("open")) as collector:
        yield collector


def test_a_preflight_is_answered_without_a_key(shop: Collector) -> None:
    status, headers, body = shop.request(
        "OPTIONS", "/v1/events", None, {"origin": "https://shop.example", **PREFLIGHT}
    )
    assert (status, body) == (204, b"")
    assert headers["access-control-allow-origin"] == "https://shop.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-allow-headers"] == "x-write-key"
    assert "POST" in headers["access-control-allow-methods"]
    assert int(headers["access-control-max-age"]) > 0
    assert "Origin" in headers["vary"]


def test_a_preflight_of_a_stranger_is_403(shop: Collector) -> None:
    status, headers, _ = shop.request(
        "OPTIONS", "/v1/events", None, {"origin": "https://evil.example", **PREFLIGHT}
    )
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_a_page_of_the_app_may_send_and_read_even_its_errors(shop: Collector) -> None:
    sender = {"origin": "https://shop.example", "x-write-key": "shop-key"}
    for body, expected in ((b'{"event":"a"}', 200), (b"nonsense", 400)):
        status, headers, _ = shop.request("POST", "/v1/events", body, sender)
        assert status == expected
        assert headers["access-control-allow-origin"] == "https://shop.example"
        assert headers["vary"] == "Origin"
    status, headers, _ = shop.request("POST", "/v1/events", b"{}", {"origin": "https://shop.example"})
    assert (status, headers["access-control-allow-origin"]) == (401, "https://shop.example")


def test_another_page_with_the_key_is_403_and_reads_nothing(shop: Collector) -> None:
    sender = {"origin": "https://evil.example", "x-write-key": "shop-key"}
    status, headers, _ = shop.request("POST", "/v1/events", b'{"event":"a"}', sender)
    assert status == 403
    assert "access-control-allow-origin" not in headers


def test_a_server_sends_no_origin_and_needs_none(shop: Collector) -> None:
    status, headers, _ = shop.request("POST", "/v1/events", b'{"event":"a"}', {"x-write-key": "shop-key"})
    assert status == 200
    assert "access-control-allow-origin" not in headers


def test_an_open_collector_lets_any_page_send(door: Collector) -> None:
    sender = {"origin": "http://localhost:3000"}
    status, headers, _ = door.request("POST", "/v1/events", b'{"event":"a"}', sender)
    assert (status, headers["access-control-allow-origin"]) == (200, "http://localhost:3000")
    assert door.request("OPTIONS", "/v1/events", None, sender | PREFLIGHT)[0] == 204
