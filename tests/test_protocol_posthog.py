"""PostHog's formats, from recorded and documented requests: shapes, packing, fields, people, answers."""

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.posthog import POSTHOG
from footfall.core.protocols.posthog_events import event_of

NOW = 1_790_000_000_000_000
ENDPOINTS = {endpoint.path: endpoint for endpoint in POSTHOG.endpoints}
HIT = {
    "uuid": "01a1ff01-7058-7a67-a749-e8ab12e05a45",
    "event": "$pageview",
    "timestamp": "2026-03-01T12:00:00.123Z",
    "properties": {
        "token": "phc_k",
        "distinct_id": "anon-1",
        "$device_id": "anon-1",
        "$is_identified": False,
        "$current_url": "https://shop.example/?utm_source=news",
        "$referrer": "$direct",
        "title": "Shop",
        "$screen_width": 1280,
        "$screen_height": 720,
        "$browser_language": "de-DE",
        "$timezone": "Europe/Berlin",
        "$raw_user_agent": "Mozilla/5.0",
        "$session_id": "s1",
        "utm_source": "news",
        "gclid": None,
    },
    "$set_once": {"$initial_referrer": "$direct"},
}


def asked(path, body=b"", query=None, headers=None, method="POST"):
    return Request(method, path, query or {}, headers or {}, body, received_at=NOW, secret=b"s")


def heard(path, value=None, *, body=None, query=None, headers=None, method="POST"):
    sent = json.dumps(value).encode() if body is None else body
    return ENDPOINTS[path].read(asked(path, sent, query, headers, method))


def one(item, **more):
    return event_of(item, key="phc_k", received_at=NOW, **more)


def test_a_page_view_of_the_browser():
    found = heard("/e/", {"api_key": "phc_k", "batch": [HIT], "sent_at": "2026-03-01T12:00:01Z"})
    assert found.key == "phc_k"
    assert not found.unseen
    assert found.events == [
        {
            "event": "page_view",
            "event_id": HIT["uuid"],
            "anonymous_id": "anon-1",
            "created_at": "2026-03-01T12:00:00.123Z",
            "sent_at": "2026-03-01T12:00:01Z",
            "session_id": "s1",
            "url": "https://shop.example/?utm_source=news",
            "title": "Shop",
            "screen": "1280x720",
            "language": "de-DE",
            "timezone": "Europe/Berlin",
            "user_agent": "Mozilla/5.0",
            "user": {"$set_once": {"$initial_referrer": "$direct"}},
            "properties": {
                "$referrer": "$direct",
                "$device_id": "anon-1",
                "$is_identified": False,
                "utm_source": "news",
            },
        }
    ]


@pytest.mark.parametrize(
    "name", ["/e", "/i/v0/e", "/capture", "/track", "/batch", "/engage", "/i/v0/ai/batch"]
)
@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize(
    "value",
    [
        HIT | {"api_key": "phc_k"},
        [HIT],
        {"api_key": "phc_k", "batch": [HIT]},
        {"token": "phc_k", "batch": [HIT]},
    ],
    ids=["object", "array", "batch", "token"],
)
def test_every_path_takes_every_shape(name, end, value):
    found = heard(name + end, value)
    assert found.key == "phc_k"
    assert [event["event_id"] for event in found.events] == [HIT["uuid"]]


TEXT = json.dumps({"api_key": "phc_k", "batch": [HIT]}).encode()
FORM = {"content-type": "application/x-www-form-urlencoded"}
WRITTEN = {
    "json": (TEXT, {}, {}),
    "with a mark": (b"\xef\xbb\xbf" + TEXT, {}, {}),
    "gzip": (gzip.compress(TEXT), {"compression": "gzip-js"}, {}),
    "base64": (base64.b64encode(TEXT), {"compression": "base64"}, {}),
    "base64 for addresses": (base64.urlsafe_b64encode(TEXT).rstrip(b"="), {}, {}),
    "form": (b"data=" + base64.b64encode(TEXT).replace(b"+", b"%2B").replace(b"=", b"%3D"), {}, FORM),
    "form, nothing escaped": (b"data=" + base64.b64encode(TEXT), {"beacon": "1"}, FORM),
    "form of json": (b"data=" + TEXT.replace(b"%", b"%25"), {}, FORM),
    "form of gzip": (b"compression=gzip&data=" + base64.b64encode(gzip.compress(TEXT)), {}, FORM),
    "form as text": (b"data=" + base64.b64encode(TEXT), {}, {"content-type": "text/plain"}),
}


