"""Matomo's hits, single and in bulk, from its documentation: what each becomes and how it is answered."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.intake import Policy, take
from footfall.core.protocols.exchange import Refusal, Request, Told, Unheard
from footfall.core.protocols.matomo import KINDS, MATOMO
from footfall.core.protocols.reading import GIF, query_of
from footfall.core.record import Sender
from footfall.core.scrub import plan_for

NOW = 1_790_000_000_000_000
SITE = "idsite=shop&rec=1"
ENDPOINT = MATOMO.endpoints[0]


def heard(query="", body=b"", headers=None, **more):
    method = "POST" if body else "GET"
    return ENDPOINT.read(
        Request(method, "/matomo.php", query_of(query), headers or {}, body, received_at=NOW, **more)
    )


def event(query, **more):
    [found] = heard(f"{SITE}&{query}", **more).events
    return found


def taken(events):
    return take(
        msgspec.json.encode(events),
        policy=Policy(None, plan_for({}, b"k" * 32)),
        origin="matomo",
        received_at=NOW,
        sender=Sender(),
    )


def test_a_page_view_has_the_visitor_the_page_and_the_screen():
    found = event(
        "action_name=Game%20%2F%20Register&url=https%3A%2F%2Fshop.example%2Fr%3Fa%3D1&_id=0123456789abcdef"
        "&uid=ada&urlref=https://t.co/x&rand=351459&h=14&m=3&s=7&res=1280x1024&lang=de-AT,de;q=0.8&apiv=1"
        "&ua=Mozilla/5.0&cip=203.0.113.9&country=de&cdt=1790000000&pv_id=aB3xYz&dimension1=gold&cookie=1"
        "&pf_net=12&pf_dm1=105&_idvc=3&send_image=1&token_auth=0123456789abcdef0123456789abcdef"
    )
    assert len(found.pop("event_id")) == 32
    assert found == {
        "event": "page_view",
        "user_id": "ada",
        "anonymous_id": "0123456789abcdef",
        "created_at": "2026-09-21T14:13:20+00:00",
        "url": "https://shop.example/r?a=1",
        "referrer": "https://t.co/x",
        "title": "Game / Register",
        "user_agent": "Mozilla/5.0",
        "language": "de-AT",
        "screen": "1280x1024",
        "ip": "203.0.113.9",
        "country": "de",
        "properties": {
            "local_hour": 14,
            "local_minute": 3,
            "local_second": 7,
            "pv_id": "aB3xYz",
            "dimension1": "gold",
            "cookie": "1",
            "pf_net": 12,
            "pf_dm1": 105,
            "_idvc": "3",
        },
    }


KINDS_OF_HITS = [
    ("url=https://a.b/", "page_view", {}),
    ("url=https://a.b/&ping=1&pv_id=x", "page_ping", {"pv_id": "x"}),
    ("url=https://a.b/&ping=0", "page_view", {"ping": "0"}),
    (
        "e_c=Videos&e_a=Play&e_n=Trailer&e_v=2.5",
        "Play",
        {"event_category": "Videos", "event_name": "Trailer"},
    ),
    ("e_c=Videos", "event", {"event_category": "Videos"}),
    (
        "search=shoes&search_cat=men&search_count=0",
        "search",
        {"search_term": "shoes", "search_category": "men", "search_count": 0},
    ),
    ("download=https://a.b/x.pdf&url=https://a.b/", "download", {"link_url": "https://a.b/x.pdf"}),
    ("link=https://c.d/&url=https://a.b/", "click", {"link_url": "https://c.d/", "outbound": True}),
    (
        "c_n=ad&c_p=x.png&c_t=https://a.b/l",
        "content_impression",
        {"content_name": "ad", "content_piece": "x.png", "content_target": "https://a.b/l"},
    ),
    ("c_n=ad&c_i=click", "content_interaction", {"content_name": "ad", "content_interaction": "click"}),
    ("idgoal=4&revenue=3.5", "goal", {"goal_id": "4"}),
    ("idgoal=0&revenue=30", "cart_update", {}),
    ("ca=1&media=x", "custom_action", {"media": "x"}),
]


@pytest.mark.parametrize(("query", "name", "properties"), KINDS_OF_HITS, ids=lambda v: str(v)[:30])
def test_each_kind_of_hit_has_its_event(query, name, properties):
    found = event(query)
    assert found["event"] == name
    assert found.get("properties", {}) == properties


def test_every_kind_is_told_apart():
    names = {event(query)["event"] for query, _, _ in KINDS_OF_HITS} | {event("idgoal=0&ec_id=7")["event"]}
    assert set(KINDS) - names == set()


def test_an_event_has_a_value_and_a_goal_its_revenue():
    assert event("e_c=a&e_a=b&e_v=2.5")["value"] == 2.5
    assert event("idgoal=4&revenue=3.5")["value"] == 3.5


def test_an_order_has_value_parts_and_items():
    items = msgspec.json.encode([["sku1", "Shoe", ["Men", "Sport"], 8.5, 2], ["sku2", "Sock"]]).decode()
    body = msgspec.json.encode(
        {
            "requests": [
                {
                    "idsite": "shop",
                    "rec": 1,
                    "idgoal": 0,
                    "ec_id": "A-7",
                    "revenue": 25,
                    "ec_st": 20,
                    "ec_tx": "3",
                    "ec_sh": 2,
                    "ec_dt": 0,
                    "ec_items": items,
                }
            ]
        }
    )
    [found] = heard(body=body).events
    assert found == {
        "event": "purchase",
        "value": 25,
        "properties": {
            "order_id": "A-7",
            "subtotal": 20,
            "tax": 3,
            "shipping": 2,
            "discount": 0,
            "items": [
                {
                    "sku": "sku1",
                    "name": "Shoe",
                    "category": ["Men", "Sport"],
                    "price": 8.5,
                    "quantity": 2,
                },
                {"sku": "sku2", "name": "Sock"},
            ],
        },
    }


def test_a_product_view_keeps_its_product():
    found = event('_pks=s1&_pkn=Shoe&_pkc=["Men","Sport"]&_pkp=8.5')
    assert found["properties"] == {
        "product_sku": "s1",
        "product_name": "Shoe",
        "product_category": ["Men", "Sport"],
        "product_price": 8.5,
    }
    assert event("_pkc=Men")["properties"] == {"product_category": "Men"}


def test_custom_variables_and_client_hints_are_read():
    found = event('_cvar={"1":["Plan","pro"]}&cvar={"2":["a","b"]}&uadata={"platform":"macOS"}')
    assert found["properties"] == {
        "_cvar": {"1": ["Plan", "pro"]},
        "cvar": {"2": ["a", "b"]},
        "uadata": {"platform": "macOS"},
    }
    assert event("cvar={broken")["properties"] == {"cvar": "{broken"}


@pytest.mark.parametrize(
    ("url", "utm"),
    [
        (
            "https://a.b/?mtm_campaign=spring+sale&mtm_kwd=red%20shoe&mtm_source=n&mtm_medium=email&mtm_content=x",
            {
                "utm_campaign": "spring sale",
                "utm_term": "red shoe",
                "utm_source": "n",
                "utm_medium": "email",
                "utm_content": "x",
            },
        ),
        ("https://a.b/#pk_campaign=c&pk_keyword=k", {"utm_campaign": "c", "utm_term": "k"}),
        ("https://a.b/?x=mtm_campaign", {}),
    ],
)
def test_a_campaign_is_taken_out_of_the_address(url, utm):
    [found] = heard(
        body=msgspec.json.encode({"requests": [{"idsite": 1, "rec": 1, "url": url}]}), headers={}
    ).events
    assert found.get("properties", {}) == utm


def test_the_campaign_of_the_visit_is_stronger_than_that_of_the_address():
    found = event("_rcn=summer&_rck=hat&url=https://a.b/?pk_campaign=c")
    assert found["properties"] == {"utm_campaign": "summer", "utm_term": "hat"}


def test_times_are_the_clients_where_it_gives_them():
    assert event("cdt=2026-03-01 12:00:00")["created_at"] == "2026-03-01T12:00:00+00:00"
    assert event("cdt=2026-03-01 12:00:00&cdo=60")["created_at"] == "2026-03-01T11:59:00+00:00"
    assert event("cdo=60")["created_at"] == "2026-09-21T14:12:20+00:00"
    assert "created_at" not in event("cdt=yesterday")
    assert event("cdt=yesterday")["properties"] == {"cdt": "yesterday"}
    assert "created_at" not in event("cdo=1e300")
    assert event("cdt=0002-01-01&cdo=600000000")["created_at"] < "1990"


def test_an_id_is_made_of_what_tells_hits_apart():
    for query in ("rand=12", "r=12", "cdt=1790000000"):
        assert event(query)["event_id"] == event(query, mark="other")["event_id"]
        assert event(query)["event_id"] != event(f"{query}1")["event_id"]
        assert event(query)["event_id"] != event(f"{query}&url=https://a.b/")["event_id"]
        assert event(query)["event_id"] != event(query, headers={"user-agent": "x"})["event_id"]
        assert event(query)["event_id"] != event(query, secret=b"other")["event_id"]
    assert event("rand=1&token_auth=a")["event_id"] == event("rand=1&token_auth=b")["event_id"]
    assert event("rand=1&cip=1.2.3.4")["event_id"] == event("rand=1&cip=1.2.3.5")["event_id"]


def test_without_it_the_same_visitor_is_told_by_the_time_and_nobody_by_nothing():
    for name in ("_id", "uid", "cid", "cip"):
        assert event(f"{name}=1.2.3.4", mark="m")["event_id"] == "m-0"
    assert "event_id" not in event("url=https://a.b/", mark="m")


def test_the_same_hit_has_one_id_alone_and_in_bulk():
    body = msgspec.json.encode({"requests": [f"?{SITE}&rand=4&url=https://a.b/"]})
    assert heard(body=body).events[0]["event_id"] == event("rand=4&url=https://a.b/")["event_id"]


def test_a_hit_may_come_in_the_body_as_a_form():
    found = heard(body=b"idsite=shop&rec=1&action_name=A%20b", query="url=https://a.b/")
    assert found.key == "shop"
    assert found.events == [{"event": "page_view", "title": "A b", "url": "https://a.b/"}]


def test_an_image_in_a_page_has_its_page_in_the_referer():
    headers = {"referer": "https://shop.example/mail"}
    assert event("action_name=x", headers=headers)["url"] == "https://shop.example/mail"
    assert event("url=https://a.b/", headers=headers)["url"] == "https://a.b/"
    assert "url" not in event("urlref=https://a.b/", headers=headers)


def test_a_token_is_never_kept():
    for query in (f"{SITE}&token_auth=secret", "token_auth=secret&x=1"):
        assert "secret" not in str(heard(query).events)


def answer(query="", body=b"", told=None):
    request = Request("GET", "/matomo.php", query_of(query), {}, body, received_at=NOW)
    found = ENDPOINT.read(request)
    return ENDPOINT.reply(request, found, told or Told(len(found.events)))


def test_a_single_hit_is_answered_with_an_image_or_nothing():
    reply = answer(SITE)
    assert (reply.status, reply.body) == (200, GIF)
    assert dict(reply.headers)["content-type"] == "image/gif"
    assert answer(f"{SITE}&send_image=0")[:2] == (204, b"")
    assert answer("")[:2] == (200, GIF)
    refused = answer(SITE, told=Told(0, 0, [(0, ("no", "never"))]))
    assert refused[:2] == (400, b"no; never")


def test_a_bulk_is_answered_with_its_count():
    body = {"requests": [f"?{SITE}", f"https://x/?{SITE}", "?x=1", 7]}
    told = Told(1, 1, [(2, ("no",)), (3, ("no",))])
    reply = answer(body=msgspec.json.encode(body), told=told)
    assert (reply.status, reply.body) == (200, b'{"status":"success","tracked":2,"invalid":2}')
    reply = answer(body=msgspec.json.encode(body | {"token_auth": "t"}), told=told)
    assert msgspec.json.decode(reply.body)["invalid_indices"] == [2, 3]
    assert answer(body=msgspec.json.encode(body | {"send_image": 0}), told=told).status == 204
    assert answer(body=b'{"requests": []}').body == b'{"status":"success","tracked":0,"invalid":0}'


def test_what_is_no_hit_is_refused_at_the_door_and_kept():
    found = heard(
        body=msgspec.json.encode(
            {"requests": [f"?{SITE}", "?rec=1", "?idsite=shop", "?idsite=shop&rec=0", 7]}
        )
    )
    outcome = taken(found.events)
    assert outcome.accepted == 1
    assert [index for index, _ in outcome.rejected] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"requests": 1}', b"{}", b"[]", b'{"requests": ["?idsite=1&rec=1", "?idsite=2&rec=1"]}'],
)
def test_what_is_no_bulk_is_unheard(body):
    with pytest.raises(Unheard):
        heard(body=body)


def test_a_refusal_is_in_matomos_words():
    request = Request("POST", "/matomo.php", {}, {})
    reply = MATOMO.refuse(request, Refusal("unavailable", 503, "not now", ("the disk",), 30))
    assert reply.status == 503
    assert msgspec.json.decode(reply.body) == {
        "status": "error",
        "tracked": 0,
        "invalid": 0,
        "message": "not now; the disk",
    }


NAMES = st.sampled_from(
    [field.theirs for fields in MATOMO.fields.values() for field in fields] + ["new", "dimension1"]
)
VALUES = st.text(max_size=12) | st.sampled_from(["1", "0", "-1", "1e999", "nan", "9" * 5000, "[[", '["a"]'])


@given(st.dictionaries(NAMES, VALUES | st.integers() | st.none() | st.lists(st.integers()), max_size=8))
def test_hostile_hits_are_events_or_refused(hit):
    hit = hit | {"idsite": 1, "rec": 1}
    body = msgspec.json.encode({"requests": [hit]})
    [found] = heard(body=body).events
    outcome = taken([found])
    assert outcome.accepted + len(outcome.rejected) == 1
