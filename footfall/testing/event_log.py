"""For tests with an event log: a log in memory, a clock to advance, records to write, the contract.

To prove an adapter of your own, subclass ``EventLogContract`` and give it a fixture ``open_log``.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from footfall.core.event import Event
from footfall.core.record import AppId, Logged, Offset, Record, RecordKind, Sender
from footfall.errors import LogFull
from footfall.ports import EventLog

__all__ = ["EventLogContract", "FixedClock", "MemoryLog", "OpenLog", "make_event", "make_record"]

START = 1_760_000_000_000_000  # 2025-10-09, in microseconds

OpenLog = Callable[[], EventLog]
"""Opens the log under test; a second call opens the same one again."""


@dataclass
class FixedClock:
    """A clock that stands still until it is told to go on; microseconds since 1970, UTC."""

    now: int = START

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += round(seconds * 1_000_000)


def make_event(event: str = "page_view", **fields: object) -> Event:
    """Return an event with an id, unless told otherwise."""
    fields.setdefault("event_id", f"{event}-1")
    return msgspec.convert({"event": event} | fields, Event)


def make_record(
    *events: Event, app_id: str = "default", received_at: int = START, kind: RecordKind = "events"
) -> Record:
    """Return a record of these events, or of one made up."""
    chosen = events or (make_event(),)
    return Record(
        kind=kind,
        app_id=AppId(app_id),
        origin="native",
        received_at=received_at,
        count=len(chosen),
        sender=Sender(ip="192.0.2.0", country="DE", user_agent="test", language="en"),
        body=msgspec.json.encode(chosen),
    )


@dataclass
class MemoryLog:
    """EventLog without a disk. ``fails`` is raised by the next appends until it is None again.

    ``effects`` lists what happened in order (``("appended", count of records)``), so that a test
    can compare it with what else it saw.
    """

    name: str = "memory"
    max_bytes: int = 1 << 30
    fails: Exception | None = None
    effects: list[tuple[str, int]] = field(default_factory=list)
    _kept: list[Logged] = field(default_factory=list)
    _end: int = 0
    _trimmed: dict[AppId, int] = field(default_factory=dict)

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """Keep all or none; see EventLog."""
        if self.fails is not None:
            raise self.fails
        used = self.size()
        if used + sum(len(record.body) for record in records) > self.max_bytes:
            raise LogFull(log=self.name, limit_bytes=self.max_bytes, used_bytes=used)
        offsets = [Offset(self._end + place) for place in range(1, len(records) + 1)]
        self._kept += [
            Logged(self.name, offset, record) for offset, record in zip(offsets, records, strict=True)
        ]
        self._end += len(records)
        self.effects.append(("appended", len(records)))
        return offsets

    def read(self, after: Offset, max_events: int) -> list[Logged]:
        """Return what lies behind ``after``."""
        found: list[Logged] = []
        events = 0
        for logged in self._kept:
            if logged.offset <= after:
                continue
            events += logged.record.count
            if found and events > max_events:
                break
            found.append(logged)
        return found

    def end(self) -> Offset:
        """Return the last offset."""
        return Offset(self._end)

    def received(self, upto: Offset) -> Mapping[AppId, int]:
        """Count per app."""
        counts = Counter(self._trimmed)
        for logged in self._kept:
            if logged.offset <= upto:
                counts[logged.record.app_id] += logged.record.count
        return dict(counts)

    def trim(self, upto: Offset) -> int:
        """Forget records, keep their counts."""
        gone = sum(logged.offset <= upto for logged in self._kept)
        self._trimmed = dict(self.received(min(upto, self.end())))
        self._kept = self._kept[gone:]
        return gone

    def skip_to(self, offset: int) -> None:
        """Leave offsets out, as a file does that is opened again."""
        self._end = max(self._end, offset)

    def copy(self) -> "MemoryLog":
        """Return another log that holds the same, as a copied file does."""
        return replace(self, effects=[], _kept=list(self._kept), _trimmed=dict(self._trimmed))

    def size(self) -> int:
        """Return the bodies' bytes."""
        return sum(len(logged.record.body) for logged in self._kept)

    def close(self) -> None:
        """Keep everything: memory has nothing to release."""


