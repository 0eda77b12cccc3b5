"""Clickstream's events as its SDKs and its HTTP API send them: what each becomes."""

import base64
import gzip
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.intake import Policy, take
from footfall.core.protocols.clickstream import CLICKSTREAM
from footfall.core.protocols.exchange import Request, Told, Unheard
from footfall.core.record import Sender
from footfall.core.scrub import plan_for

NOW = 1_790_000_000_000_000
COLLECT = CLICKSTREAM.endpoints[0]
# As @aws/clickstream-web 0.12.6 writes it.
PAGE_VIEW = {
    "event_type": "_page_view",
    "event_id": "460daa08-0717-4385-8f2e-acb5bd019ee7",
    "device_id": "f24bec65-7ea8-4eff-8d71-1b0c1a0e3c7d",
    "unique_id": "c84ad28d-16a8-4af4-a331-f34cdc7a7a18",
    "app_id": "shop",
    "timestamp": 1_789_999_999_000,
    "host_name": "shop.example",
    "locale": "de-AT",
    "system_language": "de",
    "country_code": "AT",
    "zone_offset": 3_600_000,
    "make": "Gecko",
    "platform": "Web",
    "screen_height": 1080,
    "screen_width": 1920,
    "viewport_height": 980,
    "viewport_width": 1520,
    "sdk_name": "aws-solution-clickstream-sdk",
    "sdk_version": "0.12.6",
    "items": [{"id": "p1", "price": 9.5}],
    "user": {
        "_user_id": {"value": "ada", "set_timestamp": 1_789_999_000_000},
        "_user_first_touch_timestamp": {
            "value": 1_789_998_000_000,
            "set_timestamp": 1_789_998_000_000,
        },
        "plan": {"value": "pro", "set_timestamp": 1_789_999_100_000},
    },
    "attributes": {
        "_session_id": "dc7a7a18-20230131-101112345",
        "_session_number": 1,
        "_page_title": "Cart",
        "_page_url": "https://shop.example/cart",
        "_page_referrer": "https://shop.example/",
        "_latest_referrer": "https://t.co/x",
        "_entrances": 0,
        "_engagement_time_msec": 2500,
        "_traffic_source_source": "news",
        "_traffic_source_medium": "email",
        "_traffic_source_campaign": "spring",
        "_traffic_source_term": "hat",
        "_traffic_source_content": "top",
        "_traffic_source_clid": "c1",
        "_value": 19.5,
        "_currency": "EUR",
        "colour": "red",
    },
}
BODY = msgspec.json.encode([PAGE_VIEW])


def heard(body=BODY, **query):
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    query = {"appId": "shop", "platform": "Web"} | query
    given_query = {name: value for name, value in query.items() if value is not None}
    return COLLECT.read(Request("POST", "/collect", given_query, {}, raw, received_at=NOW))


def one(**event):
    [found] = heard(
        [{"event_type": "a", "event_id": "e", "timestamp": 1, "app_id": "shop", **event}]
    ).events
    return found


def code_of(raw):
    return hashlib.sha256(raw).hexdigest()[:8]


def test_every_documented_field_has_its_place():
    found = heard(upload_timestamp="1790000000000", hashCode=code_of(BODY))
    assert (found.key, found.app) == ("shop", "shop")
    assert found.events == [
        {
            "event": "page_view",
            "event_id": "460daa08-0717-4385-8f2e-acb5bd019ee7",
            "created_at": 1_789_999_999_000,
            "sent_at": "1790000000000",
            "user_id": "ada",
            "anonymous_id": "c84ad28d-16a8-4af4-a331-f34cdc7a7a18",
            "session_id": "dc7a7a18-20230131-101112345",
            "url": "https://shop.example/cart",
            "title": "Cart",
            "referrer": "https://shop.example/",
            "time_spent": 2.5,
            "value": 19.5,
            "currency": "EUR",
            "language": "de-AT",
            "screen": "1920x1080",
            "user": {"_user_first_touch_timestamp": 1_789_998_000_000, "plan": "pro"},
            "properties": {
                "utm_source": "news",
                "utm_medium": "email",
                "utm_campaign": "spring",
                "utm_term": "hat",
                "utm_content": "top",
                "_traffic_source_clid": "c1",
                "_session_number": 1,
                "_entrances": 0,
                "_latest_referrer": "https://t.co/x",
                "colour": "red",
                "items": [{"id": "p1", "price": 9.5}],
                "user_set_at": {
                    "_user_id": 1_789_999_000_000,
                    "_user_first_touch_timestamp": 1_789_998_000_000,
                    "plan": 1_789_999_100_000,
                },
                "device_id": "f24bec65-7ea8-4eff-8d71-1b0c1a0e3c7d",
                "host_name": "shop.example",
                "system_language": "de",
                "country_code": "AT",
                "zone_offset": 3_600_000,
                "make": "Gecko",
                "platform": "Web",
                "viewport_height": 980,
                "viewport_width": 1520,
                "sdk_name": "aws-solution-clickstream-sdk",
                "sdk_version": "0.12.6",
            },
        }
    ]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("_session_start", "session_start"),
        ("_user_engagement", "user_engagement"),
        ("_click", "click"),
        ("_profile_set", "identify"),
        ("_screen_view", "screen_view"),
        ("Button Click", "Button Click"),
        ("_", "_"),
    ],
)
def test_a_preset_event_loses_its_underscore(theirs, ours):
    assert one(event_type=theirs)["event"] == ours


