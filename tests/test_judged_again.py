"""Stored records through today's rules: the same again, masked, or refused, and every id as it was."""

import json
from typing import Any

from footfall.core.decode import decode
from footfall.core.intake import Policy, take
from footfall.core.judged_again import judged_again
from footfall.core.record import AppId, Logged, Offset, Record, Sender
from footfall.core.scrub import plan_for

PLAN = plan_for({}, b"a key for tests")


def stored(*events: dict[str, Any]) -> Logged:
    """Return a record as an older version may have kept it, whatever today's rules say."""
    body = json.dumps(list(events)).encode()
    record = Record(
        kind="events",
        app_id=AppId("shop"),
        origin="native",
        received_at=1_700_000_000_000_000,
        count=len(events),
        sender=Sender(),
        body=body,
    )
    return Logged("w1", Offset(7), record)


def test_what_is_valid_and_clean_stays_as_it_is() -> None:
    logged = stored(
        {"event": "click"}, {"event": "page_view", "event_id": "mine", "url": "https://a.example"}
    )
    assert judged_again(logged, PLAN) == [logged]


def test_the_same_rules_again_change_nothing() -> None:
    events = [
        {"event": "signup", "user_id": "ada@example.com", "ip": "198.51.100.7"},
        {"event": "click", "properties": {"note": "call 4111 1111 1111 1111", "mail": "bob@example.com"}},
    ]
    policy = Policy(AppId("shop"), PLAN)
    body = json.dumps(events).encode()
    [record] = take(body, policy=policy, origin="native", received_at=1, sender=Sender()).records
    once = Logged("w1", Offset(1), record)
    [twice] = judged_again(once, PLAN)
    assert decode([twice]).rows.equals(decode([once]).rows)


def test_what_is_refused_today_leaves_the_others_their_ids() -> None:
    logged = stored({"event": "click"}, {"event": "x" * 300}, {"event": "click"}, {"event": "click"})
    decoded = decode(judged_again(logged, PLAN))
    assert decoded.rows["event_id"].to_pylist() == ["w1-7-0", "w1-7-2", "w1-7-3"]
    assert len(decoded.rejected) == 1
    assert len(decoded.rejected["reasons"][0].as_py()) > 0


def test_what_is_personal_today_is_masked() -> None:
    [again] = judged_again(stored({"event": "click", "title": "mail ada@example.com"}), PLAN)
    assert b"ada@example.com" not in again.record.body
    assert decode([again]).rows["event_id"].to_pylist() == ["w1-7-0"]


def test_a_damaged_record_is_left_to_decoding() -> None:
    logged = stored({"event": "click"}, {"event": "click"})
    broken = Logged("w1", Offset(7), Record(**{**_fields(logged.record), "body": b'[{"event":"cl'}))
    assert judged_again(broken, PLAN) == [broken]
    assert len(decode([broken]).rejected) == 2


def _fields(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in Record.__struct_fields__}
