"""Snowplow's tracker protocol, pure: every kind of event, the envelopes, and what can't be read."""

import base64
import json
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.intake import Policy, take
from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.snowplow import SNOWPLOW
from footfall.core.record import Sender
from footfall.core.scrub import plan_for
from footfall.core.validate import narrowed

TP2 = "/com.snowplowanalytics.snowplow/tp2"
PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
SP = "com.snowplowanalytics.snowplow"
SHOP = "com.snowplowanalytics.snowplow.ecommerce"
ENDPOINTS = {endpoint.path: endpoint for endpoint in SNOWPLOW.endpoints}
NOW = 1_790_000_000_000_000


def post(*items, schema=PAYLOAD, query=None, headers=None):
    body = msgspec.json.encode({"schema": schema, "data": list(items)})
    return Request("POST", TP2, query or {}, headers or {}, body, received_at=NOW)


def get(query, path="/i", headers=None):
    return Request("GET", path, query, headers or {}, received_at=NOW)


def heard(request):
    return ENDPOINTS[request.path].read(request)


def one(item, **more):
    [event] = heard(post(item, **more)).events
    return event


def self_describing(key, data, version="1-0-0"):
    vendor, name = key.split("/")
    return {"schema": f"iglu:{vendor}/{name}/jsonschema/{version}", "data": data}


def unstruct(key, data):
    return {"schema": f"iglu:{SP}/unstruct_event/jsonschema/1-0-0", "data": self_describing(key, data)}


def contexts(*entities):
    data = [self_describing(*entity) for entity in entities]
    return {"schema": f"iglu:{SP}/contexts/jsonschema/1-0-0", "data": data}