@pytest.mark.parametrize("written", WRITTEN.values(), ids=WRITTEN)
def test_every_packing_says_the_same(written):
    body, query, headers = written
    assert heard("/e/", body=body, query=query, headers=headers).events[0]["event_id"] == HIT["uuid"]


@pytest.mark.parametrize("data", [TEXT, base64.b64encode(TEXT), base64.b64encode(gzip.compress(TEXT))])
def test_a_get_has_it_in_its_query(data):
    query = {"data": data.decode(), "_": "1772366401000"}
    found = heard("/e/", body=b"", query=query, method="GET")
    assert found.events[0]["sent_at"] == 1_772_366_401_000
    assert found.key == "phc_k"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"5", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'{"api_key":"k","batch":[]}', 400),
        (b'{"api_key":"k","batch":{}}', 400),
        (b"\xff\xfe", 400),
        (b"data=" + base64.b64encode(gzip.compress(TEXT)[:-9]), 400),
        (b"data=" + base64.b64encode(gzip.compress(b" " * (21 << 20))), 413),
        (b'[{"event":"a","token":"k1"},{"event":"b","token":"k2"}]', 401),
        (b'{"event":"a","api_key":"phx_secret"}', 401),
    ],
)
def test_what_cannot_be_read_is_refused(body, status):
    with pytest.raises(Unheard) as refused:
        heard("/e/", body=body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "item",
    [{"api_key": "k"}, {"token": "k"}, {"$token": "k"}, {"properties": {"token": "k"}}],
)
def test_the_key_has_four_names_and_is_not_kept(item):
    found = heard("/capture/", {"event": "a", "distinct_id": "ada", "uuid": "u"} | item)
    assert found.key == "k"
    assert found.events == [{"event": "a", "user_id": "ada", "event_id": "u", "sent_at": None}]


def test_a_token_that_is_no_key_is_a_property():
    assert one({"event": "a", "properties": {"token": "tram ticket"}})["properties"] == {
        "token": "tram ticket"
    }


@pytest.mark.parametrize(
    ("item", "person"),
    [
        ({"distinct_id": "ada"}, "ada"),
        ({"$distinct_id": "ada"}, "ada"),
        ({"properties": {"distinct_id": "ada"}}, "ada"),
        ({"distinct_id": 23}, "23"),
        ({"distinct_id": 23.4}, "23.4"),
        ({"distinct_id": ["a", "b"]}, '["a","b"]'),
        ({"distinct_id": {"b": 1, "a": 2**70}}, '{"a":"1180591620717411303424","b":1}'),
        ({"distinct_id": "  ada "}, "ada"),
        ({"distinct_id": "x" * 222}, "x" * 200),
        ({"distinct_id": ""}, None),
        ({"distinct_id": None}, None),
        ({}, None),
        ({"distinct_id": "$posthog_cookieless"}, None),
    ],
)
def test_a_person_is_read_as_posthog_reads_it(item, person):
    event = one({"event": "a"} | item)
    assert event.get("user_id") == person
    assert "distinct_id" not in event.get("properties", {})


def test_another_distinct_id_within_stays_a_property():
    event = one({"event": "a", "distinct_id": "ada", "properties": {"distinct_id": "bob"}})
    assert (event["user_id"], event["properties"]) == ("ada", {"distinct_id": "bob"})


@pytest.mark.parametrize(
    ("properties", "known"),
    [
        ({"$is_identified": True, "$device_id": "ada"}, True),
        ({"$is_identified": False, "$device_id": "other"}, False),
        ({"$device_id": "ada"}, False),
        ({"$device_id": "d1"}, True),
        ({"$process_person_profile": False}, False),
        ({"$process_person_profile": "false"}, False),
        ({"$process_person_profile": True}, True),
        ({}, True),
    ],
)
def test_who_was_identified_is_a_user(properties, known):
    event = one({"event": "a", "distinct_id": "ada", "properties": properties})
    assert event.get("user_id" if known else "anonymous_id") == "ada"
    assert event.get("anonymous_id" if known else "user_id") is None


def test_identify_tells_both_ids():
    event = one(
        {
            "event": "$identify",
            "properties": {
                "distinct_id": "ada",
                "$anon_distinct_id": "anon-1",
                "$device_id": "device",
                "$is_identified": True,
            },
            "$set": {"age": 36},
            "$set_once": {"first": 1},
        }
    )
    assert (event["event"], event["user_id"], event["anonymous_id"]) == ("identify", "ada", "anon-1")
    assert event["user"] == {"age": 36, "$set_once": {"first": 1}}


