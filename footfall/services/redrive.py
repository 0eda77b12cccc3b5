"""Dead letters again: events through today's rules back into the stream, rows to the store they were for.

What goes on is stored first and struck from the queue after, so a crash between the two brings it
twice: under the same event id, which is counted once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import pyarrow as pa
from msgspec import Struct

from footfall.core.dead_letter import DeadLetter
from footfall.core.json_rows import rows_of
from footfall.core.raw_line import read_line
from footfall.core.record import AppId, Record
from footfall.errors import BadCorrection
from footfall.ports import RejectedEvent
from footfall.ports.delivery import LetterSource, ReceivedLetter, Sink, Stream
from footfall.services.imports.rows import ImportRules
from footfall.services.rejected import event_again

__all__ = ["Chosen", "Redriven", "StillDead", "listed_letters", "redrive"]

HELD_SECONDS = 300
LISTED_SECONDS = 30
GROUP = 500
MOST = 100_000
"""Letters that one command has in hand: SQS lets nobody hold more than 120,000."""

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - our times are UTC without a zone


class StillDead(Struct, frozen=True, kw_only=True):
    """A letter that could not go on, and why this time."""

    letter_id: str
    reasons: list[str]


class Redriven(Struct, frozen=True, kw_only=True):
    """What a redrive did, in letters; those in ``still_dead`` are in the queue as before."""

    sent: int
    still_dead: list[StillDead]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which letters are meant: those of these ids (all when None) and of this app (any when None)."""

    ids: frozenset[str] | None = None
    app: str | None = None

    def has(self, letter: DeadLetter) -> bool:
        """Say whether a letter is among them."""
        return (self.ids is None or letter.letter_id in self.ids) and self.app in (None, letter.app_id)


def listed_letters(
    letters: LetterSource, most: int = 100, chosen: Chosen | None = None
) -> list[DeadLetter]:
    """Return up to so many of the chosen letters and leave all where they are. Raises QueueFailed.

    Each once, in no order. A queue has no index, so the letters before them are looked at too; nobody
    else is given what was looked at until this returns, or for half a minute when it never does.
    """
    chosen = chosen or Chosen()
    if chosen.ids is not None:
        most = min(most, len(chosen.ids))
    found: dict[str, DeadLetter] = {}
    with _held(letters) as held:
        for group in _groups(letters, LISTED_SECONDS, held):
            found |= {each.letter.letter_id: each.letter for each in group if chosen.has(each.letter)}
            if len(found) >= most:
                break
    return list(found.values())[:most]


def redrive(
    letters: LetterSource,
    stream: Stream,
    sinks: Mapping[str, Sink],
    rules_of: Callable[[AppId], ImportRules],
    chosen: Chosen | None = None,
    body: str | None = None,
) -> Redriven:
    """Bring on those of the chosen letters (all when none is named) that today's rules and stores take.

    ``sinks`` are the stores by the names that letters know them by; ``body`` is read instead of what was
    kept of the one event. Raises QueueFailed, BadCorrection, and what the stream raises, with the
    letters that were not struck back in the queue.
    """
    chosen = chosen or Chosen()
    if body is not None and len(chosen.ids or ()) != 1:
        raise BadCorrection(cause=f"it is for one rejected event, and {len(chosen.ids or ())} are named")
    sent: set[str] = set()
    dead: dict[str, list[str]] = {}
    with _held(letters) as held:
        for received in _groups(letters, HELD_SECONDS, held):
            group = [each for each in received if chosen.has(each.letter)]
            new = {each.letter.letter_id: each.letter for each in group}
            for known in new.keys() & (sent | dead.keys()):
                del new[known]
            dead |= _brought_on([_corrected(each, body) for each in new.values()], stream, sinks, rules_of)
            sent |= new.keys() - dead.keys()
            gone = [each for each in group if each.letter.letter_id in sent]
            letters.delete(gone)
            for each in gone:
                del held[each.receipt]
            if chosen.ids is not None and chosen.ids <= sent | dead.keys():
                break
    still_dead = [StillDead(letter_id=name, reasons=reasons) for name, reasons in dead.items()]
    return Redriven(sent=len(sent), still_dead=still_dead)


@contextmanager
def _held(letters: LetterSource) -> Iterator[dict[str, ReceivedLetter]]:
    """Give a place for letters by their receipts; those that are in it at the end are given back."""
    held: dict[str, ReceivedLetter] = {}
    try:
        yield held
    finally:
        letters.release(list(held.values()))


def _groups(
    letters: LetterSource, seconds: int, held: dict[str, ReceivedLetter]
) -> Iterator[Sequence[ReceivedLetter]]:
    """Yield letters in groups until the queue gives no new one; all are held.

    A letter that stands there twice, or whose time ran out, comes again under another receipt.
    """
    known: set[str] = set()
    while len(known) < MOST and (received := letters.receive(GROUP, seconds)):
        held.update({each.receipt: each for each in received})
        yield received
        before = len(known)
        known.update(each.letter.letter_id for each in received)
        if len(known) == before:
            return


def _corrected(letter: DeadLetter, body: str | None) -> DeadLetter:
    if body is None:
        return letter
    if letter.kind != "event":
        raise BadCorrection(cause=f"{letter.letter_id} is a {letter.kind}, which goes on as it is")
    return msgspec.structs.replace(letter, body=body.strip())


def _brought_on(
    group: Sequence[DeadLetter],
    stream: Stream,
    sinks: Mapping[str, Sink],
    rules_of: Callable[[AppId], ImportRules],
) -> dict[str, list[str]]:
    """Bring letters on; return the reasons of those that stay, by letter."""
    why = _into_stream(group, stream, rules_of)
    rows = [letter for letter in group if letter.kind == "row"]
    for name in sorted({letter.place for letter in rows}):
        why |= _into_sink([letter for letter in rows if letter.place == name], sinks.get(name), name)
    return why


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
    why: dict[str, list[str]] = {}
    read: list[tuple[str, pa.Table]] = []
    for letter in rows:
        try:
            read.append((letter.letter_id, rows_of([letter.body])))
        except (msgspec.MsgspecError, pa.ArrowException) as error:
            why[letter.letter_id] = [f"it is no row of ours: {error}"]
    if read:
        written = sink.write(pa.concat_tables([table for _, table in read]))
        for number, reason in {**written.refused, **written.left}.items():
            why[read[number][0]] = [reason]
    return why


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
