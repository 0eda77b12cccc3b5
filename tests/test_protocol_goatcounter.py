"""GoatCounter's pixel, beacon and API, read and answered."""

import json
from urllib.parse import parse_qsl

import pytest

from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.goatcounter import GOATCOUNTER

NOON = 1_790_000_000_000_000
COUNT, KEYED, API = GOATCOUNTER.endpoints
BEACON = "p=%2Fdocs%3Fa%3D1&r=https%3A%2F%2Ft.co%2Fx&t=Docs&s=1920&b=153&q=%3Fa%3D1&rnd=k3x9a"


def counted(query, headers=None, **more):
    fields = dict(parse_qsl(query, keep_blank_values=True)) if isinstance(query, str) else query
    request = Request("GET", "/count", fields, headers or {}, received_at=NOON, secret=b"k", mark="mark")
    [found] = COUNT.read(request._replace(**more)).events
    return found


def hits(*items, mark="mark", **more):
    body = json.dumps({"hits": items, **more}).encode()
    return API.read(Request("POST", API.path, {}, {}, body, received_at=NOON, secret=b"k", mark=mark))


def test_a_page_view_of_the_script():
    found = counted(BEACON, {"origin": "https://shop.example", "referer": "https://shop.example/"})
    assert found.pop("event_id")
    assert found == {
        "event": "page_view",
        "url": "https://shop.example/docs?a=1",
        "referrer": "https://t.co/x",
        "title": "Docs",
        "properties": {"screen_width": 1920, "bot": 153},
    }


def test_the_query_is_added_where_the_path_has_none():
    assert counted({"p": "/docs", "q": "?utm_source=x"})["url"] == "/docs?utm_source=x"
    assert counted({"p": "/docs?a=1", "q": "?utm_source=x"})["url"] == "/docs?a=1"
    assert counted({"p": "https://other.example/x"})["url"] == "https://other.example/x"


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({}, "/docs"),
        ({"origin": "null"}, "/docs"),
        ({"origin": "https://shop.example"}, "https://shop.example/docs"),
        ({"referer": "https://shop.example/other"}, "https://shop.example/docs"),
        ({"origin": "https://shop.example", "referer": "http://[broken"}, "https://shop.example/docs"),
        ({"referer": "android-app://x"}, "/docs"),
    ],
)
def test_the_host_is_that_of_the_page_that_sends(headers, url):
    assert counted({"p": "/docs"}, headers)["url"] == url


@pytest.mark.parametrize("yes", ["true", "1", "on", "True"])
def test_an_event_is_named_by_its_path(yes):
    found = counted(
        {"p": "click-banner", "e": yes, "t": "Banner", "q": "?a=1"},
        {"referer": "https://shop.example/docs", "origin": "https://shop.example"},
    )
    assert found["event"] == "click-banner"
    assert found["url"] == "https://shop.example/docs"
    found = counted({"p": "click-banner", "e": yes, "q": "?a=1"}, {"referer": "https://shop.example/"})
    assert "url" not in found
    assert found["properties"] == {"query": "?a=1"}
    assert counted({"p": "/x", "e": "false"})["event"] == "page_view"


def test_a_size_is_a_screen_or_its_width():
    assert counted({"p": "/", "s": "1920,1080,1.5"})["screen"] == "1920x1080"
    assert counted({"p": "/", "s": "390"})["properties"] == {"screen_width": 390}
    assert counted({"p": "/", "s": "wide"})["properties"] == {"s": "wide"}
    assert "properties" not in counted({"p": "/", "s": ""})


def test_the_random_number_tells_one_view_from_the_next():
    first = counted(BEACON)["event_id"]
    assert counted(BEACON, method="POST", mark="later", received_at=NOON + 10**9)["event_id"] == first
    assert counted(BEACON.replace("k3x9a", "k3x9b"))["event_id"] != first
    assert counted(BEACON, visitor="another")["event_id"] != first
    assert counted({"p": "/docs"})["event_id"] == "mark-0"


