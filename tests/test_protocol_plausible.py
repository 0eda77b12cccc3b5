"""Plausible's events API, read and answered."""

import json

import pytest

from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.plausible import PLAUSIBLE

NOON = 1_790_000_000_000_000
PAGE = {"n": "pageview", "v": 36, "u": "https://shop.example/a?utm_source=x", "d": "shop.example"}
[ENDPOINT] = PLAUSIBLE.endpoints


def heard(body, mark="mark"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ENDPOINT.read(Request("POST", ENDPOINT.path, {}, {}, body, received_at=NOON, mark=mark))


def event(body):
    [found] = heard(body).events
    return found


def test_a_page_view_of_the_tracker():
    assert event({**PAGE, "r": "https://t.co/a", "p": {"plan": "pro", "n": 3}, "i": False, "h": 1}) == {
        "event": "page_view",
        "event_id": "mark-0",
        "url": "https://shop.example/a?utm_source=x",
        "referrer": "https://t.co/a",
        "properties": {
            "domain": "shop.example",
            "interactive": False,
            "n": 3,
            "plan": "pro",
            "tracker_version": 36,
        },
    }


def test_a_page_view_of_the_older_tracker():
    found = event(
        {
            "n": "pageview",
            "u": "https://shop.example/",
            "d": "shop.example",
            "r": None,
            "w": 1280,
            "h": 0,
            "p": '{"plan":"pro"}',
        }
    )
    assert found["event"] == "page_view"
    assert "referrer" not in found
    assert found["properties"] == {"domain": "shop.example", "screen_width": 1280, "plan": "pro"}


def test_the_documented_names_are_read_alike():
    long = {
        "name": "Signup",
        "url": "https://shop.example/a",
        "domain": "shop.example",
        "referrer": "https://t.co/a",
        "props": {"plan": "pro"},
        "revenue": {"amount": "20.50", "currency": "EUR"},
        "interactive": True,
        "screen_width": 800,
    }
    names = {"name": "n", "url": "u", "domain": "d", "referrer": "r", "props": "p", "revenue": "$"}
    names |= {"interactive": "i", "screen_width": "w"}
    short = {names[name]: value for name, value in long.items()}
    assert event(long) == event(short)
    assert (event(long)["value"], event(long)["currency"]) == (20.5, "EUR")
    assert event(long)["event"] == "Signup"


@pytest.mark.parametrize("name", ["p", "props", "m", "meta"])
def test_properties_are_an_object_or_its_text(name):
    told = {"n": "Signup", name: {"deep": {"a": [1]}, "b": True}}
    assert event(told)["properties"] == {"deep": {"a": [1]}, "b": True}
    assert event({**told, name: json.dumps(told[name])}) == event(told)


@pytest.mark.parametrize("props", ["{broken", "7", [1, 2], 5, "[" * 5_000])
def test_properties_that_are_none_are_kept_as_they_are(props):
    assert event({"n": "Signup", "p": props})["properties"] == {"p": props}


def test_revenue_may_be_text_too():
    found = event({"n": "Buy", "$": '{"amount": 7, "currency": "USD"}'})
    assert (found["value"], found["currency"]) == (7, "USD")
    assert event({"n": "Buy", "revenue": "much"})["properties"] == {"revenue": "much"}


def test_engagement_is_a_page_left_with_the_time_spent():
    found = event({**PAGE, "n": "engagement", "e": 3_250, "sd": 73, "p": {"plan": "pro"}})
    assert found["event"] == "page_leave"
    assert found["time_spent"] == 3.25
    assert found["properties"] == {
        "domain": "shop.example",
        "plan": "pro",
        "scroll_depth": 73,
        "tracker_version": 36,
    }


@pytest.mark.parametrize("spent", [-1, "x", [], {}])
def test_a_time_that_is_none_is_kept_as_it_is(spent):
    found = event({"n": "engagement", "u": "https://shop.example/", "e": spent})
    assert "time_spent" not in found
    assert found["properties"]["e"] == spent


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"d": "shop.example"}, "shop.example"),
        ({"domain": "a.example, b.example"}, "a.example"),
        ({"u": "https://www.shop.example:8443/x"}, "shop.example"),
        ({"url": "not an address"}, None),
        ({"u": "http://[broken"}, None),
        ({"d": {"a": 1}, "u": 7}, None),
        ({"d": ","}, None),
    ],
)
def test_the_site_is_the_write_key(item, key):
    assert heard({"n": "pageview", **item}).key == key


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"pageview"', b"\xff"])
def test_what_is_no_event_is_not_heard(body):
    with pytest.raises(Unheard):
        heard(body)


@pytest.mark.parametrize("name", [None, "", 7, [], {"a": 1}])
def test_hostile_names_are_left_to_the_door(name):
    assert heard({"n": name, "u": ["x"], "$": {"amount": "NaN", "currency": []}}).events


def test_without_a_mark_there_is_no_id():
    assert "event_id" not in heard(PAGE, mark="").events[0]


def test_it_answers_as_plausible_does():
    request, told = Request("POST", ENDPOINT.path, {}, {}), heard(PAGE)
    reply = ENDPOINT.reply(request, told, Told(1))
    assert (reply.status, reply.body) == (202, b"ok")
    assert dict(reply.headers)["content-type"].startswith("text/plain")
    reply = ENDPOINT.reply(request, told, Told(0, rejected=((0, ("event is missing", "url is long")),)))
    assert reply.status == 400
    assert json.loads(reply.body) == {"errors": {"event": ["event is missing", "url is long"]}}
    assert dict(reply.headers)["x-plausible-dropped"] == "1"
    reply = PLAUSIBLE.refuse(request, Refusal("unreadable", 400, "no event", ("it is not JSON",)))
    assert json.loads(reply.body) == {"errors": {"unreadable": ["no event", "it is not JSON"]}}
