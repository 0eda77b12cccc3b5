"""The Measurement Protocol's documented bodies: what each event becomes, and what validation says."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.intake import Policy, take
from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.ga4 import GA4
from footfall.core.protocols.ga4_rules import EVENTS, findings
from footfall.core.record import Sender
from footfall.core.scrub import plan_for

NOW = 1_790_000_000_000_000
QUERY = {"measurement_id": "G-SHOP", "api_secret": "wk"}
COLLECT, DEBUG = GA4.endpoints
WHOLE = {
    "client_id": "1234567890.0987654321",
    "user_id": "ada",
    "timestamp_micros": 1_789_999_000_000_000,
    "user_properties": {
        "plan": {"value": "pro"},
        "age": {"value": 36, "timestamp_micros": 1_700_000_000_000_000},
    },
    "consent": {"ad_user_data": "DENIED"},
    "ip_override": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (Macintosh)",
    "user_location": {"city": "Mountain View", "region_id": "US-CA", "country_id": "US"},
    "device": {"category": "mobile", "language": "en", "screen_resolution": "1280x2856"},
    "validation_behavior": "RELAXED",
    "events": [
        {
            "name": "purchase",
            "params": {
                "session_id": 1_789_998_000,
                "engagement_time_msec": 1500,
                "transaction_id": "T_12345",
                "value": 30.03,
                "currency": "USD",
                "tax": 4.9,
                "coupon": "SUMMER",
                "page_location": "https://shop.example/done",
                "page_title": "Done",
                "page_referrer": "https://t.co/x",
                "campaign": "spring",
                "source": "news",
                "medium": "email",
                "term": "hat",
                "content": "top",
                "items": [{"item_id": "SKU_1", "price": 10.01, "quantity": 3}],
            },
        }
    ],
}


def request(body, endpoint=COLLECT, query=QUERY, **more):
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Request("POST", endpoint.path, query, {}, raw, received_at=NOW, **more)


def events(body, **more):
    return COLLECT.read(request(body, **more)).events


def one(**body):
    [found] = events({"client_id": "1.2", "events": [{"name": "a"}], **body})
    return found


def messages(body):
    heard = DEBUG.read(request(body, DEBUG))
    assert heard.events == []
    reply = DEBUG.reply(request(body, DEBUG), heard, Told(0))
    assert reply.status == 200
    return msgspec.json.decode(reply.body)["validationMessages"]


def test_every_documented_field_has_its_place():
    heard = COLLECT.read(request(WHOLE))
    assert (heard.key, heard.app, heard.unseen) == ("wk", "G-SHOP", True)
    [found] = heard.events
    assert len(found.pop("event_id")) == 32
    assert found == {
        "event": "purchase",
        "user_id": "ada",
        "anonymous_id": "1234567890.0987654321",
        "session_id": "1789998000",
        "created_at": 1_789_999_000_000_000,
        "time_spent": 1.5,
        "url": "https://shop.example/done",
        "title": "Done",
        "referrer": "https://t.co/x",
        "value": 30.03,
        "currency": "USD",
        "language": "en",
        "screen": "1280x2856",
        "user_agent": "Mozilla/5.0 (Macintosh)",
        "ip": "203.0.113.9",
        "country": "US",
        "user": {"plan": "pro", "age": 36},
        "properties": {
            "utm_campaign": "spring",
            "utm_source": "news",
            "utm_medium": "email",
            "utm_term": "hat",
            "utm_content": "top",
            "transaction_id": "T_12345",
            "tax": 4.9,
            "coupon": "SUMMER",
            "items": [{"item_id": "SKU_1", "price": 10.01, "quantity": 3}],
            "user_set_at": {"age": 1_700_000_000_000_000},
            "consent": {"ad_user_data": "DENIED"},
            "user_location": {"city": "Mountain View", "region_id": "US-CA"},
            "device": {"category": "mobile"},
        },
    }


def test_an_app_has_its_instance_and_its_screen():
    query = {"firebase_app_id": "1:2:android:3", "api_secret": "wk"}
    body = {
        "app_instance_id": "c" * 32,
        "events": [{"name": "screen_view", "params": {"screen_name": "Start", "screen_class": "Main"}}],
    }
    heard = COLLECT.read(request(body, query=query))
    assert heard.app == "1:2:android:3"
    assert heard.events == [
        {
            "event": "screen_view",
            "anonymous_id": "c" * 32,
            "title": "Start",
            "properties": {"screen_class": "Main"},
        }
    ]


@pytest.mark.parametrize(
    ("outer", "event", "params", "time"),
    [
        (1_700_000_000_000_000, None, None, 1_700_000_000_000_000),
        (1_700_000_000_000_000, 1_700_000_000_000_001, None, 1_700_000_000_000_001),
        (1_700_000_000_000_000, None, 1_700_000_000_000_002, 1_700_000_000_000_002),
        ("1700000000000000", None, None, 1_700_000_000_000_000),
    ],
)
def test_the_time_nearest_to_the_event_counts(outer, event, params, time):
    item = {"name": "a", "timestamp_micros": event, "params": {"timestamp_micros": params}}
    assert one(timestamp_micros=outer, events=[item])["created_at"] == time


def test_a_value_that_fits_no_field_stays_a_property():
    params = {"value": "much", "engagement_time_msec": -5, "timestamp_micros": "now"}
    found = one(events=[{"name": "a", "params": params}], ip_override="none of it")
    assert "value" not in found
    assert found["properties"] == params | {"ip_override": "none of it"}


def test_a_user_property_may_come_without_its_wrapping():
    assert one(user_properties={"plan": "pro", "gone": None})["user"] == {"plan": "pro"}


def test_what_is_sent_again_has_its_id_again():
    ids = [found["event_id"] for found in events(WHOLE, mark="m")]
    assert ids == [found["event_id"] for found in events(WHOLE, mark="later")]
    assert ids != [found["event_id"] for found in events(WHOLE | {"client_id": "3.4"}, mark="m")]
    assert ids != [found["event_id"] for found in events(WHOLE, secret=b"another")]
    twice = [found["event_id"] for found in events(WHOLE | {"events": WHOLE["events"] * 2})]
    assert twice[0] == ids[0]
    assert len(set(twice)) == 2


def test_without_a_time_the_mark_of_the_request_names_its_events():
    body = {"client_id": "1.2", "events": [{"name": "a"}, {"name": "a"}]}
    assert [found["event_id"] for found in events(body, mark="m")] == ["m-0", "m-1"]
    assert "event_id" not in events(body)[0]


def test_the_answer_is_204_whatever_the_content():
    heard = COLLECT.read(request(WHOLE))
    for told in (Told(1), Told(0, 1), Told(0, 0, [(0, ("no",))])):
        assert COLLECT.reply(request(WHOLE), heard, told)[:2] == (204, b"")
    for body in (b"{", b"[]", b"{}", {"events": []}, {"events": {}}):
        with pytest.raises(Unheard) as caught:
            COLLECT.read(request(body))
        assert (caught.value.status, caught.value.key) == (204, "wk")
    refusal = Refusal("unreadable", 204, "no event could be made out", ("{",))
    assert GA4.refuse(request(b"{"), refusal)[:2] == (204, b"")


@pytest.mark.parametrize(("kind", "status"), [("key", 401), ("too_large", 413), ("unavailable", 503)])
def test_a_request_that_is_not_taken_has_its_status(kind, status):
    reply = GA4.refuse(request(WHOLE), Refusal(kind, status, "no", ("because",)))
    assert reply.status == status
    assert msgspec.json.decode(reply.body)["error"] == "no"


def test_a_body_in_order_has_no_messages():
    assert messages(WHOLE | {"events": [{"name": "sign_up", "params": {"method": "mail"}}]}) == []


def test_a_bad_name_is_told_in_googles_words():
    assert messages({"client_id": "1.2", "events": [{"name": "_badEventName", "params": {}}]}) == [
        {
            "fieldPath": "events",
            "description": "Event at index: [0] has invalid name [_badEventName]. "
            "Names must start with an alphabetic character.",
            "validationCode": "NAME_INVALID",
        }
    ]


GOOD = {"client_id": "1.2", "events": [{"name": "a"}]}


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (b"{", "", "VALUE_INVALID"),
        (b"[]", "", "VALUE_INVALID"),
        ({"events": [{"name": "a"}]}, "client_id", "VALUE_REQUIRED"),
        (GOOD | {"client_id": 7}, "client_id", "VALUE_INVALID"),
        ({"client_id": "1.2"}, "events", "VALUE_REQUIRED"),
        (GOOD | {"events": []}, "events", "VALUE_REQUIRED"),
        (GOOD | {"events": [{"name": "a"}] * 26}, "events", "EXCEEDED_MAX_ENTITIES"),
        (GOOD | {"events": [{}]}, "events", "VALUE_REQUIRED"),
        (GOOD | {"events": ["a"]}, "events", "VALUE_INVALID"),
        (GOOD | {"events": [{"name": "a-b"}]}, "events", "NAME_INVALID"),
        (GOOD | {"events": [{"name": "a" * 41}]}, "events", "NAME_INVALID"),
        (GOOD | {"events": [{"name": "session_start"}]}, "events", "NAME_RESERVED"),
        (GOOD | {"events": [{"name": "a", "params": []}]}, "events.params", "VALUE_INVALID"),
        (
            GOOD | {"events": [{"name": "a", "params": {f"p{n}": 1 for n in range(26)}}]},
            "events.params",
            "EXCEEDED_MAX_ENTITIES",
        ),
        (GOOD | {"events": [{"name": "a", "params": {"ga_x": 1}}]}, "events.params.ga_x", "NAME_RESERVED"),
        (
            GOOD | {"events": [{"name": "a", "params": {"x": "y" * 101}}]},
            "events.params.x",
            "VALUE_OUT_OF_BOUNDS",
        ),
        (GOOD | {"user_properties": []}, "user_properties", "VALUE_INVALID"),
        (GOOD | {"user_properties": {"x": 1}}, "user_properties.x", "VALUE_REQUIRED"),
        (
            GOOD | {"user_properties": {"user_id": {"value": 1}}},
            "user_properties.user_id",
            "NAME_RESERVED",
        ),
        (
            GOOD | {"user_properties": {"x": {"value": "y" * 37}}},
            "user_properties.x",
            "VALUE_OUT_OF_BOUNDS",
        ),
        (GOOD | {"timestamp_micros": True}, "timestamp_micros", "VALUE_INVALID"),
        (GOOD | {"pad": "x" * 130_000}, "", "VALUE_OUT_OF_BOUNDS"),
    ],
)
def test_validation_finds(body, path, code):
    assert (path, code) in {(each["fieldPath"], each["validationCode"]) for each in messages(body)}


def test_a_long_address_is_no_fault():
    params = {"page_location": "https://a.b/" + "x" * 900}
    assert findings(GOOD | {"events": [{"name": "a", "params": params}]}, 100) == []


def test_validation_also_says_what_our_own_door_refuses():
    params = {"engagement_time_msec": 10**14}
    [message] = messages(GOOD | {"events": [{"name": "a", "params": params}]})
    assert message["fieldPath"] == "events[0]"
    assert "time_spent" in message["description"]


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_reserved_name_is_told_but_taken(name):
    assert one(events=[{"name": name}])["event"] == name
    assert [m["validationCode"] for m in messages(GOOD | {"events": [{"name": name}]})] == ["NAME_RESERVED"]


NAMES = st.sampled_from(
    [step for field in GA4.fields["every event"] for step in field.theirs.split(".")] + ["new"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, JSON, max_size=6), st.dictionaries(NAMES, JSON, max_size=6))
def test_hostile_bodies_are_events_or_refused(body, event):
    found = events(body | {"events": [event | {"name": "a"}]})
    outcome = take(
        msgspec.json.encode(found),
        policy=Policy(None, plan_for({}, b"k" * 32)),
        origin="ga4",
        received_at=NOW,
        sender=Sender(),
    )
    assert outcome.accepted + len(outcome.rejected) == 1
    assert isinstance(messages(body | {"events": [event]}), list)
