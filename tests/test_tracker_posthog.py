"""PostHog's official clients for servers against a running footfall: Python and Node, by V0 and V1."""

import base64
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from posthog_wire import KEY, assert_kept, later, named, platform, sent_events, stored
from tracking import count, demand_node, rows, run_node, run_python, unavailable, wait_for

PYTHON = [
    *(
        "ai_generation",
        "alias",
        "exception",
        "feature_flag_called",
        "feature_flag_called",
        "group",
        "inside",
    ),
    *("looked_around", "order_completed", "page_view", "screen_view", "set_person", "set_person"),
]
NODE = [
    *("alias", "at_once", "exception", "feature_flag_called", "group", "identify", "order_completed"),
    *("page_view", "set_person", "set_person"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform that asks for a key, and a tap before its collector."""
    with platform(tmp_path_factory.mktemp("posthog") / "data") as found:
        yield found


@pytest.fixture
def since(place):
    """Give what a test alone sends: a tap's memory that begins now."""
    return later(place[1])


@pytest.mark.parametrize("mode", ["v0", "v1"])
def test_every_call_of_the_python_client_arrives_once(place, since, mode):
    installation, wire = place
    run_python("posthog_calls.py", mode, wire.url, KEY, f"py-{mode}")
    sent = sent_events(since())
    found = stored(installation, sent)
    assert sorted(row["event"] for row in found) == PYTHON
    assert_kept(found, sent)
    assert (
        named(found, "order_completed").items()
        >= {
            "user_id": f"py-{mode}",
            "visitor_id": f"py-{mode}",
            "session_id": f"py-{mode}-session",
            "created_at": "2026-03-01T12:00:00.123000Z",
            "url": "https://shop.example/cart?utm_source=x",
            "referrer": "https://t.co/a",
            "ip": "203.0.113.0",
            "browser": "Chrome",
            "os": "Windows",
            "language": "de-DE",
            "timezone": "Europe/Berlin",
            "screen": "1920x1080",
            "value": 19.0,
            "currency": "EUR",
        }.items()
    )
    assert named(found, "page_view")["title"] == "Cart"
    assert named(found, "screen_view")["title"] == "Start"
    assert "ip" not in named(found, "screen_view")
    assert named(found, "looked_around").keys() & {"user_id", "anonymous_id"} == {"anonymous_id"}
    assert named(found, "inside")["session_id"] == f"py-{mode}-context"
    alias, group = named(found, "alias"), named(found, "group")
    assert (alias["user_id"], alias["properties"]["previous_id"]) == (f"py-{mode}", f"py-{mode}-before")
    assert (group["properties"]["group_id"], group["properties"]["industry"]) == ("acme", "tools")
    persons = [row["user_properties"] for row in found if row["event"] == "set_person"]
    assert {"age": 36, "plan": "pro"} in persons
    assert {"$set_once": {"first_seen": "2026"}} in persons
    assert all(each.status == 200 for each in since().sent)
    assert set(since().replay()) == {200}
    assert stored(installation, sent) == found


@pytest.mark.parametrize("mode", ["v0", "v1"])
def test_every_call_of_the_node_client_arrives_once(place, since, mode):
    installation, wire = place
    run_node("posthog_calls.mjs", mode, wire.url, KEY, f"js-{mode}")
    sent = sent_events(since())
    found = stored(installation, sent)
    assert sorted(row["event"] for row in found) == NODE
    assert_kept(found, sent)
    order = named(found, "order_completed")
    assert order.items() >= {"value": 19.0, "currency": "EUR", "session_id": f"js-{mode}-session"}.items()
    assert named(found, "identify")["user_properties"] == {"age": 36, "$set_once": {"first_seen": "2026"}}
    alias = named(found, "alias")
    assert (alias["user_id"], alias["properties"]["previous_id"]) == (f"js-{mode}", f"js-{mode}-before")
    assert all(each.status == 200 for each in since().sent)
    path = "/batch/" if mode == "v0" else "/i/v1/analytics/events"
    assert path in {each.path for each in since().sent}
    assert set(since().replay()) == {200}
    assert stored(installation, sent) == found


def test_nothing_is_lost_while_the_log_cannot_be_written(place, since):
    demand_node()
    installation, wire = place
    clients = [
        *((run_python, "posthog_calls.py", mode, PYTHON) for mode in ("v0", "v1")),
        *((run_node, "posthog_calls.mjs", mode, NODE) for mode in ("v0", "v1")),
    ]
    with ThreadPoolExecutor() as threads:
        with unavailable(installation):
            started = [
                threads.submit(run, script, mode, wire.url, KEY, f"again-{script}-{mode}")
                for run, script, mode, _ in clients
            ]
            agents = {"posthog-python", "posthog-node"}
            wait_for(lambda: refused_agents(since()) >= {(a, v) for a in agents for v in (0, 1)}, 40)
        for each in started:
            each.result()
    sent = sent_events(since())
    assert len(sent) == sum(len(events) for *_, events in clients)
    assert {row["event_id"] for row in stored(installation, sent)} == set(sent)
    assert count(installation, f"event_id in ({', '.join(map(repr, sent))})") == len(sent)


def refused_agents(tap):
    """Return (client, capture's version) of those that were told 503."""
    return {
        (dict(each.headers)["User-Agent"].partition("/")[0], int(each.path.startswith("/i/v1/")))
        for each in tap.sent
        if each.status == 503
    }


def test_requests_as_old_clients_make_them(place):
    installation, _ = place

    def hit(name):
        return json.dumps({"event": name, "api_key": KEY, "distinct_id": "old", "uuid": name}).encode()

    def packed(name):
        return base64.b64encode(hit(name)).decode()

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    plain = {"Content-Type": "text/plain"}
    for method, path, body, headers in (
        ("GET", f"/e/?{urlencode({'data': packed('get')})}", None, {}),
        ("GET", f"/capture?{urlencode({'data': hit('get_json')})}", None, {}),
        ("POST", "/e/?compression=base64&beacon=1", urlencode({"data": packed("form")}).encode(), form),
        ("POST", "/track/?compression=gzip-js", gzip.compress(hit("gzip")), plain),
        ("POST", "/i/v0/e", packed("base64").encode(), plain),
        ("POST", "/s/", b"a recording", plain),
    ):
        assert installation.ask(method, path, body, headers) == (200, b'{"status":"Ok"}')
    assert [row["event"] for row in rows(installation, "user_id = 'old'")] == [
        *("base64", "form", "get", "get_json", "gzip"),
    ]


@pytest.mark.parametrize("path", ["/e/", "/batch", "/i/v1/analytics/events"])
def test_errors_are_such_as_the_clients_read(place, path):
    installation, _ = place
    words = "error_description" if "v1" in path else "detail"
    key = {"X-Write-Key": KEY}
    for body, status in ((b"{", 400), (b"[]", 400), (b"x" * 1_100_000, 413)):
        told, answer = installation.ask("POST", path, body, key)
        assert told == status
        assert json.loads(answer)[words]
    told, answer = installation.ask("POST", path, b"x", key | {"Content-Encoding": "zstd"})
    assert (told, bool(json.loads(answer)[words])) == (415, True)


@pytest.mark.parametrize(("key", "status"), [("phc_other", 401), (KEY, 200)])
def test_a_wrong_key_is_refused(place, key, status):
    installation, _ = place
    batch = [{"event": "Signed Up", "distinct_id": "bob", "uuid": "u1"}]
    body = json.dumps({"api_key": key, "batch": batch}).encode()
    assert installation.ask("POST", "/batch/", body)[0] == status
    body, bearer = json.dumps({"batch": batch}).encode(), {"Authorization": f"Bearer {key}"}
    told, answer = installation.ask("POST", "/i/v1/analytics/events", body, bearer)
    assert told == status
    assert json.loads(answer).keys() >= ({"results"} if status == 200 else {"error", "error_description"})