def b64(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def accepted(events):
    return take(
        msgspec.json.encode(list(events)),
        policy=Policy(None, plan_for({}, b"k" * 32)),
        origin="snowplow",
        received_at=NOW,
        sender=Sender(),
    )


PAIRS = {
    "p": "web",
    "tv": "js-4.10.1",
    "tna": "sp",
    "aid": "shop",
    "eid": "0f9a2c5e-2f4e-4f3a-9c9b-0a8a5d8a3a11",
    "uid": "ada",
    "duid": "dev-1",
    "nuid": "net-1",
    "sid": "ses-1",
    "vid": "3",
    "dtm": "1789999990000",
    "stm": "1789999999000",
    "url": "https://shop.example/a?utm_source=news",
    "refr": "https://t.co/x",
    "page": "A page",
    "res": "1920x1080",
    "vp": "1200x700",
    "lang": "de-DE",
    "tz": "Europe/Berlin",
    "cookie": "1",
    "ua": "Mozilla/5.0",
    "ip": "203.0.113.7",
}
SAME = {
    "event_id": "0f9a2c5e-2f4e-4f3a-9c9b-0a8a5d8a3a11",
    "user_id": "ada",
    "anonymous_id": "dev-1",
    "session_id": "ses-1",
    "created_at": "1789999990000",
    "sent_at": "1789999999000",
    "url": "https://shop.example/a?utm_source=news",
    "referrer": "https://t.co/x",
    "title": "A page",
    "screen": "1920x1080",
    "language": "de-DE",
    "timezone": "Europe/Berlin",
    "user_agent": "Mozilla/5.0",
    "ip": "203.0.113.7",
}
REST = {
    "p": "web",
    "tv": "js-4.10.1",
    "tna": "sp",
    "aid": "shop",
    "nuid": "net-1",
    "vid": 3,
    "vp": "1200x700",
    "cookies_enabled": 1,
}


def test_a_page_view_by_post_and_by_get_is_the_same_event():
    posted = heard(post(PAIRS | {"e": "pv"}))
    assert posted.events == [SAME | {"event": "page_view", "properties": REST}]
    assert (posted.key, posted.app, posted.unseen) == ("shop", "shop", False)
    for path in ("/i", "/ice.png", TP2):
        assert heard(get(PAIRS | {"e": "pv"}, path)) == posted


def test_a_page_ping_has_its_scroll_and_the_interval_that_the_query_tells():
    ping = PAIRS | {"e": "pp", "pp_mix": "0", "pp_max": "10", "pp_miy": "0", "pp_may": "1200"}
    event = one(ping)
    assert event["event"] == "page_ping"
    assert event["properties"] == REST | {"pp_mix": 0, "pp_max": 10, "pp_miy": 0, "pp_may": 1200}
    assert "time_spent" not in event
    assert one(ping, query={"heartbeat": "10"}) == event | {"time_spent": 10}
    view = one(PAIRS | {"e": "pv"}, query={"heartbeat": "10"})
    assert "time_spent" not in view
    assert "heartbeat" not in view["properties"]


@pytest.mark.parametrize("told", ["0", "-5", "1e9", "nan", "soon"])
def test_an_impossible_interval_is_kept_as_it_came(told):
    event = one(PAIRS | {"e": "pp"}, query={"heartbeat": told})
    assert "time_spent" not in event
    assert event["properties"]["heartbeat"] == told


@pytest.mark.parametrize("kind", ["se", "ev"])
def test_a_structured_event_is_its_action(kind):
    own = {
        f"{kind}_ca": "shop",
        f"{kind}_ac": "Add to basket",
        f"{kind}_la": "shoe",
        f"{kind}_pr": "red",
        f"{kind}_va": "19.5",
    }
    event = one(PAIRS | own | {"e": kind})
    assert (event["event"], event["value"]) == ("Add to basket", 19.5)
    assert event["properties"] == REST | {"category": "shop", "label": "shoe", "property": "red"}


@pytest.mark.parametrize("name", ["px", "pr"])
def test_a_self_describing_event_stands_whole_under_its_schema(name):
    envelope = unstruct("com.acme/save_game", {"level": 5, "name": "ü?>"})
    told = b64(envelope) if name == "px" else json.dumps(envelope)
    event = one(PAIRS | {"e": "ue", f"ue_{name}": told})
    assert event["event"] == "save_game"
    assert event["properties"] == REST | {
        "com.acme/save_game": {"level": 5, "name": "ü?>"},
        "schemas": ["iglu:com.acme/save_game/jsonschema/1-0-0"],
    }


def test_base64_is_read_in_every_spelling():
    envelope = unstruct("com.acme/x", {"text": "???>>>~~~ÿÿÿ"})
    safe = base64.urlsafe_b64encode(json.dumps(envelope, ensure_ascii=False).encode()).decode()
    plain = safe.replace("-", "+").replace("_", "/")
    assert plain != safe
    for told in (safe, safe.rstrip("="), plain, plain.replace("+", " ")):
        assert one({"e": "ue", "ue_px": told})["event"] == "x"


@pytest.mark.parametrize(("name", "encode"), [("cx", b64), ("co", json.dumps)])
def test_contexts_stand_under_their_schemas(name, encode):
    told = contexts(
        (f"{SP}/web_page", {"id": "page-1"}),
        ("com.acme/tag", {"n": 1}),
        ("com.acme/tag", {"n": 2}, "1-0-3"),
    )
    event = one(PAIRS | {"e": "pv", name: encode(told)})
    assert event["properties"] == REST | {
        f"{SP}/web_page": {"id": "page-1"},
        "com.acme/tag": [{"n": 1}, {"n": 2}],
        "schemas": [
            f"iglu:{SP}/web_page/jsonschema/1-0-0",
            "iglu:com.acme/tag/jsonschema/1-0-0",
            "iglu:com.acme/tag/jsonschema/1-0-3",
        ],
    }


def test_the_session_context_fills_what_the_pairs_leave_open():
    session = contexts((f"{SP}/client_session", {"userId": "u-1", "sessionId": "s-1", "sessionIndex": 2}))
    told = {"e": "pv", "co": json.dumps(session)}
    assert one(told).items() >= {"anonymous_id": "u-1", "session_id": "s-1"}.items()
    full = one(PAIRS | told)
    assert full.items() >= {"anonymous_id": "dev-1", "session_id": "ses-1"}.items()


@pytest.mark.parametrize(
    ("data", "element"),
    [
        ({"targetUrl": "https://x.example", "elementId": "buy", "elementContent": "Buy"}, "buy"),
        ({"targetUrl": "https://x.example", "elementContent": "Buy"}, "Buy"),
        ({"targetUrl": "https://x.example"}, "https://x.example"),
    ],
)
def test_a_link_click_names_its_element(data, element):
    event = one({"e": "ue", "ue_pr": json.dumps(unstruct(f"{SP}/link_click", data))})
    assert (event["event"], event["element"]) == ("link_click", element)
    assert event["properties"][f"{SP}/link_click"] == data


def test_a_screen_view_and_its_summary():
    view = {"id": "s1", "name": "Basket"}
    summary = contexts(("com.snowplowanalytics.mobile/screen_summary", {"foreground_sec": 12.5}))
    told = json.dumps(unstruct("com.snowplowanalytics.mobile/screen_view", view))
    event = one({"e": "ue", "ue_pr": told, "co": json.dumps(summary)})
    assert event.items() >= {"event": "screen_view", "title": "Basket", "time_spent": 12.5}.items()


def test_a_transaction_and_its_item():
    order = {"tr_id": "o1", "tr_tt": "40.5", "tr_cu": "EUR", "tr_af": "web", "tr_tx": "6", "tr_co": "DE"}
    event = one(PAIRS | order | {"e": "tr"})
    assert event.items() >= {"event": "transaction", "value": 40.5, "currency": "EUR"}.items()
    assert "country" not in event
    assert event["properties"] == REST | {
        "transaction_id": "o1",
        "affiliation": "web",
        "tax": 6,
        "country": "DE",
    }
    item = {"ti_id": "o1", "ti_sk": "p1", "ti_nm": "Shoe", "ti_ca": "a", "ti_pr": "20.25", "ti_qu": "2"}
    event = one(PAIRS | item | {"e": "ti", "ti_cu": "EUR"})
    assert (event["event"], event["currency"], "value" in event) == ("transaction_item", "EUR", False)
    entry = {"item_id": "p1", "item_name": "Shoe", "item_category": "a", "price": 20.25, "quantity": 2}
    assert event["properties"] == REST | {"transaction_id": "o1", "items": [entry]}


@pytest.mark.parametrize("name", ["add_to_cart", "remove_from_cart"])
def test_a_cart_has_value_currency_and_items(name):
    data = {"sku": "p1", "name": "Shoe", "unitPrice": 9.5, "quantity": 2, "currency": "EUR"}
    event = one({"e": "ue", "ue_px": b64(unstruct(f"{SP}/{name}", data))})
    assert event.items() >= {"event": name, "value": 19.0, "currency": "EUR"}.items()
    entry = {"item_id": "p1", "item_name": "Shoe", "price": 9.5, "quantity": 2, "currency": "EUR"}
    assert event["properties"]["items"] == [entry]


def shopping(kind, *entities):
    told = unstruct(f"{SHOP}/snowplow_ecommerce_action", {"type": kind, "name": "list"})
    return one({"e": "ue", "ue_pr": json.dumps(told), "co": json.dumps(contexts(*entities))})


def test_the_ecommerce_plugin_names_its_action_and_gives_products():
    product = (
        f"{SHOP}/product",
        {"id": "p1", "category": "c", "price": 5, "quantity": 3, "currency": "EUR"},
    )
    cart = (f"{SHOP}/cart", {"total_value": 99, "currency": "EUR"})
    event = shopping("add_to_cart", product, cart)
    assert event.items() >= {"event": "add_to_cart", "value": 15.0, "currency": "EUR"}.items()
    assert event["properties"]["items"][0].items() >= {"item_id": "p1", "price": 5}.items()
    assert event["properties"][f"{SHOP}/cart"] == {"total_value": 99, "currency": "EUR"}
    assert "value" not in shopping("product_view", product)
    order = (f"{SHOP}/transaction", {"transaction_id": "o1", "revenue": 40, "currency": "USD"})
    event = shopping("transaction", order, product)
    assert event.items() >= {"event": "transaction", "value": 40, "currency": "USD"}.items()
    assert event["properties"]["transaction_id"] == "o1"


def test_a_shop_context_beside_another_event_is_no_sale():
    order = contexts((f"{SHOP}/transaction", {"transaction_id": "o1", "revenue": 40, "currency": "USD"}))
    event = one({"e": "pv", "co": json.dumps(order)})
    assert not event.keys() & {"value", "currency"}


def test_the_true_time_is_not_shifted_by_the_devices_clock():
    event = one(PAIRS | {"e": "pv", "ttm": "1700000000000"})
    assert event["created_at"] == "1700000000000"
    assert "sent_at" not in event
    assert event["properties"].items() >= {"dtm": "1789999990000", "stm": "1789999999000"}.items()


def test_the_query_overrides_every_event():
    told = heard(post({"e": "pv", "aid": "a", "uid": "x"}, {"e": "pp"}, query={"aid": "b", "uid": "ada"}))
    assert [event["user_id"] for event in told.events] == ["ada", "ada"]
    assert (told.key, told.app) == ("b", "b")


def test_a_write_key_in_the_query_stays_out_of_the_events():
    event = one({"e": "pv"}, query={"write_key": "w"})
    assert "properties" not in event


def test_an_empty_post_with_a_query_is_one_event():
    [event] = heard(Request("POST", TP2, {"e": "pv", "url": "https://a.example/"}, {})).events
    assert event == {"event": "page_view", "url": "https://a.example/"}


def test_each_event_of_another_app_names_it_unless_a_key_stands_beside():
    items = ({"e": "pv", "aid": "shop"}, {"e": "pv", "aid": "blog"}, {"e": "pv"})
    told = heard(post(*items))
    assert [event.get("app_id") for event in told.events] == [None, "blog", None]
    assert told.app == "shop"
    for headers, query in (
        ({"x-write-key": "k"}, {}),
        ({"authorization": "Bearer k"}, {}),
        ({}, {"write_key": "k"}),
    ):
        assert all(
            "app_id" not in each for each in heard(post(*items, headers=headers, query=query)).events
        )


def test_anonymous_requests_give_up_address_and_network_id():
    headers = {"sp-anonymous": "*", "user-agent": "Agent/1"}
    told = heard(post({"e": "pv", "ip": "203.0.113.7", "nuid": "n", "tnuid": "t"}, headers=headers))
    assert told.unseen
    assert told.events == [{"event": "page_view", "user_agent": "Agent/1"}]


def test_the_referer_is_the_page_where_the_tracker_tells_none():
    headers = {"referer": "https://shop.example/b"}
    assert heard(get({"e": "pv"}, headers=headers)).events[0]["url"] == "https://shop.example/b"
    assert heard(get({"e": "pv", "url": "u"}, headers=headers)).events[0]["url"] == "u"


def test_an_event_without_an_id_is_known_by_its_bytes_but_for_the_sending():
    view = {"e": "pv", "dtm": "1789999990000", "url": "https://a.example/", "stm": "1"}
    made = one(view)["event_id"]
    assert one(dict(reversed(view.items())) | {"stm": "2"})["event_id"] == made
    assert one(view | {"dtm": "1789999990001"})["event_id"] != made
    assert "event_id" not in one({"e": "pv", "url": "https://a.example/"})


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"e": "xx"},
        {"e": 5},
        {"e": "se", "se_ca": "c"},
        {"e": "ue"},
        {"e": "ue", "ue_px": "%%%"},
        {"e": "ue", "ue_px": b64({"schema": "x", "data": {"schema": "no uri", "data": {}}})},
        {"e": "ue", "ue_pr": "[1, 2]"},
        "text",
        7,
        None,
        ["pv"],
    ],
)
def test_what_is_no_event_is_refused_alone_and_kept(item):
    told = heard(post({"e": "pv"}, item))
    taken = accepted(told.events)
    assert (taken.accepted, [index for index, _ in taken.rejected]) == (1, [1])
    reply = ENDPOINTS[TP2].reply(post(item), told, Told(1, 0, taken.rejected))
    assert (reply.status, reply.body) == (200, b"ok")