class EventLogContract:
    """What every EventLog keeps. Subclasses give a fixture ``open_log`` of type OpenLog."""

    def test_offsets_ascend_and_go_on_after_reopening(self, open_log: OpenLog) -> None:
        log = open_log()
        assert log.end() == 0
        first, second = log.append([make_record(), make_record()])
        assert 0 < first < second
        log.close()
        log = open_log()
        assert log.end() == second
        [third] = log.append([make_record()])
        assert second < third == log.end()
        assert [logged.offset for logged in log.read(Offset(0), 100)] == [first, second, third]
        assert [dict(log.received(at)) for at in (first, second, Offset(third - 1), third)] == [
            {"default": count} for count in (1, 2, 2, 3)
        ]

    def test_reading_gives_back_what_was_written(self, open_log: OpenLog) -> None:
        log = open_log()
        records = [
            make_record(make_event(title="köln \u0000 \U0001f600"), app_id="a"),
            make_record(app_id="b", kind="rejected"),
        ]
        offsets = log.append(records)
        assert log.read(Offset(0), 100) == [
            Logged(log.name, offset, record) for offset, record in zip(offsets, records, strict=True)
        ]
        assert log.read(offsets[-1], 100) == []
        assert log.read(Offset(offsets[-1] + 97), 100) == []

    def test_reading_stops_at_the_wanted_events_but_gives_one(self, open_log: OpenLog) -> None:
        log = open_log()
        three = make_record(make_event(), make_event(), make_event())
        a, b = log.append([three, three])
        [c] = log.append([three])
        assert [logged.offset for logged in log.read(Offset(0), 1)] == [a]
        assert [logged.offset for logged in log.read(Offset(0), 6)] == [a, b]
        assert [logged.offset for logged in log.read(a, 8)] == [b, c]
        assert [logged.offset for logged in log.read(Offset(0), 100)] == [a, b, c]

    def test_counts_per_app_at_every_offset_even_trimmed(self, open_log: OpenLog) -> None:
        log = open_log()
        two = make_record(make_event(), make_event(), app_id="a")
        first, second, third = log.append([two, make_record(app_id="b"), two])
        [fourth] = log.append([make_record(app_id="b", kind="rejected")])
        expected = {
            Offset(0): {},
            first: {"a": 2},
            second: {"a": 2, "b": 1},
            third: {"a": 4, "b": 1},
            fourth: {"a": 4, "b": 2},
        }
        assert {upto: dict(log.received(upto)) for upto in expected} == expected
        for upto in (second, third, fourth):
            log.trim(upto)
            later = {at: counts for at, counts in expected.items() if at >= upto}
            assert {at: dict(log.received(at)) for at in later} == later

    def test_trimmed_records_are_gone_and_offsets_are_never_used_again(self, open_log: OpenLog) -> None:
        log = open_log()
        _, second, third = log.append([make_record(), make_record(), make_record()])
        assert log.trim(second) == 2
        assert log.trim(second) == 0
        assert [logged.offset for logged in log.read(Offset(0), 100)] == [third]
        assert log.trim(Offset(third + 96)) == 1
        assert log.read(Offset(0), 100) == []
        log.close()
        log = open_log()
        assert log.end() == third
        [fourth] = log.append([make_record()])
        assert fourth > third
        assert log.received(fourth) == {"default": 4}
        assert log.trim(fourth) == 1

    def test_full_takes_nothing_until_it_was_trimmed(self, open_log: OpenLog) -> None:
        log = open_log()
        large = make_record(make_event(title="x" * 1_000, properties={"pad": "y" * 50_000}))
        taken = 0
        try:
            while taken < 10_000:
                [last] = log.append([large])
                taken += 1
        except LogFull as error:
            assert error.retryable
        assert 0 < taken < 10_000, "open_log must give a log with a limit of a few megabytes"
        assert log.end() == last
        assert log.trim(log.end()) == taken
        assert log.append([large])[0] > last

    def test_appending_nothing_moves_nothing(self, open_log: OpenLog) -> None:
        log = open_log()
        [only] = log.append([make_record()])
        assert list(log.append([])) == []
        assert log.end() == only