def test_identify_names_a_user_whatever_else_it_says():
    told = {"$is_identified": False, "$process_person_profile": False, "$anon_distinct_id": "anon-1"}
    event = one({"event": "$identify", "distinct_id": "ada", "properties": told})
    assert (event["user_id"], event["anonymous_id"]) == ("ada", "anon-1")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            {"event": "$create_alias", "distinct_id": "old", "properties": {"alias": "new"}},
            {"user_id": "new", "properties": {"previous_id": "old"}},
        ),
        (
            {
                "event": "$create_alias",
                "properties": {"distinct_id": "old", "alias": "new", "$is_identified": False},
            },
            {"user_id": "new", "anonymous_id": "old", "properties": {"$is_identified": False}},
        ),
        (
            {"event": "$merge_dangerously", "distinct_id": "kept", "properties": {"alias": "gone"}},
            {"user_id": "kept", "properties": {"previous_id": "gone"}},
        ),
    ],
    ids=["known", "anonymous", "merge"],
)
def test_an_alias_tells_which_id_came_before(item, expected):
    assert one(item) == {"event": "alias", "event_id": None, "sent_at": None} | expected


def test_a_group_has_its_id_and_what_is_known_of_it():
    told = {"$group_type": "company", "$group_key": "acme", "$group_set": {"industry": "tools"}}
    event = one({"event": "$groupidentify", "distinct_id": "ada", "properties": told})
    assert event["event"] == "group"
    assert event["properties"] == {"group_type": "company", "group_id": "acme", "industry": "tools"}


@pytest.mark.parametrize(
    ("properties", "name", "element"),
    [
        ({"$event_type": "click", "$el_text": "Buy now"}, "click", "Buy now"),
        (
            {"$event_type": "submit", "$elements": [{"tag_name": "form", "attr__id": "pay"}]},
            "submit",
            "pay",
        ),
        ({"$event_type": "change", "$elements": [{"tag_name": "input"}]}, "change", "input"),
        (
            {
                "$event_type": "click",
                "$elements_chain": 'button.b:attr__class="b; c"attr__id="go"nth-child="1";form',
            },
            "click",
            "go",
        ),
        ({"$event_type": "click", "$elements_chain": 'a:href="/;x";div:attr__id="no"'}, "click", "a"),
        ({"$event_type": "click", "$elements": [3]}, "click", None),
        ({"$event_type": {"a": 1}, "$elements_chain": 7}, "autocapture", None),
        ({}, "autocapture", None),
    ],
)
def test_autocapture_is_named_for_what_was_done(properties, name, element):
    event = one({"event": "$autocapture", "distinct_id": "ada", "properties": properties})
    assert (event["event"], event.get("element")) == (name, element)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("$pageview", "page_view"),
        ("$pageleave", "page_leave"),
        ("$screen", "screen_view"),
        ("$set", "set_person"),
        ("$set_once", "set_person"),
        ("$rageclick", "rage_click"),
        ("Order Completed", "Order Completed"),
        ("$exception", "$exception"),
        ("click", "click"),
    ],
)
def test_names(name, ours):
    assert one({"event": name})["event"] == ours


def test_an_order_has_its_value():
    told = {"revenue": "19.5", "currency": "EUR", "value": 3, "products": [{"sku": "a"}]}
    event = one({"event": "Order Completed", "properties": told})
    assert (event["value"], event["currency"]) == (19.5, "EUR")
    assert event["properties"] == {"value": 3, "products": [{"sku": "a"}]}


def test_values_of_posthogs_own_events_are_no_money():
    event = one({"event": "$feature_flag_called", "properties": {"value": 3, "title": "t"}})
    assert event["properties"] == {"value": 3, "title": "t"}
    assert "value" not in event


@pytest.mark.parametrize(("told", "seconds"), [(5.3, 5.3), ("2", 2), (-1, None), (1e12, None), ("x", None)])
def test_leaving_a_page_tells_how_long_it_was_seen(told, seconds):
    event = one({"event": "$pageleave", "properties": {"$prev_pageview_duration": told}})
    assert event.get("time_spent") == seconds
    if seconds is None:
        assert event["properties"] == {"$prev_pageview_duration": told}


def test_an_address_that_is_none_stays_where_it_was():
    event = one({"event": "a", "properties": {"$ip": "nowhere"}})
    assert (event.get("ip"), event["properties"]) == (None, {"$ip": "nowhere"})
    assert one({"event": "a", "properties": {"$ip": "203.0.113.7"}})["ip"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("item", "shared", "sent"),
    [
        ({}, "2026-03-01T12:00:01Z", "2026-03-01T12:00:01Z"),
        ({"sent_at": "2026-03-01T12:00:02Z"}, "2026-03-01T12:00:01Z", "2026-03-01T12:00:02Z"),
        ({"sent_at": "yesterday"}, None, None),
        ({}, {"a": 1}, None),
        ({}, True, None),
        ({"properties": {"$ignore_sent_at": True}}, "2026-03-01T12:00:01Z", None),
        ({"options": {"disable_skew_correction": True}}, "2026-03-01T12:00:01Z", None),
    ],
)
def test_the_clock_of_the_request(item, shared, sent):
    assert one({"event": "a"} | item, sent_at=shared)["sent_at"] == sent