def test_a_context_that_cannot_be_read_stays_as_it_came():
    broken = [
        "%%%",
        b64([1]),
        b64({"schema": "x", "data": {"schema": "y"}}),
        b64({"schema": "x", "data": [{"schema": "y", "data": {}}]}),
    ]
    for told in broken:
        event = one({"e": "pv", "cx": told})
        assert event == {"event": "page_view", "properties": {"cx": told}}


def test_a_pair_with_the_name_of_ours_is_kept_beside():
    told = contexts(("com.acme/tag", {"n": 1}))
    event = one({"e": "pv", "schemas": "mine", "com.acme/tag": "mine", "co": json.dumps(told)})
    assert event["properties"]["com.acme/tag"] == {"n": 1}
    assert event["properties"]["top_level.com.acme/tag"] == "mine"
    assert event["properties"]["top_level.schemas"] == "mine"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "no JSON object"),
        (b"", "empty"),
        (msgspec.json.encode({"schema": PAYLOAD, "data": []}), "data is missing"),
        (msgspec.json.encode({"schema": PAYLOAD, "data": {"e": "pv"}}), "data is missing"),
        (msgspec.json.encode({"data": [{"e": "pv", "aid": "a"}]}), "schema"),
        (msgspec.json.encode({"schema": PAYLOAD.replace("1-0-4", "2-0-0"), "data": [{}]}), "schema"),
        (msgspec.json.encode({"schema": 4, "data": [{"e": "pv"}]}), "schema"),
    ],
)
def test_a_body_without_events_is_not_heard(body, why):
    with pytest.raises(Unheard, match=why) as found:
        heard(Request("POST", TP2, {}, {}, body))
    assert found.value.status == 400
    assert found.value.key == ("a" if b'"a"' in body else None)


