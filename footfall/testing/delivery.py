"""For tests of what lies beyond one machine: doubles in memory, and the contracts of ``ports.delivery``.

To prove an adapter of your own, subclass a contract and give it the fixture that it names.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import shake_128
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pytest

from footfall.core.arrow import EVENTS_SCHEMA
from footfall.core.dead_letter import DeadLetter
from footfall.core.record import Logged, Offset, Record
from footfall.errors import BodyTooLarge
from footfall.ports.delivery import DeadLetters, ReceivedLetter, Sink, Stream, Written
from footfall.testing.event_log import make_event, make_record
from footfall.testing.warehouse import make_row

__all__ = [
    "DeadLettersContract",
    "MemoryLetters",
    "MemorySink",
    "MemoryStream",
    "OnceSinkContract",
    "OpenedSink",
    "OpenedStream",
    "SinkContract",
    "StreamContract",
    "make_letter",
    "make_rows",
]


class OpenedStream(NamedTuple):
    """A stream under test, and a function that gives all that is in it."""

    stream: Stream
    stored: Callable[[], list[Logged]]


class OpenedSink(NamedTuple):
    """A sink under test, a function that gives all rows in it, and columns of a row that it refuses."""

    sink: Sink
    stored: Callable[[], list[dict[str, Any]]]
    refused: dict[str, object]


def make_rows(*rows: Mapping[str, Any]) -> pa.Table:
    """Return rows of events, complete."""
    return pa.Table.from_pylist([make_row(**row) for row in rows], schema=EVENTS_SCHEMA)


def make_letter(letter_id: str = "a-1-0", **fields: Any) -> DeadLetter:
    """Return a letter of a rejected event."""
    given: dict[str, Any] = {"kind": "event", "reasons": ("event is missing",), "body": "{}"} | fields
    return DeadLetter(letter_id=letter_id, **given)


@dataclass
class MemoryStream:
    """Stream without a network. ``fails`` is raised by the next appends until it is None again."""

    name: str = "memory"
    fails: Exception | None = None
    kept: list[Logged] = field(default_factory=list)

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """Keep all."""
        self.check()
        first = len(self.kept) + 1
        self.kept += [Logged(self.name, Offset(first + place), each) for place, each in enumerate(records)]
        return [Offset(first + place) for place in range(len(records))]

    def check(self) -> None:
        """Raise what was told."""
        if self.fails is not None:
            raise self.fails


@dataclass
class MemorySink:
    """Sink without a network: ``answers`` says of the next writes what isn't taken, then all is.

    ``effects`` lists what happened in order, for a test to compare with what else it saw.
    """

    name: str = "search"
    once: bool = True
    answers: list[Written] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)

    def write(self, rows: pa.Table) -> Written:
        """Keep what the next answer doesn't name."""
        written = self.answers.pop(0) if self.answers else Written()
        known = {(row["app_id"], row["event_id"]) for row in self.kept} if self.once else set()
        for number, row in enumerate(rows.to_pylist()):
            taken = number not in written.refused and number not in written.left
            key = (row["app_id"], row["event_id"])
            if taken and key not in known:
                self.kept.append(row)
                known |= {key} if self.once else set()
        self.effects.append(f"{self.name} {rows.num_rows - len(written.refused) - len(written.left)}")
        return written


