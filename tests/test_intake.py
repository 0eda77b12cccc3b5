"""One request in, its records out: two lanes of one meaning, every reason told, nothing personal kept."""

import json
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from personal import CLEAN, PLANTED

from footfall.core import intake
from footfall.core.event import Event, Rejected
from footfall.core.intake import DEFAULT_APP, Policy, Taken, take
from footfall.core.pixel import from_query
from footfall.core.reasons import REASONS
from footfall.core.record import AppId, Sender
from footfall.core.scrub import plan_for

PLAN = plan_for({}, b"one installation")
OPEN = Policy(None, PLAN)
SENDER = Sender(ip="203.0.113.0", country="DE", visitor_hash="0a")


def sent(body: bytes | Any, policy: Policy = OPEN, **looks: Any) -> Taken:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return take(data, policy=policy, origin="native", received_at=5, sender=SENDER, **looks)


def events(taken: Taken) -> list[Event]:
    bodies = [record.body for record in taken.records if record.kind == "events"]
    return [event for body in bodies for event in msgspec.json.decode(body, type=list[Event])]


def rejected(taken: Taken) -> list[Rejected]:
    bodies = [record.body for record in taken.records if record.kind == "rejected"]
    return [event for body in bodies for event in msgspec.json.decode(body, type=list[Rejected])]


def check_books(taken: Taken) -> None:
    for record in taken.records:
        assert record.count == len(msgspec.json.decode(record.body))
        assert (record.origin, record.received_at, record.sender) == ("native", 5, SENDER)
    assert taken.accepted == sum(r.count for r in taken.records if r.kind == "events")
    assert len(taken.rejected) == sum(r.count for r in taken.records if r.kind == "rejected")


def test_clean_events_are_kept_as_their_own_bytes() -> None:
    many = b' [ {"event": "a", "event_id": "1"},\n{"event":"b"} ] '
    assert sent(many).records[0].body is many
    one = sent(b'{"event":"a","properties":{"n":[1,{"x":null}]}}')
    assert one.records[0].body == b'[{"event":"a","properties":{"n":[1,{"x":null}]}}]'
    assert (one.accepted, one.rejected, one.keys, one.refused) == (1, (), (), None)
    assert sent(b'\xef\xbb\xbf{"event":"a"}').accepted == 1


def test_a_key_that_stands_twice_hides_nothing() -> None:
    body = (
        b'{"event":"a","title":"jane\\u0040x.com","title":"b\\u00e9","properties":{"x":"1\\u002e","x":2}}'
    )
    taken = sent(body)
    assert taken.records[0].body == '[{"event":"a","title":"b\u00e9","properties":{"x":2}}]'.encode()


def test_each_event_has_its_own_fate() -> None:
    taken = sent([{"event": "a"}, {"event": ""}, {"event": "c", "user_id": 7, "x": 1}, 5])
    assert taken.accepted == 2
    assert [index for index, _ in taken.rejected] == [1, 3]
    assert [event.event for event in events(taken)] == ["a", "c"]
    assert events(taken)[1].properties == {"x": 1}
    assert rejected(taken)[1].reasons == ["it is a number, not an object; send events as JSON objects"]
    check_books(taken)


def test_apps_are_kept_apart() -> None:
    taken = sent(
        [{"event": "a", "app_id": "x", "event_id": "1"}, {"event": "b", "event_id": "1"}, {"app_id": "x"}]
    )
    assert [(record.app_id, record.kind, record.count) for record in taken.records] == [
        ("x", "events", 1),
        (DEFAULT_APP, "events", 1),
        ("x", "rejected", 1),
    ]
    assert len(set(taken.keys)) == 2
    fixed = Policy(AppId("shop"), PLAN)
    taken = sent([{"event": "a"}, {"event": "a", "app_id": "shop"}, {"event": "a", "app_id": "x"}], fixed)
    assert {record.app_id for record in taken.records} == {"shop"}
    assert taken.rejected == ((2, ("app_id is 'x', but the write key is of 'shop'; leave app_id out",)),)
    assert sent({"event": "a", "app_id": "x"}, fixed).accepted == 0


def test_the_same_event_has_the_same_key_in_both_lanes() -> None:
    clean = sent({"event": "a", "event_id": "17"})
    assert (
        clean.keys
        == sent({"event": "a", "event_id": 17}).keys
        == sent([{"event": "a", "event_id": "17"}]).keys
    )
    assert all(-(2**63) <= key < 2**63 for key in clean.keys)
    assert clean.keys != sent({"event": "a", "event_id": "17", "app_id": "x"}).keys


