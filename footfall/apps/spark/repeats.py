"""Which events repeat an earlier one, by the core's rule, over any number of rows.

Only ids, times and places are shuffled, and each partition is read as a sorted stream: an id that was
sent a million times takes no more memory than any other.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from footfall.apps.spark.session import in_arrow
from footfall.core.duplicates import LastKept, repeats

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["repeated"]

KEY = ("app_id", "event_id")
PLACE = ("read_from", "read_number")
SCHEMA = "read_from string, read_number bigint, hour bigint, stands boolean"


def repeated(events: "DataFrame") -> "DataFrame":
    """Return ``read_from, read_number, hour, stands`` of each event that repeats an earlier one.

    Of equal times of receipt the first place by these counts as the earlier.
    """
    narrow = events.select(*KEY, "received_at", *PLACE, "hour", "stands")
    history = narrow.repartition(*KEY).sortWithinPartitions(*KEY, "received_at", *PLACE)
    return in_arrow(history, _only_repeats, SCHEMA)


def _only_repeats(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    last: LastKept | None = None
    for batch in batches:
        found, last = repeats(pa.Table.from_batches([batch]), last)
        if found.any():
            yield batch.filter(pa.array(found)).select([*PLACE, "hour", "stands"])
