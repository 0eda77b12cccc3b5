"""Matomo's official client for node against a running footfall, and what its trackers for pages send."""

import json

import pytest
from installation import running
from tracking import count, rows, run_node, tap, unavailable

BULK = [
    *("click", "content_interaction", "download", "goal"),
    *("page_ping", "play_trailer", "purchase", "search"),
]


APPS = ("node", "again", "nobody", "full", "page", "mixed")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Give a running platform and a tap before its collector; each test has a site of its own."""
    data = tmp_path_factory.mktemp("matomo")
    (data / "footfall.toml").write_text(
        "".join(f'[apps.{app}]\nwrite_keys = ["site-{app}"]\norigins = ["*"]\n' for app in APPS)
    )
    with running(data) as installation, tap(installation) as wire:
        yield installation, wire


def by_event(installation, site):
    return {event["event"]: event for event in rows(installation, f"app_id = '{site}'")}


def test_every_call_of_the_node_client_arrives(place):
    installation, wire = place
    printed = run_node("matomo_calls.mjs", wire.url, "site-node")
    assert json.loads(printed) == {"status": "success", "tracked": len(BULK), "invalid": 0}
    plain, full = sorted(
        rows(installation, "app_id = 'node' and event = 'page_view'"),
        key=lambda row: row["url"],
        reverse=True,
    )
    assert plain["url"] == "https://shop.example/plain"
    told = {
        "user_id": "ada",
        "anonymous_id": "0123456789abcdef",
        "visitor_id": "ada",
        "created_at": "2026-03-01T12:00:00Z",
        "url": "https://shop.example/cart?mtm_campaign=spring&mtm_source=news",
        "path": "/cart",
        "title": "Cart",
        "referrer": "https://t.co/a",
        "campaign": "spring",
        "source": "news",
        "browser": "Chrome",
        "os": "Windows",
        "language": "de-DE",
        "screen": "1920x1080",
        "ip": "203.0.113.0",
        "is_bot": False,
        "origin": "matomo",
    }
    assert {name: full.get(name) for name in told} == told
    assert full["properties"] == {
        "local_hour": 13,
        "local_minute": 0,
        "local_second": 5,
        "utm_campaign": "spring",
        "utm_source": "news",
    }
    found = by_event(installation, "node")
    assert sorted(found) == sorted([*BULK, "page_view"])
    assert found["play_trailer"]["value"] == 4.5
    assert found["play_trailer"]["properties"] == {"event_category": "Videos", "event_name": "Intro"}
    assert found["search"]["properties"] == {
        "search_term": "shoes",
        "search_category": "men",
        "search_count": 3,
    }
    assert found["download"]["properties"] == {"link_url": "https://shop.example/a.pdf"}
    assert found["click"]["properties"] == {"link_url": "https://other.example/", "outbound": True}
    assert found["content_interaction"]["properties"]["content_interaction"] == "click"
    assert (found["goal"]["properties"], found["goal"]["value"]) == ({"goal_id": "3"}, 7)
    assert found["purchase"]["value"] == 19
    assert found["purchase"]["properties"] == {
        "order_id": "A-7",
        "subtotal": 16,
        "tax": 3,
        "items": [{"sku": "p1", "name": "Shoe", "category": ["Men"], "price": 9.5, "quantity": 2}],
    }
    assert found["page_ping"]["properties"] == {"pv_id": "aB3xYz"}
    assert {row["user_id"] for name, row in found.items() if name in BULK} == {"ada"}


def test_the_same_bytes_again_add_no_row(place):
    installation, wire = place
    wire.sent.clear()
    run_node("matomo_calls.mjs", wire.url, "site-again")
    # What names neither visitor nor time may be two visits: it is left out here, and tested below.
    wire.sent[:] = [sent for sent in wire.sent if "plain" not in sent.path]
    before = rows(installation, "app_id = 'again'")
    assert len(before) == len(BULK) + 2
    assert set(wire.replay()) == {200}
    assert rows(installation, "app_id = 'again'") == before


def test_two_hits_that_name_nobody_are_two(place):
    installation, _ = place
    for _ in range(2):
        told, _ = installation.ask("GET", "/matomo.php?idsite=site-nobody&rec=1&url=https%3A%2F%2Fa.b%2F")
        assert told == 200
    assert count(installation, "app_id = 'nobody'") == 2


def test_while_events_cannot_be_stored_the_client_is_told_and_may_send_again(place):
    """The client sends nothing again by itself: it emits the status, and its caller sends again."""
    installation, wire = place
    with unavailable(installation):
        printed = run_node("matomo_calls.mjs", wire.url, "site-full", "bulk")
    reply, failed = printed.splitlines()
    assert json.loads(reply).items() >= {"status": "error", "tracked": 0}.items()
    assert failed == "failed: 503"
    assert count(installation, "app_id = 'full'") == 0
    assert "failed" not in run_node("matomo_calls.mjs", wire.url, "site-full", "bulk")
    assert sorted(by_event(installation, "full")) == BULK


def test_what_matomo_js_sends_is_taken(place):
    """A beacon with a form in its body, the queue of several, and the image where no script runs."""
    installation, _ = place
    form = (
        b"action_name=Home&idsite=site-page&rec=1&rand=772251&h=9&m=5&s=1&url=http%3A%2F%2Fshop.example%2F"
        b"&_id=aaaaaaaaaaaaaaaa&_idn=0&send_image=0&_refts=0&pdf=1&cookie=1&res=800x600&pv_id=K3xYz0"
        b"&uadata=%7B%22platform%22%3A%22Linux%22%7D"
    )
    text = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    told, body = installation.ask("POST", "/matomo.php", form, text)
    assert (told, body) == (204, b"")
    queue = {"requests": [f"?{form.decode()}&ping=1"], "send_image": 0}
    assert installation.ask("POST", "/piwik.php", json.dumps(queue).encode())[0] == 204
    image = "/matomo.php?idsite=site-page&rec=1&bots=1"
    told, body = installation.ask("GET", image, None, {"Referer": "https://shop.example/mail"})
    assert (told, body[:6]) == (200, b"GIF89a")
    [first, ping, mail] = sorted(rows(installation, "app_id = 'page'"), key=lambda row: row["received_at"])
    assert (first["event"], first["title"], first["screen"]) == ("page_view", "Home", "800x600")
    assert first["anonymous_id"] == "a" * 16
    assert first["properties"]["uadata"] == {"platform": "Linux"}
    assert ping["event"] == "page_ping"
    assert (mail["url"], mail["properties"]) == ("https://shop.example/mail", {"bots": "1"})


def test_errors_are_such_as_the_clients_read(place):
    installation, _ = place
    for body, status in ((b'{"requests": 7}', 401), (b"idsite=site-page&x=" + b"y" * 1_100_000, 413)):
        told, answer = installation.ask("POST", "/matomo.php", body)
        assert told == status
        assert json.loads(answer)["status"] == "error"
    assert installation.ask("GET", "/matomo.php?idsite=site-page")[0] == 400
    mixed = {"requests": ["?idsite=site-mixed&rec=1&url=https%3A%2F%2Fa.b%2F", "?rec=1"], "token_auth": "t"}
    told, answer = installation.ask("POST", "/matomo.php", json.dumps(mixed).encode())
    assert (told, json.loads(answer)["invalid_indices"]) == (200, [1])


def test_a_wrong_site_is_refused(place):
    installation, _ = place
    assert installation.ask("GET", "/matomo.php?idsite=1&rec=1")[0] == 401
    told, answer = installation.ask("POST", "/matomo.php", b'{"requests": ["?idsite=1&rec=1"]}')
    assert (told, json.loads(answer)["status"]) == (401, "error")
