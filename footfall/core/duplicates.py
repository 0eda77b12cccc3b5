"""Which rows repeat an event that was stored before: first received wins, within 7 days.

The warehouse keeps this rule batch by batch, in SQL, against the ids that it has seen; here it is for
a whole history at once, sorted by id and receipt, a piece at a time.
"""

from datetime import timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["REPEAT_WINDOW", "LastKept", "repeats"]

REPEAT_WINDOW = timedelta(days=7)
"""A second event of the same app and id is a sender's retry when it comes within this time."""

WINDOW_US = REPEAT_WINDOW // timedelta(microseconds=1)
KEY = ("app_id", "event_id")
Flags = npt.NDArray[np.bool_]


class LastKept(NamedTuple):
    """Where a sorted history has been read to: the last row's id, and when the one kept of it came."""

    app_id: str
    event_id: str
    received_at: int


def repeats(rows: pa.Table, last: LastKept | None = None) -> tuple[Flags, LastKept | None]:
    """Tell which rows are duplicates of an earlier one.

    ``rows`` has ``app_id, event_id, received_at``, sorted by these (ties in any order of their own:
    the first is kept); ``last`` is what the call for the rows before returned, so that a history of
    any length, even of one id, is read in constant memory.
    """
    if not len(rows):
        return np.zeros(0, dtype=bool), last
    received = rows["received_at"].cast(pa.int64()).to_numpy()
    repeated = _same_as_before(rows, last)
    opens = ~repeated
    kept = last.received_at if last and repeated[0] else int(received[0])
    # Only ids that stand more than once are walked through.
    for place in np.flatnonzero(repeated | np.append(repeated[1:], False)).tolist():
        if opens[place] or received[place] - kept >= WINDOW_US:
            kept = int(received[place])
            repeated[place] = False
    if opens[-1]:
        kept = int(received[-1])
    return repeated, LastKept(rows["app_id"][-1].as_py(), rows["event_id"][-1].as_py(), kept)


def _same_as_before(rows: pa.Table, last: LastKept | None) -> Flags:
    """Tell which rows have the id of the row before them."""
    same = np.ones(len(rows), dtype=bool)
    for name in KEY:
        column = rows[name].combine_chunks()
        same[1:] &= pc.equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
        same[0] &= last is not None and column[0].as_py() == getattr(last, name)
    return same
