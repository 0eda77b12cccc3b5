"""Dead letters again: events through today's rules back into the stream, rows to the store they were for.

What goes on is stored first and struck from the queue after, so a crash between the two brings it
twice: under the same event id, which is counted once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from footfall.core.dead_letter import DeadLetter
from footfall.core.json_rows import rows_of
from footfall.core.raw_line import read_line
from footfall.core.record import AppId, Record
from footfall.ports import RejectedEvent
from footfall.ports.delivery import DeadLetters, ReceivedLetter, Sink, Stream
from footfall.services.imports.rows import ImportRules
from footfall.services.rejected import event_again

__all__ = ["Redriven", "StillDead", "listed_letters", "redrive"]

HELD_SECONDS = 300
LISTED_SECONDS = 30
GROUP = 500
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone


class StillDead(Struct, frozen=True, kw_only=True):
    """A letter that could not go on, and why this time."""

    letter_id: str
    reasons: list[str]


class Redriven(Struct, frozen=True, kw_only=True):
    """What a redrive did, in letters; those in ``still_dead`` are in the queue as before."""

    sent: int
    still_dead: list[StillDead]


def listed_letters(letters: DeadLetters, most: int = 100) -> list[DeadLetter]:
    """Return letters and leave them where they are. Raises QueueFailed."""
    with _held(letters, most, LISTED_SECONDS) as held:
        return [each.letter for each in held]


def redrive(
    letters: DeadLetters,
    stream: Stream,
    sinks: Mapping[str, Sink],
    rules_of: Callable[[AppId], ImportRules],
    most: int = 10_000,
) -> Redriven:
    """Take up to so many letters, and bring on those that today's rules and stores take.

    ``sinks`` are the stores by the names that letters know them by. Raises QueueFailed, and what the
    stream raises, with the letters that were not struck back in the queue.
    """
    sent = 0
    dead: list[StillDead] = []
    with _held(letters, most, HELD_SECONDS) as held:
        for group in [held[at : at + GROUP] for at in range(0, len(held), GROUP)]:
            why = _into_stream([each.letter for each in group], stream, rules_of)
            for name in {each.letter.place for each in group if each.letter.kind == "row"}:
                rows = [
                    each.letter for each in group if each.letter.kind == "row" and each.letter.place == name
                ]
                why |= _into_sink(rows, sinks.get(name), name)
            gone = [each for each in group if each.letter.letter_id not in why]
            letters.delete(gone)
            held[:] = [each for each in held if each not in gone]
            sent += len(gone)
            dead += [StillDead(letter_id=letter_id, reasons=reasons) for letter_id, reasons in why.items()]
    return Redriven(sent=sent, still_dead=dead)


@contextmanager
def _held(letters: DeadLetters, most: int, seconds: int) -> Iterator[list[ReceivedLetter]]:
    """Hold letters in a list; those that are still in it at the end are given back."""
    held = list(letters.receive(most, seconds))
    try:
        yield held
    finally:
        letters.release(held)


def _into_stream(
    group: Sequence[DeadLetter], stream: Stream, rules_of: Callable[[AppId], ImportRules]
) -> dict[str, list[str]]:
    """Append what can be read as records now; return the reasons of the others, by letter."""
    records: list[Record] = []
    why: dict[str, list[str]] = {}
    for letter in group:
        if letter.kind == "event":
            reading = event_again(_rejected(letter), rules_of(letter.app_id), letter.body)
            if reading.logged is None:
                why[letter.letter_id] = list(reading.reasons)
            else:
                records.append(reading.logged.record)
        elif letter.kind == "record":
            try:
                records.append(read_line(letter.body.encode()).record)
            except msgspec.DecodeError as error:
                why[letter.letter_id] = [f"it is no record of ours: {error}"]
    if records:
        stream.append(records)
    return why


def _into_sink(rows: Sequence[DeadLetter], sink: Sink | None, name: str) -> dict[str, list[str]]:
    """Write rows where they were to go; return the reasons of those that are not taken, by letter."""
    if sink is None:
        return {letter.letter_id: [f"there is no store named {name} here"] for letter in rows}
    written = sink.write(rows_of([letter.body for letter in rows]))
    return {
        rows[number].letter_id: [reason] for number, reason in {**written.refused, **written.left}.items()
    }


def _rejected(letter: DeadLetter) -> RejectedEvent:
    return RejectedEvent(
        rejected_id=letter.letter_id,
        app_id=letter.app_id,
        event_id=letter.event_id,
        received_at=EPOCH + timedelta(microseconds=letter.received_at),
        origin=letter.origin,
        reasons=letter.reasons,
        body=letter.body,
        sender=letter.sender,
    )
