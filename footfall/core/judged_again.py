"""A stored record through today's rules: validated and scrubbed again before it is decoded.

What the door let in under older rules may be refused or masked today. Its events keep their ids.
"""

from typing import Any

import msgspec

from footfall.core.intake import Policy, Taken, take
from footfall.core.record import Logged, Record
from footfall.core.scrub import ScrubPlan

__all__ = ["judged_again"]

_read = msgspec.json.Decoder(list[dict[str, Any]]).decode
_write = msgspec.json.Encoder().encode


def judged_again(logged: Logged, plan: ScrubPlan) -> list[Logged]:
    """Return the record as it would be kept today: as it is, masked, or parted into accepted and refused.

    Rejected events stay what they are (to retry them is another matter), and so does a record that is
    damaged, of which ``decode`` tells. The count of events is the same.
    """
    record = logged.record
    if record.kind != "events":
        return [logged]
    taken = take(
        record.body,
        policy=Policy(record.app_id, plan),
        origin=record.origin,
        received_at=record.received_at,
        sender=record.sender,
    )
    if taken.accepted + len(taken.rejected) != record.count or taken.refused is not None:
        return [logged]
    if not taken.rejected:
        return [Logged(logged.log, logged.offset, each) for each in taken.records]
    return [Logged(logged.log, logged.offset, _placed(each, logged, taken)) for each in taken.records]


def _placed(record: Record, logged: Logged, taken: Taken) -> Record:
    """Name events without an id by their place before the refused ones were taken out."""
    if record.kind != "events":
        return record
    refused = {index for index, _ in taken.rejected}
    places = (index for index in range(logged.record.count) if index not in refused)
    events = [
        {"event_id": f"{logged.log}-{logged.offset}-{place}"} | event
        for place, event in zip(places, _read(record.body), strict=True)
    ]
    return msgspec.structs.replace(record, body=_write(events))