def test_a_get_is_answered_with_an_image():
    request = get({"e": "pv"})
    reply = ENDPOINTS["/i"].reply(request, heard(request), Told(1))
    assert (reply.status, dict(reply.headers)["content-type"]) == (200, "image/gif")
    assert not [name for name, _ in reply.headers if name.lower() == "set-cookie"]


@pytest.mark.parametrize(
    ("kind", "status", "seconds", "told"),
    [
        ("too_large", 413, None, 400),
        ("unreadable", 415, None, 400),
        ("unreadable", 400, None, 400),
        ("key", 401, None, 401),
        ("origin", 403, None, 403),
        ("too_fast", 429, 1, 429),
        ("unavailable", 503, 5, 503),
    ],
)
def test_a_refusal_is_final_unless_sending_again_helps(kind, status, seconds, told):
    reply = SNOWPLOW.refuse(post(), Refusal(kind, status, "no", ("because",), seconds))
    assert (reply.status, reply.body) == (told, b"no; because")
    assert (told in (400, 401, 403, 410, 422)) == (seconds is None)


def test_a_pixel_of_the_arduino_tracker_is_read():
    # From the protocol's documentation: a structured event of an IoT device.
    pixel = (
        "http://c/i?e=se&se_ca=scoring&se_ac=loaded&se_la=&se_va=4.5"
        "&mac=00%3A00&tid=118122&tv=arduino-0.1.0&p=iot"
    )
    [event] = heard(get(dict(parse_qsl(urlsplit(pixel).query)))).events
    assert (event["event"], event["value"]) == ("loaded", 4.5)
    assert event["properties"].items() >= {"mac": "00:00", "tid": "118122", "p": "iot"}.items()