def test_the_path_names_the_write_key():
    request = Request("GET", "/count/site", {"p": "/"}, {}, params={"write_key": "site"})
    assert KEYED.read(request).key == "site"
    with pytest.raises(Unheard) as refused:
        KEYED.read(request._replace(query={"p": " "}))
    assert refused.value.key == "site"


def test_a_hit_of_the_api():
    heard = hits(
        {
            "path": "/docs",
            "title": "Docs",
            "event": False,
            "ref": "https://t.co/x",
            "size": [1920, 1080, 1],
            "query": "utm_source=x",
            "bot": 0,
            "user_agent": "Mozilla/5.0",
            "location": "NL-NB",
            "language": "nl-NL",
            "ip": "203.0.113.9",
            "created_at": "2026-03-01T12:00:00Z",
            "session": "s1",
            "campaign": "spring",
        }
    )
    [found] = heard.events
    assert heard.unseen
    assert found.pop("event_id")
    assert found == {
        "event": "page_view",
        "url": "/docs?utm_source=x",
        "title": "Docs",
        "referrer": "https://t.co/x",
        "screen": "1920x1080",
        "user_agent": "Mozilla/5.0",
        "country": "NL",
        "language": "nl-NL",
        "ip": "203.0.113.9",
        "created_at": "2026-03-01T12:00:00Z",
        "anonymous_id": "s1",
        "properties": {"bot": 0, "campaign": "spring"},
    }


def test_hits_that_are_the_same_count_each_and_keep_their_ids_in_another_batch():
    hit = {"path": "/", "created_at": "2026-03-01T12:00:00Z"}
    ids = [event["event_id"] for event in hits(hit, hit, {"path": "/"}).events]
    assert len(set(ids)) == 3
    assert [event["event_id"] for event in hits({"path": "/"}, hit, mark="more").events] == [
        "more-0",
        ids[0],
    ]


def test_an_event_of_the_api_keeps_its_name():
    assert hits({"path": "Signed Up", "event": True}).events[0]["event"] == "Signed Up"


@pytest.mark.parametrize("hit", [7, None, "x", [], {}, {"path": {}}, {"path": ""}, {"size": {"a": 1}}])
def test_a_hit_that_says_nothing_is_left_to_the_door(hit):
    [first, second] = hits(hit, {"path": "/"}).events
    assert "event" not in first
    assert second["event"] == "page_view"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"hits": []}', b'{"hits": 7}', json.dumps({"hits": [{}] * 501}).encode()]
)
def test_a_request_without_hits_is_not_heard(body):
    with pytest.raises(Unheard):
        API.read(Request("POST", API.path, {}, {}, body))


def test_it_answers_as_goatcounter_does():
    request = Request("GET", "/count", {"p": "/"}, {})
    heard = COUNT.read(request)
    reply = COUNT.reply(request, heard, Told(1))
    assert (reply.status, len(reply.body), dict(reply.headers)["content-type"]) == (200, 43, "image/gif")
    reply = COUNT.reply(request, heard, Told(0, rejected=((0, ("title is\nlong\u2026",)),)))
    assert reply.status == 400
    assert dict(reply.headers)["x-goatcounter"] == "not valid: title is?long?"
    reply = API.reply(request, heard, Told(2))
    assert (reply.status, json.loads(reply.body)) == (202, {"status": "ok"})
    reply = API.reply(request, heard, Told(1, rejected=((3, ("a", "b")),)))
    assert (reply.status, json.loads(reply.body)) == (400, {"errors": {"3": "a; b"}})
    refusal = Refusal("key", 401, "no key", ("name it",))
    reply = GOATCOUNTER.refuse(request, refusal)
    assert (reply.status, dict(reply.headers)["x-goatcounter"]) == (401, "no key; name it")
    reply = GOATCOUNTER.refuse(request._replace(path=API.path), refusal)
    assert json.loads(reply.body) == {"error": "no key; name it"}
