"""Foreign JSON: what must parse does, what must be refused is, and nothing brings the door down."""

import json
import tarfile
from pathlib import Path

import msgspec
import pytest

from footfall.core.event import Event
from footfall.core.intake import Policy, Taken, take
from footfall.core.record import Sender
from footfall.core.scrub import plan_for

POLICY = Policy(None, plan_for({}, b"one installation"))


def sent(body: bytes) -> Taken:
    return take(body, policy=POLICY, origin="native", received_at=5, sender=Sender())


def cases(shared_data: Path) -> dict[str, bytes]:
    with tarfile.open(shared_data / "json" / "JSONTestSuite.tar.gz") as suite:
        files = [member for member in suite.getmembers() if member.name.endswith(".json")]
        return {Path(member.name).name: suite.extractfile(member).read() for member in files}  # type: ignore[union-attr]


def is_json(taken: Taken) -> bool:
    """Whether the body was read as JSON, though it may hold no event."""
    return taken.refused is None or not any(
        taken.refused.startswith(beginning) for beginning in ("the body is not", "the body is empty")
    )


def test_foreign_cases_as_bodies_and_inside_an_event(shared_data: Path) -> None:
    seen = {"y": 0, "n": 0, "i": 0}
    for name, case in cases(shared_data).items():
        bare, inside = sent(case), sent(b'{"event":"a","properties":{"x":' + case + b"}}")
        seen[name[0]] += 1
        for taken in (bare, inside):
            for record in taken.records:
                assert record.count == len(msgspec.json.decode(record.body)), name
        if name[0] == "y":
            assert is_json(bare), name
            assert bare.records, name
            assert inside.accepted == 1, (name, inside.rejected)
        if name[0] == "n":
            assert bare.refused is not None, name
            assert bare.accepted == 0
            # Two of the broken pieces become whole between our braces; both as the text reads then.
            assert inside.accepted == 0 or json.loads(b'{"x":' + case + b"}"), name
    assert seen == {"y": 95, "n": 188, "i": 35}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"event":"a","properties":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"event":"a","properties":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'[{"event":"a"},{"event":"b","properties":' + b'{"a":' * 70 + b"1" + b"}" * 71 + b"]",
    ],
)
def test_depth_is_a_reason(body: bytes) -> None:
    taken = sent(body)
    reasons = [text for _, reasons in taken.rejected for text in reasons]
    assert any("deeper than 64" in text for text in reasons) or "not JSON" in reasons[0]
    assert all(len(record.body) < 2 * 65_536 + 1_000 for record in taken.records)


def test_the_deepest_event_that_is_taken() -> None:
    assert sent(b'{"event":"a","properties":' + b'{"a":' * 63 + b"1" + b"}" * 64).accepted == 1
    assert sent(b'{"event":"a","properties":' + b'{"a":' * 64 + b"1" + b"}" * 65).accepted == 0
    flat = b'{"event":"a","properties":{"a":[1],"b":{"c":[]}},"user":{"d":"[{[{"}}'
    assert sent(b"[" + b",".join([flat] * 60) + b"]").accepted == 60


@pytest.mark.parametrize(
    "body", [b'{"event":NaN}', b'[{"event":"a","value":Infinity}]', b'{"event":"a","x":-Infinity}']
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert (sent(body).refused or "").startswith("the body is not JSON")


def test_naughty_strings_arrive_as_they_were_sent(shared_data: Path) -> None:
    strings = json.loads((shared_data / "json" / "blns.json").read_text(encoding="utf-8"))
    for ascii_only in (False, True):
        items = [
            {"event": "a", "title": text, "properties": {"x": text, "k": {text: 1}}} for text in strings
        ]
        taken = sent(json.dumps(items, ensure_ascii=ascii_only).encode())
        assert taken.rejected == ()
        (record,) = taken.records
        events = msgspec.json.decode(record.body, type=list[Event])
        for event, text in zip(events, strings, strict=True):
            assert (event.title, event.properties) == (text, {"x": text, "k": {text: 1}})