PROVOKED: dict[str, bytes] = {
    "empty_body": b" ",
    "not_utf8": b'{"event":"\xff"}',
    "not_json": b"{",
    "not_events": b"5",
    "empty_array": b"[]",
    "too_deep": b'{"event":"a","properties":' + b'{"a":' * 64 + b"1" + b"}" * 65,
    "lone_surrogate": b'{"event":"a\\ud83d"}',
    "number_range": b'{"event":"a","value":1e999}',
    "not_an_object": b"[1]",
    "event_missing": b"{}",
    "wrong_type": b'{"event":"a","title":{}}',
    "too_long": b'{"event":"' + b"a" * 201 + b'"}',
    "not_a_time": b'{"event":"a","created_at":"soon"}',
    "time_range": b'{"event":"a","created_at":1e300}',
    "not_a_number": b'{"event":"a","value":"x"}',
    "out_of_range": b'{"event":"a","time_spent":-1}',
    "other_app": b'{"event":"a","app_id":"x"}',
    "not_an_address": b'{"event":"a","ip":"x"}',
}


def test_every_reason_can_be_provoked() -> None:
    assert set(PROVOKED) == set(REASONS)


@pytest.mark.parametrize("code", PROVOKED)
def test_a_reason_is_in_the_answer_and_in_the_books(code: str) -> None:
    taken = sent(PROVOKED[code], Policy(AppId("shop"), PLAN))
    beginning = REASONS[code].template.split("{")[0]
    (item,) = rejected(taken)
    reasons = item.reasons
    assert any(beginning in text and REASONS[code].template.rsplit("}")[-1] in text for text in reasons)
    assert (taken.refused is not None) == (REASONS[code].scope == "request")
    assert taken.rejected == ((0, tuple(reasons)),)
    assert taken.accepted == 0
    check_books(taken)


def test_one_bad_event_does_not_cost_its_batch() -> None:
    body = (
        b'[{"event":"a"},{"event":"b","title":"cut \\ud83d"},{"event":"c","value":1e999},'
        b'{"event":"d\\ud83d\\ude00"}]'
    )
    taken = sent(body)
    assert [event.event for event in events(taken)] == ["a", "d\U0001f600"]
    assert [index for index, _ in taken.rejected] == [1, 2]
    assert sent(b'{"event":"a","title":"\\\\ud800 is text"}').accepted == 1
    (huge,) = events(sent(b'{"event":"a","properties":{"n":123456789012345678901234567890}}'))
    assert huge.properties == {"n": "123456789012345678901234567890"}
    assert events(sent(b'{"event":"a\\u0000b"}'))[0].event == "a\0b"


def test_an_address_of_its_own_is_looked_up_then_cut() -> None:
    looks = {
        "country_of": lambda ip: "NA" if ip == "203.0.113.7" else None,
        "visitor_of": lambda ip, ua: f"{ip[-1]}{ua}",
    }
    (event,) = events(sent({"event": "a", "ip": "203.0.113.7", "user_agent": "x"}, **looks))
    assert (event.ip, event.country, event.anonymous_id) == ("203.0.113.0", "NA", "7x")
    (event,) = events(
        sent({"event": "a", "ip": "2001:db8:1:2::5", "country": "DE", "user_id": "u"}, **looks)
    )
    assert (event.ip, event.country, event.anonymous_id) == ("2001:db8:1::", "DE", None)
    kept = b'{"event":"a","ip":"203.0.113.0"}'
    assert sent(kept).records[0].body == b"[%b]" % kept
    assert "203.0.113.7" not in rejected(sent({"ip": "203.0.113.7"}))[0].body


def test_reasons_and_refused_bodies_hold_nothing_personal() -> None:
    taken = sent(
        {"event": "a", "created_at": "jane@x.com", "user": {"password": "hunter2"}, "user_id": "joe@x.com"}
    )
    (item,) = rejected(taken)
    assert item.reasons == ["created_at is not a time: '[email]'; send ISO 8601 or epoch"]
    assert "@" not in item.body
    assert "hunter2" not in item.body
    broken = sent(
        b'{"event":"a","password":"hunter2","e":"jane\\u0040x.com",'
        b'"url":"https:\\/\\/j:pw@h\\/","phone":5551234567,'
    )
    assert rejected(broken)[0].body == (
        '{"event":"a","password":"[secret]","e":"[email]","url":"https://***@h/","phone":"[phone]",'
    )
    long = sent(b'{"a":"' + b"jane@x.com " * 20_000)
    assert len(rejected(long)[0].body.encode()) <= 65_536
    assert "jane" not in rejected(long)[0].body


def test_a_rejected_event_can_be_taken_again() -> None:
    (item,) = rejected(sent({"event": "a", "user_id": "joe@x.com", "x": 1, "time_spent": -1}))
    mended = item.body.replace("-1", "1")
    (event,) = events(sent(mended.encode()))
    assert (event.user_id or "").startswith("email:")
    assert event.properties == {"x": 1}
    assert rejected(sent(item.body.encode()))[0] == item