@dataclass
class MemoryLetters:
    """DeadLetters without a network. ``fails`` is raised by the next calls until it is None again."""

    fails: Exception | None = None
    effects: list[str] = field(default_factory=list)
    kept: dict[str, DeadLetter] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters."""
        if self.fails is not None:
            raise self.fails
        self.kept.update({letter.letter_id: letter for letter in letters})
        self.effects.append(f"letters {len(letters)}")

    def receive(self, most: int, hidden_seconds: int) -> Sequence[ReceivedLetter]:
        """Give letters that are not hidden, and hide them."""
        found = [each for each in self.kept.values() if each.letter_id not in self.hidden][:most]
        if hidden_seconds:
            self.hidden.update(each.letter_id for each in found)
        return [ReceivedLetter(each, each.letter_id) for each in found]

    def release(self, letters: Sequence[ReceivedLetter]) -> None:
        """Show letters again."""
        self.hidden -= {each.receipt for each in letters}

    def delete(self, letters: Sequence[ReceivedLetter]) -> None:
        """Forget letters."""
        for each in letters:
            self.kept.pop(each.receipt, None)


def _bodies(logged: Sequence[Logged]) -> list[Any]:
    in_order = sorted(logged, key=lambda each: (each.log, each.offset))
    return [event for each in in_order for event in msgspec.json.decode(each.record.body)]


class StreamContract:
    """What every Stream keeps; give it a fixture ``opened`` that returns an ``OpenedStream``, empty."""

    def test_every_record_is_stored_once(self, opened: OpenedStream) -> None:
        records = [make_record(make_event(event_id=f"e{number}")) for number in range(1_203)]
        offsets = opened.stream.append(records)
        assert list(offsets) == sorted(set(offsets))
        stored = sorted(opened.stored(), key=lambda each: each.offset)
        assert [each.record for each in stored] == records
        assert [each.offset for each in stored] == list(offsets)

    def test_what_comes_later_stands_behind(self, opened: OpenedStream) -> None:
        [first] = opened.stream.append([make_record()])
        [second] = opened.stream.append([make_record(kind="rejected")])
        assert second > first
        assert [each.record.kind for each in sorted(opened.stored(), key=lambda each: each.offset)] == [
            "events",
            "rejected",
        ]

    def test_a_large_record_is_stored_in_parts(self, opened: OpenedStream) -> None:
        events = [
            make_event(event_id=f"e{number}", properties={"pad": "é\n" * 5_000}) for number in range(300)
        ]
        record = make_record(*events)
        assert len(record.body) > 4_000_000
        opened.stream.append([record])
        stored = opened.stored()
        assert sum(each.record.count for each in stored) == 300
        assert _bodies(stored) == msgspec.json.decode(record.body)
        assert {each.record.received_at for each in stored} == {record.received_at}

    def test_an_event_as_large_as_a_request_may_be_is_stored(self, opened: OpenedStream) -> None:
        record = make_record(make_event(properties={"pad": "many words " * 200_000}))
        opened.stream.append([record])
        [stored] = opened.stored()
        assert stored.record == record

    def test_an_event_that_no_record_can_hold_is_refused(self, opened: OpenedStream) -> None:
        noise = shake_128(b"noise").hexdigest(3_000_000)
        with pytest.raises(BodyTooLarge) as error:
            opened.stream.append([make_record(), make_record(make_event(properties={"pad": noise}))])
        assert not error.value.retryable
        assert opened.stored() == []

    def test_nothing_to_append_is_no_error(self, opened: OpenedStream) -> None:
        assert list(opened.stream.append([])) == []
        opened.stream.check()


class SinkContract:
    """What every Sink keeps; give it a fixture ``opened`` that returns an ``OpenedSink``, empty."""

    def test_every_row_is_there_with_its_values(self, opened: OpenedSink) -> None:
        rows = make_rows(
            {
                "event_id": "a",
                "properties": '{"size":"ü","deep":{"n":1.5}}',
                "value": 12.5,
                "title": 'a "b"',
            },
            {"event_id": "b", "is_bot": True, "bytes": 2**53 + 1, "user_id": "ada"},
        )
        assert opened.sink.write(rows) == Written()
        stored = {row["event_id"]: row for row in opened.stored()}
        assert set(stored) == {"a", "b"}
        assert stored["a"]["value"] == 12.5
        assert stored["a"]["title"] == 'a "b"'
        assert stored["a"]["is_bot"] is False
        assert stored["b"]["is_bot"] is True
        assert stored["b"]["bytes"] == 2**53 + 1
        assert "2026-11-20" in str(stored["a"]["created_at"])

    def test_many_rows_at_once(self, opened: OpenedSink) -> None:
        rows = make_rows(*({"event_id": f"e{number}", "title": "t" * 400} for number in range(3_000)))
        assert opened.sink.write(rows) == Written()
        assert sorted(row["event_id"] for row in opened.stored()) == sorted(rows["event_id"].to_pylist())

    def test_what_it_will_never_take_is_named_and_the_rest_is_there(self, opened: OpenedSink) -> None:
        rows = make_rows({"event_id": "a"}, {"event_id": "bad", **opened.refused}, {"event_id": "c"})
        written = opened.sink.write(rows)
        assert list(written.refused) == [1]
        assert written.refused[1]
        assert written.left == {}
        assert sorted(row["event_id"] for row in opened.stored()) == ["a", "c"]

    def test_no_rows_are_no_error(self, opened: OpenedSink) -> None:
        assert opened.sink.write(EVENTS_SCHEMA.empty_table()) == Written()


class OnceSinkContract(SinkContract):
    """What a Sink keeps that holds a row once, however often it comes."""

    def test_a_row_that_comes_again_stands_once(self, opened: OpenedSink) -> None:
        rows = make_rows({"event_id": "a"}, {"event_id": "b"}, {"event_id": "a"})
        assert opened.sink.once
        assert opened.sink.write(rows) == Written()
        assert opened.sink.write(rows) == Written()
        assert sorted(row["event_id"] for row in opened.stored()) == ["a", "b"]


class DeadLettersContract:
    """What every DeadLetters keeps; give it a fixture ``letters`` that returns one, empty."""

    def test_a_letter_comes_back_as_it_was(self, letters: DeadLetters) -> None:
        sent = make_letter(body='{"text":"\x00 \ufffe ü \U0001f600"}', reasons=("one", "two"), event_id="e")
        letters.send([sent])
        [received] = letters.receive(10, 30)
        assert received.letter == sent

    def test_many_and_large_letters_all_arrive(self, letters: DeadLetters) -> None:
        sent = [make_letter(f"l{number}", body="ü" * 20_000) for number in range(25)]
        letters.send(sent)
        found = letters.receive(100, 60)
        assert sorted(each.letter.letter_id for each in found) == sorted(each.letter_id for each in sent)

    def test_who_works_on_a_letter_has_it_alone_until_it_is_released(self, letters: DeadLetters) -> None:
        letters.send([make_letter()])
        held = letters.receive(1, 60)
        assert letters.receive(1, 60) == []
        letters.release(held)
        [again] = letters.receive(1, 60)
        assert again.letter == held[0].letter

    def test_a_deleted_letter_is_gone(self, letters: DeadLetters) -> None:
        letters.send([make_letter("stays"), make_letter("goes")])
        held = letters.receive(2, 60)
        gone = [each for each in held if each.letter.letter_id == "goes"]
        letters.delete(gone)
        letters.delete(gone)
        letters.release([each for each in held if each.letter.letter_id == "stays"])
        assert [each.letter.letter_id for each in letters.receive(2, 60)] == ["stays"]

    def test_nothing_is_no_error(self, letters: DeadLetters) -> None:
        letters.send([])
        letters.delete([])
        assert letters.receive(5, 1) == []
