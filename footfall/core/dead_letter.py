"""What could not go on, as a value: the bytes as they stand, every reason, and where it was to go."""

import json
from hashlib import blake2b
from typing import Literal

import msgspec
from msgspec import Struct

from footfall.core.record import AppId, Sender

__all__ = ["DeadLetter", "LetterKind", "read_letter", "row_letter", "unreadable_letter", "write_letter"]

LetterKind = Literal["event", "row", "record"]
KEPT = 65_536  # of what can't be read, as of a rejected body


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of three kinds.

    ``event`` was rejected at the door, or when its record was read: ``body`` is its scrubbed text,
    to be judged again by today's rules. ``row`` is a finished row of events as JSON that the store
    ``place`` refused or did not take in time: it only has to be written there again. ``record`` could
    not be read at all. ``letter_id`` is the same whenever the same thing fails in the same place.
    """

    letter_id: str
    kind: LetterKind
    reasons: tuple[str, ...]
    body: str
    place: str = ""
    app_id: AppId = AppId("default")
    event_id: str | None = None
    received_at: int = 0
    origin: str = ""
    sender: Sender = Sender()


_read = msgspec.json.Decoder(DeadLetter).decode


def write_letter(letter: DeadLetter) -> str:
    """Return the letter as JSON in ASCII: SQS takes not every character that JSON may hold."""
    return json.dumps(msgspec.to_builtins(letter), separators=(",", ":"))


def read_letter(text: str) -> DeadLetter:
    """Return the letter that a text holds. Raises msgspec.DecodeError."""
    return _read(text)


def row_letter(
    place: str, app_id: str, event_id: str, row: bytes, reason: str, received_at: int
) -> DeadLetter:
    """Return the letter of a row that a store refused, or did not take in time."""
    return DeadLetter(
        letter_id=_name(place, app_id, event_id),
        kind="row",
        reasons=(reason,),
        body=row.decode(),
        place=place,
        app_id=AppId(app_id),
        event_id=event_id,
        received_at=received_at,
    )


def unreadable_letter(place: str, position: str, data: bytes, reason: str) -> DeadLetter:
    """Return the letter of bytes that hold no record; ``position`` tells where they stood."""
    return DeadLetter(
        letter_id=_name(place, position),
        kind="record",
        reasons=(reason,),
        body=data[:KEPT].decode("utf-8", "replace"),
        place=place,
    )


def _name(*parts: str) -> str:
    digest = blake2b(digest_size=12)
    for part in parts:
        data = part.encode("utf-8", "replace")
        digest.update(len(data).to_bytes(4) + data)
    return digest.hexdigest()