def test_a_click_has_its_link():
    attributes = {
        "_link_id": "buy",
        "_link_url": "https://b.c/",
        "_link_domain": "b.c",
        "_outbound": True,
    }
    found = one(event_type="_click", attributes=attributes)
    assert found["element"] == "buy"
    assert found["properties"] == {
        "link_url": "https://b.c/",
        "outbound": True,
        "_link_domain": "b.c",
    }


def test_the_referrer_of_a_visit_counts_where_the_page_has_none():
    attributes = {"_page_referrer": "", "_latest_referrer": "https://t.co/x"}
    assert one(attributes=attributes)["referrer"] == "https://t.co/x"


def test_the_device_stands_in_for_the_visitor():
    assert one(device_id="d")["anonymous_id"] == "d"


def test_half_a_screen_stays_a_property():
    assert one(screen_width=7)["properties"] == {"screen_width": 7}


def test_another_app_in_the_event_is_kept():
    assert one(app_id="other")["properties"] == {"app_id": "other"}
    assert heard([{"event_type": "a", "app_id": "own"}], appId=None).app == "own"


def test_one_event_may_come_without_its_array():
    assert len(heard(PAGE_VIEW).events) == 1


@pytest.mark.parametrize("width", [0, 76])
def test_gzip_comes_as_text(width):
    zipped = gzip.compress(BODY)
    text = base64.encodebytes(zipped) if width else base64.b64encode(zipped)
    for code in (code_of(text), code_of(BODY)):
        assert heard(text, compression="gzip", hashCode=code) == heard(BODY)


def test_gzip_that_the_door_has_undone_is_read_as_it_is():
    assert heard(BODY, compression="gzip", hashCode="00000000") == heard(BODY)


def test_a_hash_that_does_not_fit_is_told_and_no_more():
    [found] = heard(hashCode="00000000").events
    assert found["properties"]["hash_code_differs"] is True
    assert "hash_code_differs" not in heard(hashCode=code_of(BODY).upper()).events[0]["properties"]


@pytest.mark.parametrize(
    ("body", "query", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"7", {}, 400),
        (b"!!", {"compression": "gzip"}, 400),
        (base64.b64encode(b"no gzip"), {"compression": "gzip"}, 400),
        (base64.b64encode(gzip.compress(b"[" * 5_000_000)), {"compression": "gzip"}, 413),
    ],
)
def test_what_is_no_array_of_events_is_unheard(body, query, status):
    with pytest.raises(Unheard) as caught:
        heard(body, **query)
    assert (caught.value.status, caught.value.key) == (status, "shop")


def test_the_answer_is_200_and_empty():
    found = heard()
    request = Request("POST", "/collect", {}, {}, BODY)
    for told in (Told(1), Told(0, 1), Told(0, 0, [(0, ("no",))])):
        assert COLLECT.reply(request, found, told)[:2] == (200, b"")


NAMES = st.sampled_from(
    [step for field in CLICKSTREAM.fields["every event"] for step in field.theirs.split(".")]
    + ["screen_width", "screen_height", "value", "set_timestamp"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, JSON, max_size=7), st.text(max_size=8), st.text(max_size=14))
def test_hostile_events_are_events_or_refused(event, code, sent_at):
    found = heard([event], hashCode=code, upload_timestamp=sent_at).events
    outcome = take(
        msgspec.json.encode(found),
        policy=Policy(None, plan_for({}, b"k" * 32)),
        origin="clickstream",
        received_at=NOW,
        sender=Sender(),
    )
    assert outcome.accepted + len(outcome.rejected) == 1
