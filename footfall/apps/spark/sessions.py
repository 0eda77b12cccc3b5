"""Sessions over any number of rows: runs where the rows lie, merged by visitor, and their ids put on rows.

Runs of one visitor from many tasks are merged by the core's rule, which is the same in any order; so a
visitor with half of all rows comes to the merge as few runs, not as rows. The ids go back by visitor
and hour, a join that Spark splits where one visitor's part is large.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from footfall.apps.spark.session import in_arrow, spark_ddl
from footfall.apps.spark.tagged import HOUR_US
from footfall.core.session_merge import (
    GAP_US,
    HIT_COLUMNS,
    KEYS,
    PIECE_SCHEMA,
    merge_pieces,
    runs_of,
    session_ids,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["labelled", "session_spans"]

MOST_HELD = 200_000  # runs of one task before they are merged among themselves
SPANS = pa.schema(
    [
        *(PIECE_SCHEMA.field(name) for name in KEYS),
        pa.field("hour", pa.int64()),
        pa.field("started_at", pa.timestamp("us")),
        pa.field("ended_at", pa.timestamp("us")),
        pa.field("made_id", pa.string()),
        pa.field("cut", pa.bool_()),
    ]
)


def session_spans(events: "DataFrame", beyond: Collection[int] = ()) -> "DataFrame":
    """Return the sessions of all events, each once for every hour that it touches.

    ``cut`` are those that may go on in hours ``beyond`` what the events are of.
    """
    runs = in_arrow(events.select(*HIT_COLUMNS), _runs, spark_ddl(PIECE_SCHEMA))
    return in_arrow(runs.repartition(*KEYS), partial(_spans, sorted(beyond)), spark_ddl(SPANS))


def labelled(events: "DataFrame", spans: "DataFrame") -> "DataFrame":
    """Return the events with a ``session_id``: the sender's, else that of the session they fall in."""
    from pyspark.sql import functions as f  # needs the extra

    rows, sessions = events.alias("r"), spans.alias("s")
    same = [f.col(f"r.{name}") == f.col(f"s.{name}") for name in (*KEYS, "hour")]
    within = f.col("r.created_at").between(f.col("s.started_at"), f.col("s.ended_at"))
    columns = [
        f.coalesce("r.session_id", "s.made_id").alias(name) if name == "session_id" else f.col(f"r.{name}")
        for name in events.columns
    ]
    return rows.join(sessions, [*same, within], "left").select(*columns)


def _runs(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    held = PIECE_SCHEMA.empty_table()
    for batch in batches:
        held = pa.concat_tables([held, runs_of(pa.Table.from_batches([batch])).pieces])
        if len(held) > MOST_HELD:
            held = merge_pieces(held).pieces
            if len(held) > MOST_HELD // 2:
                yield from held.to_batches()
                held = PIECE_SCHEMA.empty_table()
    yield from merge_pieces(held).pieces.to_batches()


def _spans(beyond: Sequence[int], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    pieces = pa.Table.from_batches([batch.cast(PIECE_SCHEMA) for batch in batches], PIECE_SCHEMA)
    sessions = merge_pieces(pieces).pieces
    if not len(sessions):
        return
    started, ended = (sessions[n].cast(pa.int64()).to_numpy() for n in ("started_at", "ended_at"))
    hours = [np.floor_divide(moments, HOUR_US) for moments in (started, ended)]
    edges = [np.floor_divide(moments, HOUR_US) for moments in (started - GAP_US, ended + GAP_US)]
    cut = np.isin(edges[0], beyond) | np.isin(edges[1], beyond)
    touched = hours[1] - hours[0] + 1
    owner = np.repeat(np.arange(len(sessions)), touched)
    before = np.cumsum(touched) - touched
    hour = hours[0][owner] + np.arange(len(owner)) - before[owner]
    found = sessions.append_column("made_id", session_ids(sessions)).append_column("cut", pa.array(cut))
    found = found.take(pa.array(owner))
    found = found.append_column("hour", pa.array(hour))
    yield from found.select(SPANS.names).to_batches()
