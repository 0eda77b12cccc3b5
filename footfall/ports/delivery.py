"""What takes records and rows beyond one machine, and the queue of what none of them took."""

from __future__ import annotations  # collect imports this and must not load Arrow

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from footfall.core.record import Offset, Record

if TYPE_CHECKING:
    import pyarrow as pa

    from footfall.core.dead_letter import DeadLetter

__all__ = ["DeadLetters", "LetterSource", "ReceivedLetter", "Sink", "Stream", "Written"]


class Stream(Protocol):
    """A durable stream of records that others read by their own means."""

    @property
    def name(self) -> str:
        """The stream's name."""
        ...

    def append(self, records: Sequence[Record]) -> Sequence[Offset]:
        """Store every record and return their offsets, ascending.

        When this returns all of them are stored. When it raises, some may be: a sender who then sends
        again is found by its event ids. Raises LogFailed when one could not be stored in time,
        BodyTooLarge when one never can be.
        """
        ...

    def check(self) -> None:
        """Return when the stream takes records; else raise LogFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """What became of rows, by their number: all others are in the sink.

    ``refused`` are those that it will never take as they are, ``left`` those that it did not take in
    time; each with the reason.
    """

    refused: Mapping[int, str] = field(default_factory=dict)
    left: Mapping[int, str] = field(default_factory=dict)


class Sink(Protocol):
    """A store that is given finished rows of events and never asked for them."""

    @property
    def name(self) -> str:
        """What dead letters call it: firehose, search, events."""
        ...

    @property
    def once(self) -> bool:
        """Whether a row that is written again stands there once."""
        ...

    def write(self, rows: pa.Table) -> Written:
        """Write rows (``EVENTS_SCHEMA``); try those that fail for now again until the time is over.

        Never raises for what the store answers, or for its not answering.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReceivedLetter:
    """A letter out of the queue; ``receipt`` is what it is deleted by."""

    letter: DeadLetter
    receipt: str


class LetterSource(Protocol):
    """Letters of what could not go on. Raises QueueFailed, or the errors of the port ObjectStore."""

    def receive(self, most: int, hidden_seconds: int) -> Sequence[ReceivedLetter]:
        """Return up to so many letters; nobody else is given them for a while, then they are back."""
        ...

    def release(self, letters: Sequence[ReceivedLetter]) -> None:
        """Give letters back at once."""
        ...

    def delete(self, letters: Sequence[ReceivedLetter]) -> None:
        """Forget letters; those forgotten already are no error."""
        ...


class DeadLetters(LetterSource, Protocol):
    """The queue of what could not go on. Raises StoreFailed."""

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep every letter. When it raises some may be kept, and come twice by one ``letter_id``."""
        ...