def test_history_is_not_corrected():
    value = {
        "api_key": "k",
        "historical_migration": True,
        "sent_at": "2026-03-01T12:00:01Z",
        "batch": [HIT],
    }
    assert heard("/batch/", value).events[0]["sent_at"] is None


@pytest.mark.parametrize(
    ("offset", "created"), [(1_500, NOW - 1_500_000), (0, NOW), (-1, None), (1e300, None), (True, None)]
)
def test_an_offset_is_time_before_the_receipt(offset, created):
    event = one({"event": "a", "offset": offset})
    assert event.get("created_at") == created
    assert "properties" not in event


def test_an_event_without_a_uuid_gets_an_id_by_its_bytes():
    hit = {"event": "a", "distinct_id": "ada", "timestamp": "2026-03-01T12:00:00Z", "api_key": "k"}
    first, again = heard("/capture/", hit).events[0], heard("/capture/", hit).events[0]
    other = heard("/capture/", hit | {"timestamp": "2026-03-01T12:00:01Z"}).events[0]
    twice = heard("/batch/", {"api_key": "k", "batch": [hit, hit]}).events
    assert first["event_id"] == again["event_id"] != other["event_id"]
    assert len({event["event_id"] for event in twice}) == 2


def test_without_any_clock_each_request_counts():
    assert (
        heard("/capture/", {"event": "a", "distinct_id": "ada", "api_key": "k"}).events[0]["event_id"]
        is None
    )


def test_recordings_are_answered_and_not_kept():
    batch = [{"event": "$snapshot", "uuid": "r"}, HIT, {"event": "$snapshot_items"}]
    found = heard("/e/", {"api_key": "k", "batch": batch})
    assert [event["event_id"] for event in found.events] == [HIT["uuid"]]
    assert ENDPOINTS["/s/"].answer(asked("/s/")).status == 200


@pytest.mark.parametrize(("item", "name"), [({}, "identify"), ({"event": "a"}, "a")])
def test_engage_may_name_no_event(item, name):
    [event] = heard("/engage/", {"$token": "k", "$distinct_id": "ada", "$set": {"age": 36}} | item).events
    assert (event["event"], event["user_id"], event["user"]) == (name, "ada", {"age": 36})


SERVERS = {
    "by its agent": ({"user-agent": "posthog-python/7.91.1"}, {}),
    "by its word": ({"user-agent": "node"}, {"$is_server": True}),
}


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_a_server_is_not_the_person(server):
    headers, properties = server
    value = {"event": "a", "api_key": "k", "distinct_id": "ada", "properties": properties}
    assert heard("/capture/", value, headers=headers).unseen


@pytest.mark.parametrize(
    "agent", ["posthog-ios/3", "posthog-android/3", "posthog-react-native/4", "Mozilla/5.0", ""]
)
def test_a_phone_or_browser_is(agent):
    value = {"event": "a", "api_key": "k", "distinct_id": "ada"}
    assert not heard("/capture/", value, headers={"user-agent": agent}).unseen


V1_HEADERS = {
    "authorization": "Bearer phc_k",
    "posthog-sdk-info": "posthog-python/7.91.1",
    "posthog-request-timestamp": "2026-03-01T12:00:01Z",
}
V1_HIT = {
    "event": "Order Completed",
    "uuid": "u1",
    "distinct_id": "anon-9",
    "timestamp": "2026-03-01T12:00:00Z",
    "session_id": "s1",
    "window_id": "w1",
    "options": {"process_person_profile": False, "product_tour_id": "tour"},
    "properties": {"revenue": 19, "$set": {"age": 36}},
}


def v1(batch, **more):
    value = {"created_at": "2026-03-01T12:00:01Z", "batch": batch} | more
    return heard("/i/v1/analytics/events", value, headers=V1_HEADERS)


