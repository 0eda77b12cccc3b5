"""Umami's collecting API, read and answered; its token."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.umami import UMAMI

NOON = 1_790_000_000_000_000
MINUTE = 60_000_000
SITE = "b59e9c65-ae32-47f1-8400-119fcf4861c4"
SEND, BATCH = UMAMI.endpoints
PAGE = {
    "website": SITE,
    "screen": "1920x1080",
    "language": "de-DE",
    "title": "Docs",
    "hostname": "shop.example",
    "url": "https://shop.example/docs?utm_source=x",
    "referrer": "https://t.co/x",
}


def item(kind="event", **payload):
    return {"type": kind, "payload": PAGE | payload}


def asked(body, token=None, **more):
    headers = {"x-umami-cache": token} if token is not None else {}
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(
        "POST", SEND.path, {}, headers, body, received_at=NOON, secret=b"s" * 32, visitor="v", mark="mark"
    )
    return request._replace(**more)


def event(told, **more):
    [found] = SEND.read(asked(told, **more)).events
    return found


def replied(told, token=None, **more):
    request = asked(told, token, **more)
    reply = SEND.reply(request, SEND.read(request), Told(1))
    assert reply.status == 200
    return json.loads(reply.body)


def test_a_page_view_of_the_script():
    found = event(item(tag="beta"))
    assert found.pop("anonymous_id") == replied(item())["sessionId"]
    assert found == {
        "event": "page_view",
        "event_id": "mark-0",
        "url": "https://shop.example/docs?utm_source=x",
        "referrer": "https://t.co/x",
        "title": "Docs",
        "screen": "1920x1080",
        "language": "de-DE",
        "properties": {"tag": "beta"},
    }


def test_addresses_of_older_scripts_get_their_host():
    found = event(item(url="/docs?a=1", referrer="/"))
    assert (found["url"], found["referrer"]) == ("https://shop.example/docs?a=1", "https://shop.example/")
    assert "properties" not in found
    assert event(item(url="https://other.example/"))["properties"] == {"hostname": "shop.example"}
    assert event(item(url="http://[broken"))["properties"] == {"hostname": "shop.example"}


def test_a_custom_event_keeps_its_name_and_data():
    data = {"plan": "pro", "revenue": "19.5", "currency": "EUR", "deep": {"a": [1]}}
    found = event(item(name="Signed Up", data=data, id="ada", browser="chrome"))
    assert found["event"] == "Signed Up"
    assert found["user_id"] == "ada"
    assert (found["value"], found["currency"]) == (19.5, "EUR")
    assert found["properties"] == {"plan": "pro", "deep": {"a": [1]}, "browser": "chrome"}


def test_identify_tells_who_the_session_is():
    found = event(item("identify", id="ada", data={"age": 36}))
    assert found["event"] == "identify"
    assert found["user_id"] == "ada"
    assert found["anonymous_id"] == event(item())["anonymous_id"]
    assert found["user"] == {"age": 36}


def test_performance_has_its_figures():
    found = event(item("performance", lcp=1200.5, inp=80, cls=0.02, fcp=900, ttfb=120))
    assert found["event"] == "performance"
    assert found["properties"] == {"lcp": 1200.5, "inp": 80, "cls": 0.02, "fcp": 900, "ttfb": 120}


@pytest.mark.parametrize(("kind", "name"), [("link", "link_open"), ("pixel", "pixel_view")])
def test_links_and_pixels(kind, name):
    heard = SEND.read(asked({"type": "event", "payload": {kind: SITE, "url": "https://shop.example/"}}))
    assert heard.key == SITE
    assert heard.events[0]["event"] == name


def test_a_server_may_say_whose_event_it_is():
    found = event(item(ip="203.0.113.9", userAgent="Mozilla/5.0", timestamp=1_790_000_000))
    assert found["ip"] == "203.0.113.9"
    assert found["user_agent"] == "Mozilla/5.0"
    assert found["created_at"] == 1_790_000_000
    assert "anonymous_id" not in found


def test_a_time_makes_the_id_whatever_the_batch():
    first = event(item(timestamp=1_790_000_000))["event_id"]
    many = BATCH.read(asked([item(), item(timestamp=1_790_000_000)], mark="more")).events
    assert [each["event_id"] for each in many] == ["more-0", first]
    assert event(item(timestamp=1_790_000_001))["event_id"] != first
    assert event(item(timestamp=1_790_000_000), visitor="w")["event_id"] != first
    told = item(timestamp=1_790_000_000, id="ada")
    assert event(told, visitor="w")["event_id"] == event(told)["event_id"]


def test_the_token_keeps_session_and_visit():
    first = replied(item())
    assert replied(item())["sessionId"] == first["sessionId"]
    again = replied(item(), first["cache"], visitor="w", received_at=NOON + 29 * MINUTE)
    assert (again["sessionId"], again["visitId"]) == (first["sessionId"], first["visitId"])
    assert again["cache"] != first["cache"]
    kept = event(item(), token=first["cache"], visitor="w")["anonymous_id"]
    assert kept == first["sessionId"]
    assert event(item(), visitor="w")["anonymous_id"] != kept


#  0        29 min      58 min            +31 min            1 day
#  |----------|-----------|------------------|-----------------|
#  visit 1    1           1                  2          a new session
def test_a_visit_ends_with_silence_and_a_session_with_the_day():
    first = told = replied(item())
    for minutes in (29, 58):
        told = replied(item(), told["cache"], visitor="w", received_at=NOON + minutes * MINUTE)
        assert told["visitId"] == first["visitId"]
    later = replied(item(), told["cache"], visitor="w", received_at=NOON + 130 * MINUTE)
    assert later["sessionId"] == first["sessionId"]
    assert later["visitId"] != first["visitId"]
    next_day = replied(item(), later["cache"], visitor="w", received_at=NOON + 1_440 * MINUTE)
    assert next_day["sessionId"] != first["sessionId"]


def test_a_token_holds_only_for_its_website():
    token = replied(item())["cache"]
    other = "00000000-0000-4000-8000-000000000001"
    assert replied(item(website=other), token) == replied(item(website=other))


def forged():
    token = replied(item())["cache"]
    note, seal = token.split(".")
    padded = base64.urlsafe_b64decode(note + "=" * (-len(note) % 4))
    changed = base64.urlsafe_b64encode(padded.replace(b"[", b"[ ", 1)).rstrip(b"=").decode()
    return [
        "",
        ".",
        token + "x",
        f"{changed}.{seal}",
        f"{note}.",
        f".{seal}",
        "\u00fc.\u00fc",
        note,
        "a.b.c",
    ]


@pytest.mark.parametrize("token", forged())
def test_a_forged_token_says_nothing(token):
    assert replied(item(), token, visitor="w") == replied(item(), visitor="w")


@given(st.text(max_size=60))
def test_any_token_is_read_or_left(token):
    assert replied(item(), token)["sessionId"]


def test_a_token_of_another_installation_says_nothing():
    token = replied(item(), secret=b"o" * 32)["cache"]
    assert replied(item(), token, visitor="w") == replied(item(), visitor="w")


def test_a_batch_says_which_items_were_refused():
    request = asked([{"type": "x", "payload": PAGE}, item(name="b"), 7])
    heard = BATCH.read(request)
    assert heard.key == SITE
    assert ["event" in each for each in heard.events] == [False, True, False]
    reply = BATCH.reply(request, heard, Told(1, rejected=((0, ("event is missing",)), (2, ("so",)))))
    told = json.loads(reply.body)
    assert told.pop("cache")
    assert told.pop("details")[0] == {
        "index": 0,
        "response": {"error": {"message": "event is missing", "code": "bad-request", "status": 400}},
    }
    assert told == {"size": 3, "processed": 1, "errors": 2}


def test_an_empty_batch_is_answered():
    request = asked([])
    reply = BATCH.reply(request, BATCH.read(request), Told(0))
    assert json.loads(reply.body) == {"size": 0, "processed": 0, "errors": 0, "details": [], "cache": None}


def test_a_batch_is_of_one_website():
    with pytest.raises(Unheard):
        BATCH.read(asked([item(), item(website="00000000-0000-4000-8000-000000000001")]))


@pytest.mark.parametrize(
    "told",
    [
        b"{",
        [],
        {},
        {"type": "event"},
        {"type": "event", "payload": []},
        {"type": "event", "payload": {"url": "/"}},
        {"type": "event", "payload": {"website": SITE, "link": SITE}},
        {"type": "other", "payload": PAGE},
        {"type": [], "payload": PAGE},
        {"payload": PAGE},
    ],
)
def test_what_is_no_call_is_not_heard(told):
    with pytest.raises(Unheard):
        SEND.read(asked(told))


@pytest.mark.parametrize("value", [7, True, [], {"a": 1}, "x" * 9_000])
def test_hostile_values_are_kept(value):
    for name in ("url", "referrer", "title", "name", "id", "timestamp", "hostname", "data", "ip"):
        assert event(item(**{name: value}))


def test_refusals_are_such_as_umami_writes():
    reply = UMAMI.refuse(asked(item()), Refusal("key", 401, "no key", ("name it",)))
    assert json.loads(reply.body) == {
        "error": {"message": "no key; name it", "code": "unauthorized", "status": 401}
    }
    request = asked(item())
    reply = SEND.reply(request, SEND.read(request), Told(0, rejected=((0, ("bad ip",)),)))
    assert reply.status == 400
    assert json.loads(reply.body)["error"]["message"] == "bad ip"
