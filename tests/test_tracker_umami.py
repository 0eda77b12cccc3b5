"""Umami's official client for Node, and the requests of its script, against a running footfall."""

import json
import time

import pytest
from installation import running
from tracking import count, rows, run_node, tap, unavailable

from footfall.core.protocols.repeats import REPEATS

NODE_SITE = "11111111-0000-4000-8000-000000000001"
SCRIPT_SITE = "11111111-0000-4000-8000-000000000002"
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
BROWSER = (
    ("Content-Type", "application/json"),
    ("Origin", "https://shop.example"),
    ("Referer", "https://shop.example/"),
    ("User-Agent", AGENT),
    ("Accept-Language", "de-DE,de;q=0.9"),
)
# As script.js builds its payload (getPayload, track, identify, initPerformance).
PAGE = {
    "website": SCRIPT_SITE,
    "screen": "1920x1080",
    "language": "de-DE",
    "title": "Docs",
    "hostname": "shop.example",
    "url": "https://shop.example/docs?utm_source=news",
    "referrer": "https://t.co/a",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector."""
    with running(tmp_path_factory.mktemp("umami") / "data") as installation, tap(installation) as wire:
        yield installation, wire


def of(tag):
    return f"origin = 'umami' and json_extract_string(properties, '$.tag') = '{tag}'"


def sent(place, told, token=None, path="/api/send", headers=BROWSER):
    """Send what the script sends, with the token of the last reply; return status and answer."""
    if token is not None:
        headers = (*headers, ("x-umami-cache", token))
    status, _, body = place[1].pass_on("POST", path, headers, json.dumps(told).encode())
    return status, json.loads(body)


def item(kind="event", **payload):
    return {"type": kind, "payload": PAGE | payload}


def test_every_call_of_the_node_client_arrives(place):
    installation, wire = place
    before = {event["event_id"] for event in rows(installation)}
    replies = json.loads(run_node("umami_calls.mjs", wire.url, NODE_SITE))
    assert [reply["status"] for reply in replies] == [200] * 6
    assert all(reply["cache"] and reply["visitId"] for reply in replies)
    requests = list(wire.sent)
    found = [event for event in rows(installation) if event["event_id"] not in before]
    assert [event["event"] for event in found] == [
        "identify",
        "identify",
        "opened",
        "page_view",
        "sent",
        "signed_up",
    ]
    by_name = {event["event"]: event for event in found}
    view = by_name["page_view"]
    assert (
        view.items()
        >= {
            "origin": "umami",
            "app_id": "default",
            "url": "https://shop.example/docs?utm_source=news",
            "host": "shop.example",
            "path": "/docs",
            "source": "news",
            "title": "Docs",
            "referrer": "https://t.co/a",
            "language": "de-DE",
            "screen": "1920x1080",
            "anonymous_id": replies[0]["sessionId"],
        }.items()
    )
    order = by_name["signed_up"]
    assert (order["value"], order["currency"]) == (19.0, "EUR")
    assert order["properties"] == {"plan": "pro"}
    told = [event["user_properties"] for event in found if event["event"] == "identify"]
    assert sorted(map(str, told)) == ["{'age': 36}", "{'plan': 'pro'}"]
    assert (by_name["sent"]["user_id"], by_name["sent"]["properties"]) == ("ada", {"tag": "beta"})
    assert by_name["sent"]["anonymous_id"] == replies[4]["sessionId"] == replies[0]["sessionId"]
    assert by_name["opened"]["browser"] == "Chrome"
    assert by_name["opened"]["anonymous_id"] == replies[5]["sessionId"] != replies[0]["sessionId"]
    time.sleep(REPEATS.seconds)
    for each in requests:
        for _ in range(2):
            assert wire.pass_on(each.method, each.path, each.headers, each.body)[0] == 200
    assert count(installation) == len(before) + len(found) + len(requests)


def test_the_calls_of_the_script_are_one_session(place):
    _, view = sent(place, item(tag="script"))
    _, named = sent(place, item(tag="script", name="Signed Up", data={"plan": "pro"}), view["cache"])
    _, known = sent(place, item("identify", tag="script", id="ada", data={"age": 36}), "")
    vitals = {"lcp": 1200.5, "inp": 80, "cls": 0.02, "fcp": 900, "ttfb": 120}
    _, last = sent(place, item("performance", tag="script", id="ada", **vitals), known["cache"])
    assert len({reply["sessionId"] for reply in (view, named, known, last)}) == 1
    assert len({reply["visitId"] for reply in (view, named, known, last)}) == 1
    found = rows(place[0], of("script"))
    assert [event["event"] for event in found] == ["identify", "page_view", "performance", "signed_up"]
    assert {event["anonymous_id"] for event in found} == {view["sessionId"]}
    assert [event.get("user_id") for event in found] == ["ada", None, "ada", None]
    assert found[0]["user_properties"] == {"age": 36}
    assert found[2]["properties"] == vitals | {"tag": "script"}
    assert found[3]["properties"] == {"plan": "pro", "tag": "script"}
    assert found[3]["browser"] == "Chrome"


def test_two_clicks_are_two_and_a_click_sent_again_is_one(place):
    click = item(tag="clicks", name="Next")
    _, first = sent(place, click)
    assert sent(place, click)[1]["sessionId"] == first["sessionId"]
    sent(place, click, first["cache"])
    sent(place, click, first["cache"])
    assert count(place[0], of("clicks")) == 2
    time.sleep(REPEATS.seconds)
    sent(place, click)
    assert count(place[0], of("clicks")) == 3


def test_a_token_keeps_the_session_when_the_agent_changes(place):
    other = (*(row for row in BROWSER if row[0] != "User-Agent"), ("User-Agent", "another"))
    _, first = sent(place, item(tag="moved"))
    _, kept = sent(place, item(tag="moved", name="a"), first["cache"], headers=other)
    _, forged = sent(place, item(tag="moved", name="b"), first["cache"][:-2] + "AA", headers=other)
    assert kept["sessionId"] == first["sessionId"] != forged["sessionId"]
    assert len({event["visitor_id"] for event in rows(place[0], of("moved"))}) == 2


def test_a_batch_counts_each_item_and_tells_which_was_refused(place):
    batch = [
        item(tag="batch"),
        item(tag="batch"),
        item("other", tag="batch"),
        item(tag="batch", ip="nowhere"),
    ]
    batch.append(item(tag="batch", timestamp=1_772_366_400, ip="203.0.113.9", userAgent=AGENT))
    for _ in range(2):
        status, told = sent(place, batch, path="/api/batch")
        assert status == 200
        assert (told["size"], told["processed"], told["errors"]) == (5, 3, 2)
        assert [each["index"] for each in told["details"]] == [2, 3]
        assert told["cache"]
    found = rows(place[0], of("batch"))
    assert len(found) == 3
    [old] = [event for event in found if event["created_at"] == "2026-03-01T12:00:00Z"]
    assert old["ip"] == "203.0.113.0"
    assert old["visitor_id"] not in {event["visitor_id"] for event in found if event is not old}
    time.sleep(REPEATS.seconds)
    sent(place, batch[-1:], path="/api/batch")
    assert count(place[0], of("batch")) == 3


def test_bots_are_answered_and_labelled(place):
    bot = (*(row for row in BROWSER if row[0] != "User-Agent"), ("User-Agent", "Googlebot/2.1"))
    status, told = sent(place, item(tag="bot"), headers=bot)
    assert (status, bool(told["cache"])) == (200, True)
    [event] = rows(place[0], of("bot"))
    assert event["is_bot"]


def test_a_page_of_another_site_may_ask_with_the_token(place):
    asked = (
        ("Origin", "https://shop.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type,x-umami-cache"),
    )
    status, headers, _ = place[1].pass_on("OPTIONS", "/api/send", asked, b"")
    told = {name.lower(): value for name, value in headers}
    assert status == 204
    assert told["access-control-allow-origin"] == "https://shop.example"
    assert told["access-control-allow-headers"] == "content-type,x-umami-cache"


def test_nothing_is_told_to_be_taken_that_cannot_be_stored(place):
    with unavailable(place[0]):
        status, told = sent(place, item(tag="full"))
    assert (status, told["error"]["status"], told["error"]["code"]) == (503, 503, "unavailable")
    assert sent(place, item(tag="full"))[0] == 200
    assert count(place[0], of("full")) == 1


def test_what_is_wrong_is_told_as_umami_tells_it(place):
    for body in (b"{", b"[]", b"{}", b'{"type": "event", "payload": {}}'):
        status, answer = place[0].ask("POST", "/api/send", body)
        assert status == 400
        assert json.loads(answer)["error"]["code"] == "bad-request"
    assert place[0].ask("POST", "/api/batch", b"{}")[0] == 400
    assert place[0].ask("POST", "/api/send", b"x" * 1_100_000)[0] == 413


def test_the_website_is_the_write_key(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "footfall.toml").write_text(f'[apps.shop]\nwrite_keys = ["{SCRIPT_SITE}"]\norigins = ["*"]\n')
    with running(data) as installation, tap(installation) as wire:
        place = (installation, wire)
        status, told = sent(place, item(website=NODE_SITE))
        assert (status, told["error"]["code"]) == (401, "unauthorized")
        assert sent(place, item())[0] == 200
        assert [event["app_id"] for event in rows(installation)] == ["shop"]