def test_v1_says_in_headers_and_options_what_v0_says_in_properties():
    found = v1([V1_HIT])
    assert (found.key, found.extra) == ("phc_k", ["u1"])
    assert found.events == [
        {
            "event": "Order Completed",
            "event_id": "u1",
            "anonymous_id": "anon-9",
            "created_at": "2026-03-01T12:00:00Z",
            "sent_at": "2026-03-01T12:00:01Z",
            "session_id": "s1",
            "value": 19,
            "user": {"age": 36},
            "properties": {
                "$window_id": "w1",
                "$process_person_profile": False,
                "$product_tour_id": "tour",
                "$lib": "posthog-python",
                "$lib_version": "7.91.1",
            },
        }
    ]
    assert v1([V1_HIT], historical_migration=True).events[0]["sent_at"] is None


def test_v1_answers_for_each_event():
    endpoint = ENDPOINTS["/i/v1/analytics/events"]
    found = v1([V1_HIT, V1_HIT | {"uuid": "u2"}, 7, V1_HIT | {"uuid": ["u3"]}])
    reply = endpoint.reply(asked(endpoint.path), found, Told(1, 1, [(1, ["too long", "too late"])]))
    assert (reply.status, json.loads(reply.body)) == (
        200,
        {"results": {"u1": {"result": "ok"}, "u2": {"result": "drop", "details": "too long; too late"}}},
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"batch":[]}', b'{"batch":7}'])
def test_v1_refuses_what_is_no_batch(body):
    with pytest.raises(Unheard):
        heard("/i/v1/analytics/events", body=body, headers=V1_HEADERS)


def test_v0_is_told_yes_and_no_by_the_status():
    endpoint = ENDPOINTS["/e/"]
    found = heard("/e/", [HIT, {"token": "phc_k"}])
    request = asked("/e/")
    assert json.loads(endpoint.reply(request, found, Told(2)).body) == {"status": "Ok"}
    some = endpoint.reply(request, found, Told(1, 0, [(1, ["no event"])]))
    assert (some.status, json.loads(some.body)["status"]) == (200, "Ok")
    none = endpoint.reply(request, found, Told(0, 0, [(0, ["a"]), (1, ["b"])]))
    assert (none.status, json.loads(none.body)["detail"]) == (400, "no event was right; a; b")


@pytest.mark.parametrize(
    ("path", "words"), [("/e/", "detail"), ("/i/v1/analytics/events", "error_description")]
)
def test_a_refusal_is_in_the_clients_words(path, words):
    reply = POSTHOG.refuse(asked(path), Refusal("unavailable", 503, "full", ("wait",), 30))
    assert (reply.status, json.loads(reply.body)[words]) == (503, "full; wait")
    assert dict(reply.headers)["retry-after"] == "30"


def answer(path, **params):
    return ENDPOINTS[path].answer(asked(path, method="GET")._replace(params=params))


def test_what_the_browser_boots_with():
    config = json.loads(answer("/array/{token}/config", token="phc_k").body)
    assert (config["token"], config["autocapture_opt_out"]) == ("phc_k", False)
    assert config["analytics"]["endpoint"] in ENDPOINTS
    script = answer("/array/{token}/config.js", token="phc_k").body.decode()
    assert json.dumps(config, separators=(",", ":")) in script
    assert dict(answer("/array/{token}/config.js", token="k").headers)["content-type"].startswith(
        "text/javascript"
    )


@given(st.text(min_size=1))
def test_a_token_cannot_leave_its_quotes(token):
    script = answer("/array/{token}/config.js", token=token).body.decode()
    _, _, rest = script.partition("w._POSTHOG_REMOTE_CONFIG[")
    name, end = json.JSONDecoder().raw_decode(rest)
    assert name == token
    assert rest[end:].startswith("]={")


@pytest.mark.parametrize("path", ["/flags", "/flags/", "/decide", "/decide/"])
def test_there_are_no_flags(path):
    told = json.loads(answer(path).body)
    assert (told["flags"], told["errorsWhileComputingFlags"]) == ({}, False)


@pytest.mark.parametrize("path", ["/flags/definitions", "/api/feature_flag/local_evaluation/"])
def test_there_are_no_definitions(path):
    assert json.loads(answer(path).body) == {"flags": [], "group_type_mapping": {}, "cohorts": {}}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=5)
            | st.lists(st.integers(), max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "$set",
                        "token",
                        "distinct_id",
                        "$screen_width",
                        "$screen_height",
                        "$elements",
                        "alias",
                    ]
                ),
                st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
                max_size=3,
            )
            for name in (
                *("event", "uuid", "distinct_id", "timestamp", "properties", "options", "offset"),
                *("$set", "$set_once", "sent_at", "api_key", "session_id"),
            )
        },
    )
)
def test_hostile_values_make_an_event_or_none_but_no_error(item):
    for name in (item.get("event"), "$autocapture", "$create_alias", "$groupidentify"):
        assert isinstance(one(item | {"event": name}), dict)