TEXTS = st.text(max_size=12) | st.sampled_from(["inf", "9" * 400, "1e999", "eyJ9", "{}", "[" * 90])


@settings(deadline=None)
@given(
    st.sampled_from(["pv", "pp", "se", "ue", "tr", "ti", "ad", "ev", ""]),
    st.dictionaries(
        st.sampled_from(
            [*PAIRS, "ue_px", "ue_pr", "cx", "co", "se_ac", "se_va", "tr_tt", "ti_pr", "ttm", "x"]
        ),
        TEXTS | st.integers() | st.lists(st.none(), max_size=1),
    ),
)
def test_hostile_values_are_heard_and_nothing_is_lost(kind, pairs):
    told = heard(post(pairs | {"e": kind}))
    [event] = told.events
    taken = accepted([narrowed(event)])
    assert taken.accepted + len(taken.rejected) == 1
    for name in ("x", "aid", "p", "vp"):
        if isinstance(value := pairs.get(name), str) and value:
            assert event["properties"][name] == value


entity_data = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(-(2**63), 2**63 - 1),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["price", "quantity", "type", "sku", "id"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.sampled_from([f"{SP}/add_to_cart", f"{SHOP}/snowplow_ecommerce_action", "com.acme/x"]),
    entity_data,
    entity_data,
)
def test_any_data_of_a_schema_is_heard(key, data, product):
    told = {"e": "ue", "ue_pr": msgspec.json.encode(unstruct(key, data)).decode()}
    told["co"] = msgspec.json.encode(contexts((f"{SHOP}/product", product))).decode()
    event = one(told)
    taken = accepted([event])
    assert taken.accepted + len(taken.rejected) == 1


def test_the_consoles_example_is_read():
    example = SNOWPLOW.example("event-1", "shop", NOW)
    told = heard(Request(example.method, example.path, {}, dict(example.headers), example.body))
    [event] = told.events
    assert (event["event"], event["event_id"], told.key) == ("test_event", "event-1", "shop")
