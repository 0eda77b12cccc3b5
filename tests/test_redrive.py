"""Dead letters again: through today's rules, to the store they were for, and struck only when stored."""

import json
from datetime import datetime

import pytest

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.json_rows import json_rows, rows_of
from footfall.core.raw_line import write_line
from footfall.core.record import AppId, Logged, Offset
from footfall.core.scrub import plan_for
from footfall.errors import LogFailed
from footfall.ports.delivery import Written
from footfall.services.deliver import Arrived, Delivery, deliver
from footfall.services.imports.rows import ImportRules
from footfall.services.redrive import Redriven, StillDead, listed_letters, redrive
from footfall.testing.delivery import MemoryLetters, MemorySink, MemoryStream, make_letter, make_rows
from footfall.testing.event_log import make_event, make_record


def rules(app: AppId) -> ImportRules:
    return ImportRules(app, plan_for({}, b"k" * 32), lambda _: b"s" * 32, lambda _: None)


class Room:
    def __init__(self) -> None:
        self.letters, self.stream = MemoryLetters(), MemoryStream()
        self.search, self.firehose = MemorySink("search"), MemorySink("firehose", once=False)

    def redrive(self) -> Redriven:
        sinks = {"search": self.search, "firehose": self.firehose}
        return redrive(self.letters, self.stream, sinks, rules)


def test_an_event_that_the_rules_take_now_is_in_the_stream_once() -> None:
    room = Room()
    room.letters.send([make_letter("w-1-0", body='{"event":"a","title":"me@example.com"}', app_id="shop")])
    assert room.redrive() == Redriven(sent=1, still_dead=[])
    assert room.letters.kept == {}
    [logged] = room.stream.kept
    assert logged.record.app_id == "shop"
    [event] = json.loads(logged.record.body)
    assert event["event_id"] == "w-1-0", "the same however often it is brought on"
    assert "me@example.com" not in event["title"]
    assert room.redrive().sent == 0


def test_an_event_that_is_still_wrong_stays_with_its_reasons() -> None:
    room = Room()
    room.letters.send([make_letter("w-1-0", body='{"no":1}'), make_letter("w-1-1", body='{"event":"b"}')])
    done = room.redrive()
    assert done.sent == 1
    [dead] = done.still_dead
    assert dead.letter_id == "w-1-0"
    assert dead.reasons[0].startswith("event is missing")
    assert [each.letter_id for each in listed_letters(room.letters)] == ["w-1-0"]


def test_rows_go_to_the_store_that_they_were_for() -> None:
    """What Firehose left of a batch and OpenSearch refused, brought on when both take it."""
    room = Room()
    room.firehose.answers = [Written(left={0: "slow down"})]
    room.search.answers = [Written(refused={1: "mapping"})]
    record = make_record(
        make_event(event_id="a", properties={"deep": {"n": [1.5, None]}}),
        make_event(event_id="b", user={"age": 7}),
    )
    at = datetime(2026, 11, 21)  # noqa: DTZ001
    delivery = Delivery("stream", (room.search, room.firehose), room.letters, lambda: at)
    deliver([Arrived("1", write_line(Logged("c", Offset(1), record)))], delivery)
    assert room.redrive() == Redriven(sent=2, still_dead=[])
    for sink in (room.search, room.firehose):
        assert sorted(row["event_id"] for row in sink.kept) == ["a", "b"]
    left = {row["event_id"]: row for row in room.firehose.kept}
    taken = {row["event_id"]: row for row in room.search.kept}
    assert left == taken, "a row that was a letter is the row that it was"
    assert room.stream.kept == []


def test_rows_that_are_refused_again_stay() -> None:
    room = Room()
    row = json_rows(make_rows({"event_id": "a"}), "iso", nested=True)[0].decode()
    letters = [make_letter(str(n), kind="row", place="search", body=row) for n in range(3)]
    room.letters.send([*letters, make_letter("x", kind="row", place="elsewhere", body=row)])
    room.search.answers = [Written(refused={0: "mapping"}, left={2: "busy"})]
    done = room.redrive()
    assert done.sent == 1
    assert {each.letter_id: each.reasons for each in done.still_dead} == {
        "0": ["mapping"],
        "2": ["busy"],
        "x": ["there is no store named elsewhere here"],
    }
    assert sorted(room.letters.kept) == ["0", "2", "x"]


def test_nothing_is_struck_that_is_not_stored() -> None:
    room = Room()
    room.letters.send([make_letter("w-1-0", body='{"event":"a"}')])
    room.stream.fails = LogFailed(log="clicks", cause="down")
    with pytest.raises(LogFailed):
        room.redrive()
    assert [each.letter_id for each in listed_letters(room.letters)] == ["w-1-0"]
    room.stream.fails = None
    assert room.redrive().sent == 1


def test_a_record_that_can_be_read_now_goes_on_and_poison_stays() -> None:
    room = Room()
    line = write_line(Logged("c", Offset(1), make_record())).decode()
    room.letters.send(
        [make_letter("good", kind="record", body=line), make_letter("bad", kind="record", body="x")]
    )
    done = room.redrive()
    assert done.sent == 1
    assert done.still_dead[0] == StillDead(letter_id="bad", reasons=done.still_dead[0].reasons)
    assert room.stream.kept[0].record == make_record()


def test_rows_as_json_come_back_as_they_were() -> None:
    rows = make_rows(
        {
            "event_id": "a",
            "properties": '{"a":{"b":[1,"ü"]}}',
            "value": 0.1,
            "bytes": 2**60,
            "is_bot": True,
        },
        {"event_id": "b", "sent_at": datetime(2026, 1, 2, 3, 4, 5, 678_901)},  # noqa: DTZ001
    )
    lines = [line.decode() for line in json_rows(rows, "iso", nested=True)]
    assert rows_of(lines) == rows
    assert rows_of([]) == EVENTS_SCHEMA.empty_table()
