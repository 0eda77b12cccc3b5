"""What the proofs with PostHog's clients share: the platform, and what went over the wire, unpacked."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from installation import Installation, running
from tracking import Sent, Tap, rows, tap

KEY = "phc_k"
Item = dict[str, Any]
PLACED = {
    *("$current_url", "$referrer", "$session_id", "$raw_user_agent", "$ip", "$timezone", "$screen_width"),
    *(
        "$browser_language",
        "$screen_height",
        "$screen_name",
        "title",
        "revenue",
        "currency",
        "$set",
        "$set_once",
    ),
    *("$group_key", "$group_type", "$group_set", "alias", "distinct_id", "token", "$anon_distinct_id"),
    *("$el_text", "$prev_pageview_duration"),
}
"""What has a field of its own here. All else is in the row's properties as it was sent."""

MASKED = (
    "$exception_list",
    "$session_entry",
    "$elements",
    "$lib_custom_api_host",
    "$time",
    "$initial",
    "$host",
)
"""Addresses, code and long numbers, in which the door may mask what looks personal."""


@contextmanager
def platform(data: Path) -> Iterator[tuple[Installation, Tap]]:
    """Run a platform whose app asks for KEY, and a tap before its collector."""
    data.mkdir()
    (data / "footfall.toml").write_text(f'[apps.shop]\nwrite_keys = ["{KEY}"]\norigins = ["*"]\n')
    with running(data) as installation, tap(installation) as wire:
        yield installation, wire


def later(wire: Tap) -> Callable[[], Tap]:
    """Return what gives a tap's memory from now on."""
    start = len(wire.sent)
    return lambda: Tap(wire.collector, wire.sent[start:])


def items_of(sent: Sent) -> list[Item]:
    """Return the events of a request, unpacked."""
    body = sent.body
    if ("Content-Encoding", "deflate") in sent.headers:
        body = zlib.decompress(body)
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    if body.startswith(b"data="):
        body = base64.b64decode(parse_qs(body.decode())["data"][0])
    said = json.loads(body)
    items: list[Item] = said.get("batch", [said])
    return items


def sent_events(tap: Tap) -> dict[str, Item]:
    """Return the events that a client sent, by uuid."""
    capture = ("/batch", "/i/v0/", "/e/", "/i/v1/")
    requests = [each for each in tap.sent if each.method == "POST" and each.path.startswith(capture)]
    return {item["uuid"]: item for each in requests for item in items_of(each)}


def stored(installation: Installation, sent: Mapping[str, Item]) -> list[Item]:
    """Return the rows of these events."""
    ids = ", ".join(f"'{uuid}'" for uuid in sent)
    return rows(installation, f"event_id in ({ids})")


def assert_kept(found: Sequence[Item], sent: Mapping[str, Item]) -> None:
    """Every event is there once, by its time, and every property that has no field of its own."""
    assert {row["event_id"] for row in found} == set(sent)
    assert len(found) == len(sent)
    for row in found:
        item = sent[row["event_id"]]
        assert (row["origin"], row["app_id"]) == ("posthog", "shop")
        assert row["created_at"][:23] == item["timestamp"][:23]
        for name, value in item["properties"].items():
            if value in (None, "") or name in PLACED or name.startswith(MASKED):
                continue
            assert row["properties"][name] == value, (row["event"], name)


def named(found: Sequence[Item], event: str) -> Item:
    """Return the one row of an event."""
    [row] = [row for row in found if row["event"] == event]
    return row
