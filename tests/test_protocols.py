"""The registry, and what holds for every protocol: no wildcard, no field lost, no crash."""

from collections import Counter
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.apps.collector.routes import ROUTES, route_of
from footfall.apps.collector.tracking import pattern_of
from footfall.core.intake import Policy, take
from footfall.core.protocols.exchange import Refusal, Request, Unheard
from footfall.core.protocols.mapping import DROPPED, Field, mapped, number, text
from footfall.core.protocols.reading import query_of
from footfall.core.protocols.registry import TRACKERS
from footfall.core.protocols.trial import trial_of, ways_in
from footfall.core.record import Sender
from footfall.core.scrub import plan_for
from footfall.core.validate import FIELDS

ENDPOINTS = [
    pytest.param(endpoint, id=f"{tracker.name} {' '.join(endpoint.methods)} {endpoint.path}")
    for tracker in TRACKERS.values()
    for endpoint in tracker.endpoints
]
TABLES = [
    pytest.param(fields, id=f"{tracker.name} {call}")
    for tracker in TRACKERS.values()
    for call, fields in tracker.fields.items()
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def request(endpoint, body=b"", query=None):
    return Request(
        endpoint.methods[0], endpoint.path, query or {}, {}, body, received_at=1_790_000_000_000_000
    )


def test_no_path_belongs_to_two():
    paths = Counter(e.path for tracker in TRACKERS.values() for e in tracker.endpoints)
    assert [path for path, times in paths.items() if times > 1] == []


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_is_routed_and_whole(endpoint):
    assert route_of(endpoint.path.replace("{", "").replace("}", ""))[1] is not None
    assert (endpoint.read is None) == (endpoint.reply is None)
    assert (endpoint.read is None) != (endpoint.answer is None)
    assert "*" not in endpoint.path


def test_what_no_protocol_owns_is_not_found():
    for path in ("/v1/x", "/anything/tp2", "/r/tp2", "/v1/projects/a/b/settings", "/v1/events/"):
        assert route_of(path)[1] is None
    assert "/v1/events" in ROUTES


@pytest.mark.parametrize("fields", TABLES)
def test_a_table_names_our_own_fields(fields):
    for field in fields:
        base, _, name = field.ours.partition(".")
        assert field.ours == DROPPED or base in FIELDS
        assert not name or base in ("properties", "user")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@given(body=JSON.map(msgspec.json.encode) | st.binary(max_size=40))
def test_any_body_is_heard_or_refused(endpoint, body):
    if endpoint.read is None:
        return
    try:
        heard = endpoint.read(request(endpoint, body))
    except Unheard:
        return
    assert all(isinstance(event, dict) for event in heard.events)


@pytest.mark.parametrize("tracker", TRACKERS.values(), ids=lambda tracker: tracker.name)
def test_every_refusal_has_its_status_and_says_when_to_come_again(tracker):
    endpoint = tracker.endpoints[0]
    for kind, status, seconds in (("key", 401, None), ("too_fast", 429, 1), ("unavailable", 503, 30)):
        refusal = Refusal(kind, status, "no", ("because",), seconds)
        if tracker.refuse is None:
            continue
        reply = tracker.refuse(request(endpoint), refusal)
        assert reply.status == status
        assert dict(reply.headers).get("retry-after") == (str(seconds) if seconds else None)


FIELDS_OF_A_TEST = (
    Field("name", "event", text),
    Field("who.id", "user_id", text),
    Field("id", "user_id", text),
    Field("who", "user"),
    Field("amount", "value", number),
    Field("props", "properties"),
    Field("seq", DROPPED),
)


def test_fields_are_placed_by_the_table():
    event = mapped(
        {
            "name": "buy",
            "id": 7,
            "who": {"id": "ada", "age": 36},
            "amount": "12.5",
            "seq": 4,
            "props": {"size": "L"},
            "more": {"deep": [1]},
            "nothing": None,
        },
        FIELDS_OF_A_TEST,
    )
    assert event == {
        "event": "buy",
        "user_id": "ada",
        "value": 12.5,
        "properties": {"size": "L", "id": 7, "more": {"deep": [1]}},
        "user": {"age": 36},
    }


def test_what_finds_no_field_stays_beside_its_neighbours():
    table = (Field("a.b", "properties"), Field("a.b.amount", "value", number))
    found = mapped({"a": {"b": {"amount": "much", "size": "L"}, "c": 1}}, table)
    assert found == {"properties": {"amount": "much", "size": "L", "a": {"c": 1}}}


def leaves(value):
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    return [] if value is None or value == "" else [value]


@given(
    st.dictionaries(
        st.sampled_from(["name", "id", "who", "amount", "props", "other", "x"]),
        st.dictionaries(st.sampled_from(["id", "a", "b"]), st.text("ab", min_size=1, max_size=3))
        | st.text("abc", min_size=1, max_size=5)
        | st.lists(st.integers(), max_size=2),
    )
)
def test_nothing_is_lost(item):
    kept = [str(leaf) for leaf in leaves(mapped(item, FIELDS_OF_A_TEST))]
    for leaf in leaves(item):
        assert str(leaf) in kept


def take_of(events):
    return take(
        msgspec.json.encode(events),
        policy=Policy(None, plan_for({}, b"k" * 32)),
        origin="test",
        received_at=1_790_000_000_000_000,
        sender=Sender(),
    )


@pytest.mark.parametrize("value", ["inf", "-Infinity", "nan", "1e999"])
def test_what_json_has_no_number_for_stays_text(value):
    assert mapped({"amount": value}, FIELDS_OF_A_TEST) == {"properties": {"amount": value}}


def test_a_mapped_event_is_one_of_ours():
    assert take_of([mapped({"name": "buy", "amount": 3}, FIELDS_OF_A_TEST)]).accepted == 1


@pytest.mark.parametrize("tracker", ways_in(), ids=lambda tracker: tracker.name)
@pytest.mark.parametrize("key", ["any", "wk_a/b?c&d=e"])
def test_a_tracker_s_test_event_can_be_found_again(tracker, key):
    now, event_id = 1_790_000_000_000_000, "11111111-2222-4333-8444-555555555555"
    trial = trial_of(tracker, event_id, key, now)
    path, _, query = trial.example.path.partition("?")
    headers = dict(trial.example.headers)
    if trial.form == "native":
        event = msgspec.json.decode(trial.example.body)
        assert (event["event_id"], headers["x-write-key"]) == (event_id, key)
        return
    endpoint = next(e for e in tracker.endpoints if e.read and pattern_of(e.path).fullmatch(path))
    given = pattern_of(endpoint.path).fullmatch(path).groupdict()
    params = {name: unquote(value) for name, value in given.items()}
    method, body = trial.example.method, trial.example.body
    heard = endpoint.read(
        Request(method, path, query_of(query), headers, body, params, received_at=now, secret=b"s")
    )
    [event] = heard.events
    assert take_of([event]).accepted == 1
    assert event["event"] in ("test_event", "page_view")
    assert event.get("event_id") == event_id or event_id in msgspec.json.encode(event).decode()
    assert heard.key in (key, None)