def test_people_stay_distinct_and_within_limits() -> None:
    jane, joe = events(
        sent([{"event": "a", "user_id": "jane@x.com"}, {"event": "a", "user_id": "joe@x.com"}])
    )
    assert jane.user_id != joe.user_id
    assert (jane.user_id or "").startswith("email:")
    (full,) = events(sent({"event": "a@b.co " * 28, "user_id": "a@b.co," * 28, "title": "a@b.co " * 285}))
    assert len(full.event) <= 200
    assert (full.user_id or "").startswith("id:")
    assert len(full.title or "") <= 2_000
    drop = Policy(None, plan_for({"email": "drop"}, b"k"))
    (gone,) = events(sent({"event": "jane@x.com", "user_id": "jane@x.com"}, drop))
    assert (gone.event, gone.user_id) == ("[scrubbed]", None)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(CLEAN),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "sku", "note"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from([*Event.__struct_fields__, "extra"])
LOOSE = st.builds(
    lambda base, more: {**more, **base},
    st.fixed_dictionaries(
        {},
        optional={
            "event": st.sampled_from(["page_view", ""]),
            "properties": st.dictionaries(st.text(max_size=3), TREES, max_size=3),
        },
    ),
    st.dictionaries(NAMES, TREES, max_size=4),
)


def whole(event: Event) -> Any:
    return msgspec.json.decode(msgspec.json.encode(event))


@settings(max_examples=300, deadline=None)
@given(st.lists(LOOSE, min_size=1, max_size=4))
def test_both_lanes_mean_the_same(items: list[Any]) -> None:
    body = json.dumps(items, ensure_ascii=False).encode()
    quick = sent(body)
    valid = intake._valid
    try:
        intake._valid = lambda *_: None  # type: ignore[assignment]
        exact = sent(body)
    finally:
        intake._valid = valid
    assert (quick.accepted, quick.rejected, quick.keys, quick.refused) == (
        exact.accepted,
        exact.rejected,
        exact.keys,
        exact.refused,
    )
    assert list(map(whole, events(quick))) == list(map(whole, events(exact)))
    check_books(quick)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([text for rule, texts in PLANTED.items() for text in texts if rule != "userinfo"]),
    st.sampled_from(
        [
            "event",
            "title",
            "url",
            "referrer",
            "user_id",
            "properties",
            "user",
            "extra",
            "element",
            "user_agent",
        ]
    ),
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
def test_planted_data_reaches_no_record(
    planted: str, field: str, depth: int, as_key: bool, valid: bool, escaped: bool, encoded: int
) -> None:
    for _ in range(encoded):
        planted = (
            "".join(f"%{byte:02x}" for byte in planted.encode()) if encoded < 3 else quote(planted, safe="")
        )
    value: Any = {planted: 1} if as_key else f"see {planted}"
    if field in ("properties", "user", "extra"):
        for _ in range(depth):
            value = {"a": [value]}
        value = {"in": value}
    elif as_key:
        value = planted
    item = {"event": "a", field: value} if field != "event" else {"event": value}
    if not valid:
        item["created_at"] = "never"
    taken = sent(json.dumps([item, {"event": "b"}], ensure_ascii=escaped).encode())
    kept = b"".join(record.body for record in taken.records).decode()
    told = [text for _, reasons in taken.rejected for text in reasons]
    for _ in range(encoded + 1):
        assert planted not in kept
        assert not any(planted in text for text in told)
        planted, kept, told = unquote(planted), unquote(kept), list(map(unquote, told))
    assert taken.accepted + len(taken.rejected) == 2
    assert valid or taken.accepted == 1


def test_a_pixel_is_an_event() -> None:
    body = from_query(
        "event=click&url=https%3A%2F%2Fx.example%2F%3Fe%3Djane%2540x.com&time_spent=3&a=1&properties.b=2"
        "&user[age]=40&write_key=k&event=no"
    )
    (event,) = events(sent(body))
    assert (event.event, event.time_spent, event.user) == ("click", 3.0, {"age": "40"})
    assert event.url == "https://x.example/?e=[email]"
    assert event.properties == {"a": "1", "b": "2"}
    assert events(sent(from_query("")))[0].event == "page_view"
    assert json.loads(from_query('properties={"a":1}&properties[b]=x&user=5')) == {
        "event": "page_view",
        "properties": {"a": 1, "b": "x"},
        "user": {"text": "5"},
    }
    assert sent(from_query("e=%ff&%00=1&properties={" + "[" * 5000)).accepted == 1
