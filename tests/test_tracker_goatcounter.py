"""The requests of GoatCounter's count.js, of its pixel and of its API against a running footfall."""

import json
import time
from urllib.parse import urlencode

import pytest
from installation import running
from tracking import count, rows, tap, unavailable

from footfall.core.protocols.repeats import REPEATS

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
BROWSER = (
    ("Origin", "https://shop.example"),
    ("Referer", "https://shop.example/"),
    ("User-Agent", AGENT),
    ("Accept-Language", "de-DE,de;q=0.9"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector."""
    with running(tmp_path_factory.mktemp("goat") / "data") as installation, tap(installation) as wire:
        yield installation, wire


def counted(place, method="POST", headers=BROWSER, path="/count", **query):
    """Send what count.js sends: a beacon without a body, or an image; return status and headers."""
    status, told, body = place[1].pass_on(method, f"{path}?{urlencode(query)}", headers, b"")
    assert body.startswith(b"GIF89a")
    return status, {name.lower(): value for name, value in told}


def hits(place, *items, path="/api/v0/count", key="key", **more):
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {key}"))
    body = json.dumps({"hits": items, **more}).encode()
    status, _, answer = place[1].pass_on("POST", path, headers, body)
    return status, json.loads(answer)


def of(title):
    return f"title = '{title}'"


def test_a_page_view_of_the_script_arrives(place):
    view = {"p": "/docs?utm_source=news", "r": "https://t.co/a", "t": "View", "s": 1920}
    status, headers = counted(place, **view, b=0, q="?utm_source=news", rnd="k3x9a")
    assert status == 200
    assert headers["content-type"] == "image/gif"
    assert headers["access-control-allow-origin"] == "https://shop.example"
    [found] = rows(place[0], of("View"))
    assert (
        found.items()
        >= {
            "event": "page_view",
            "origin": "goatcounter",
            "app_id": "default",
            "url": "https://shop.example/docs?utm_source=news",
            "path": "/docs",
            "source": "news",
            "referrer": "https://t.co/a",
            "language": "de-DE",
            "browser": "Chrome",
            "properties": {"screen_width": 1920, "bot": 0},
        }.items()
    )
    assert found["visitor_id"]


def test_an_event_of_the_script_keeps_its_name(place):
    page = (*(row for row in BROWSER if row[0] != "Referer"), ("Referer", "https://shop.example/docs"))
    counted(place, headers=page, p="Click banner", t="Banner", e="true", s="390,844,3", rnd="a1b2c")
    [found] = rows(place[0], of("Banner"))
    assert found["event"] == "click_banner"
    assert (found["url"], found["screen"]) == ("https://shop.example/docs", "390x844")


def test_a_beacon_and_its_image_are_one_and_the_next_view_another(place):
    view = {"p": "/again", "t": "Again"}
    counted(place, **view, rnd="aaaaa")
    counted(place, **view, rnd="aaaaa", method="GET")
    counted(place, **view, rnd="bbbbb")
    assert count(place[0], of("Again")) == 2
    time.sleep(REPEATS.seconds)
    counted(place, **view, rnd="aaaaa")
    assert count(place[0], of("Again")) == 2


def test_a_pixel_counts_each_view_that_is_not_the_same_request(place):
    for _ in range(2):
        counted(place, method="GET", p="/pixel", t="Pixel")
    assert count(place[0], of("Pixel")) == 1
    time.sleep(REPEATS.seconds)
    counted(place, method="GET", p="/pixel", t="Pixel")
    assert count(place[0], of("Pixel")) == 2


def test_hits_of_the_api_arrive_once(place):
    hit = {
        "path": "/paper",
        "title": "Api",
        "ref": "https://t.co/a",
        "size": [1920, 1080, 1],
        "query": "utm_source=news",
        "user_agent": AGENT,
        "location": "NL-NB",
        "language": "nl-NL",
        "ip": "203.0.113.9",
        "created_at": "2026-03-01T12:00:00Z",
    }
    named = {"path": "Signed Up", "title": "Api", "event": True, "session": "s1"}
    for _ in range(2):
        assert hits(place, hit, hit, named, no_sessions=True) == (202, {"status": "ok"})
    found = rows(place[0], of("Api"))
    assert [event["event"] for event in found] == ["page_view", "page_view", "signed_up"]
    assert (
        found[0].items()
        >= {
            "created_at": "2026-03-01T12:00:00Z",
            "path": "/paper",
            "source": "news",
            "referrer": "https://t.co/a",
            "screen": "1920x1080",
            "browser": "Chrome",
            "country": "NL",
            "language": "nl-NL",
            "ip": "203.0.113.0",
        }.items()
    )
    assert found[0]["visitor_id"] == found[1]["visitor_id"] != found[2]["visitor_id"] == "s1"
    time.sleep(REPEATS.seconds)
    assert hits(place, hit)[0] == 202
    assert count(place[0], of("Api")) == 3


def test_a_hit_that_is_wrong_is_named_and_the_others_count(place):
    status, told = hits(
        place, {"path": "/a", "title": "Some"}, {"title": "Some"}, {"path": "/b", "title": "Some"}
    )
    assert status == 400
    assert list(told["errors"]) == ["1"]
    assert count(place[0], of("Some")) == 2


def test_nothing_is_told_to_be_taken_that_cannot_be_stored(place):
    with unavailable(place[0]):
        status, headers = counted(place, p="/full", t="Full")
        assert status == 503
        assert headers["x-goatcounter"]
        assert int(headers["retry-after"]) > 0
    assert counted(place, p="/full", t="Full")[0] == 200
    assert count(place[0], of("Full")) == 1


def test_what_is_wrong_is_told_as_goatcounter_tells_it(place):
    status, headers = counted(place, t="No path")
    assert status == 400
    assert "p is missing" in headers["x-goatcounter"]
    status, headers = counted(place, p="x" * 300, e="true")
    assert status == 400
    assert "not valid" in headers["x-goatcounter"]
    assert hits(place) == (400, {"error": "no event could be made out; no hits: send an array of them"})


def test_the_address_or_the_token_is_the_write_key(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footfall.toml").write_text('[apps.shop]\nwrite_keys = ["right"]\norigins = ["*"]\n')
    with running(data) as installation, tap(installation) as wire:
        place = (installation, wire)
        assert counted(place, p="/")[0] == 401
        assert counted(place, p="/", path="/count/wrong")[0] == 401
        assert counted(place, p="/", path="/count/right")[0] == 200
        assert hits(place, {"path": "/api"}, key="wrong")[0] == 401
        assert hits(place, {"path": "/api"}, key="right")[0] == 202
        assert [event["app_id"] for event in rows(installation)] == ["shop", "shop"]
