"""From a stream to the stores: the order of effects, and what becomes of what none of them takes."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.raw_line import write_line
from footfall.core.record import Logged, Offset, Record
from footfall.errors import QueueFailed
from footfall.ports.delivery import Written
from footfall.services.deliver import GROUP_BYTES, Arrived, Delivery, deliver, transform
from footfall.testing.delivery import MemoryLetters, MemorySink
from footfall.testing.event_log import make_event, make_record

NOW = datetime(2026, 11, 21, 18)  # noqa: DTZ001


def arrived(*records: Record | bytes) -> list[Arrived]:
    """Return records as Kinesis hands them over; bytes are poison."""
    return [
        Arrived(
            f"s{number}", each if isinstance(each, bytes) else write_line(Logged("c", Offset(number), each))
        )
        for number, each in enumerate(records, 1)
    ]


def events(*ids: str) -> Record:
    return make_record(*(make_event(event_id=each) for each in ids))


def rejected(count: int = 1) -> Record:
    body = b"[%b]" % b",".join([b'{"reasons":["event is missing"],"body":"{}"}'] * count)
    record = make_record(kind="rejected")
    return Record(
        kind="rejected",
        app_id=record.app_id,
        origin="native",
        received_at=record.received_at,
        count=count,
        sender=record.sender,
        body=body,
    )


class Room:
    """Two sinks and a queue that note into one list what happened."""

    def __init__(self, *, search: Sequence[Written] = (), firehose: Sequence[Written] = ()) -> None:
        self.effects: list[str] = []
        self.search = MemorySink("search", answers=list(search), effects=self.effects)
        self.firehose = MemorySink("firehose", once=False, answers=list(firehose), effects=self.effects)
        self.letters = MemoryLetters(effects=self.effects)
        self.delivery = Delivery("stream", (self.firehose, self.search), self.letters, lambda: NOW)

    def ids(self, sink: MemorySink) -> list[str]:
        return [row["event_id"] for row in sink.kept]


def test_rows_go_to_every_sink_the_one_that_may_double_last() -> None:
    room = Room()
    done = deliver(arrived(events("a", "b"), rejected(), events("c")), room.delivery)
    assert room.effects == ["search 3", "letters 1", "firehose 3"]
    assert (done.events, done.letters, done.again_from) == (3, 1, None)
    assert room.ids(room.firehose) == room.ids(room.search) == ["a", "b", "c"]


def test_rows_are_those_of_the_embedded_path() -> None:
    room = Room()
    logged = [Logged("c", Offset(1), events("a", "b"))]
    deliver([Arrived("s1", write_line(logged[0]))], room.delivery)
    assert room.firehose.kept == enrich(decode(logged).rows, NOW).to_pylist()


@pytest.mark.parametrize("poison", [b"", b"\x00\xff", b"{}", b'{"log":"c"}', b"\x1f\x8bno", b"[1]"])
def test_a_poison_record_goes_to_the_queue_and_stops_nothing(poison: bytes) -> None:
    room = Room()
    done = deliver(arrived(events("a"), poison, events("b")), room.delivery)
    assert done.again_from is None
    assert room.ids(room.firehose) == ["a", "b"]
    [letter] = room.letters.kept.values()
    assert letter.kind == "record"
    assert letter.reasons[0].startswith("it is no record of ours")
    deliver(arrived(events("a"), poison, events("b")), room.delivery)
    assert len(room.letters.kept) == 1, "the same letter again has the same id"


def test_a_record_whose_events_cannot_be_read_goes_to_the_queue_event_by_event() -> None:
    wrong = Record(
        kind="events",
        app_id=make_record().app_id,
        origin="native",
        received_at=1,
        count=2,
        sender=make_record().sender,
        body=b'[{"event":"a"},{"no":1}]',
    )
    room = Room()
    done = deliver(arrived(wrong, events("b")), room.delivery)
    assert (done.events, done.letters) == (1, 2)
    assert sorted(room.letters.kept) == ["c-1-0", "c-1-1"]


def test_while_search_takes_nothing_the_group_comes_again_and_nothing_else_has_it() -> None:
    room = Room(search=[Written(left={1: "queue is full"})])
    done = deliver(arrived(events("a", "b"), rejected()), room.delivery)
    assert done.again_from == "s1"
    assert "queue is full" in done.why
    assert room.effects == ["search 1"]
    deliver(arrived(events("a", "b"), rejected()), room.delivery)
    assert room.ids(room.search) == ["a", "b"]
    assert room.ids(room.firehose) == ["a", "b"]


def test_what_search_refuses_is_a_letter_and_still_goes_to_the_lake() -> None:
    room = Room(search=[Written(refused={1: "mapper_parsing_exception: no"})])
    done = deliver(arrived(events("a", "b", "c")), room.delivery)
    assert done.again_from is None
    assert room.ids(room.firehose) == ["a", "b", "c"]
    [letter] = room.letters.kept.values()
    assert (letter.kind, letter.place, letter.event_id) == ("row", "search", "b")
    assert letter.reasons == ("mapper_parsing_exception: no",)


def test_what_firehose_took_in_part_is_not_sent_again() -> None:
    room = Room(firehose=[Written(left={0: "slow down", 2: "slow down"})])
    done = deliver(arrived(events("a", "b", "c")), room.delivery)
    assert done.again_from is None
    assert room.ids(room.firehose) == ["b"]
    assert sorted(str(letter.event_id) for letter in room.letters.kept.values()) == ["a", "c"]
    assert {letter.place for letter in room.letters.kept.values()} == {"firehose"}


def test_when_firehose_takes_nothing_the_group_comes_again() -> None:
    room = Room(firehose=[Written(left={0: "down", 1: "down"})])
    done = deliver(arrived(events("a", "b")), room.delivery)
    assert done.again_from == "s1"
    assert room.ids(room.firehose) == []
    assert room.letters.kept == {}


def test_groups_end_one_after_another_and_only_the_rest_comes_again() -> None:
    pad = {"pad": "x" * (GROUP_BYTES // 2)}
    large = [make_record(make_event(event_id=each, properties=pad)) for each in "abcdef"]
    room = Room(firehose=[Written(), Written(left={0: "down", 1: "down"})])
    done = deliver(arrived(*large), room.delivery)
    assert done.again_from == "s3"
    assert room.ids(room.firehose) == ["a", "b"]
    rest = [each for each in arrived(*large) if each.position >= "s3"]
    assert deliver(rest, room.delivery).again_from is None
    assert room.ids(room.firehose) == ["a", "b", "c", "d", "e", "f"]


def test_without_a_queue_nothing_goes_on_that_would_need_it() -> None:
    room = Room()
    room.letters.fails = QueueFailed(queue="q", cause="gone")
    done = deliver(arrived(events("a"), rejected()), room.delivery)
    assert done.again_from == "s1"
    assert room.effects == ["search 1"]
    room.letters.fails = None
    assert deliver(arrived(events("a"), rejected()), room.delivery).again_from is None
    assert room.ids(room.firehose) == ["a"]


def test_an_empty_batch_is_no_error() -> None:
    room = Room()
    assert deliver([], room.delivery).again_from is None
    assert room.effects == []


def test_a_transform_gives_each_record_its_own_rows() -> None:
    room = Room()
    found = transform(arrived(events("a", "b"), b"poison", rejected(), events("c")), room.delivery)
    assert [each.position for each in found] == ["s1", "s2", "s3", "s4"]
    assert [each.lines is None for each in found] == [False, True, True, False]
    first, last = found[0].lines or b"", found[3].lines or b""
    assert first.count(b"\n") == 2
    assert b'"event_id":"a"' in first
    assert b'"event_id":"c"' in last
    assert sorted(letter.kind for letter in room.letters.kept.values()) == ["event", "record"]
