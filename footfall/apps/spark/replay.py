"""Raw events again, at any size: from the archive's blocks to the lake's hours."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from footfall.adapters.raw_blocks import list_blocks, read_block
from footfall.apps.spark.landing import Hours, Landed, Target, land
from footfall.apps.spark.session import MapArrow, in_arrow, spread_over
from footfall.apps.spark.tagged import TAGGED_DDL, tag_count, tag_events, tag_rejected
from footfall.core.decode import decode
from footfall.core.enrich import enrich
from footfall.core.judged_again import judged_again
from footfall.core.scrub import Action, ScrubPlan, plan_for
from footfall.services.imports.layouts import FORMATS
from footfall.services.replay_plan import blocks_for, gathered, in_tasks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Replay", "replay"]


Scrub = tuple[tuple[str, tuple[tuple[str, Action], ...]], ...]
"""For each app that has some, the actions of scrub rules."""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay is to do: hours of ``created_at`` in [start, end), all when not given.

    ``key`` is the installation's and ``scrub`` has the actions of each app, for masks; ``late_days`` and
    ``gaps`` as in ``services.replay_plan``.
    """

    raw: str
    lake: str
    key: bytes
    scrub: Scrub = ()
    start: datetime | None = None
    end: datetime | None = None
    late_days: int | None = None
    gaps: bool = False
    file_bytes: int = 64 << 20


def replay(spark: "SparkSession", wanted: Replay, now: datetime) -> Landed:
    """Put the archive's events through today's rules into the lake; ``now`` becomes ``processed_at``.

    Imported rows are not in the archive: those in the lake stay.

    Raises NotFound, BadSource for a damaged block, and what ``land`` raises; the lake is then as it was.
    """
    blocks = blocks_for(
        list_blocks(wanted.raw), wanted.start, wanted.end, late_days=wanted.late_days, gaps=wanted.gaps
    )
    context = spark.sparkContext
    places = [(block.place, f"{block.log}-{block.first:020d}") for block in blocks]
    tasks = in_tasks(blocks, context.defaultParallelism)
    spread_over(spark, tasks)
    frame = spark.createDataFrame(context.parallelize(places, tasks), "place string, source string")
    rows = in_arrow(frame, _read_blocks(wanted.key, wanted.scrub, now), TAGGED_DDL)
    target = Target(
        wanted.lake,
        Hours.between(wanted.start, wanted.end),
        kept=frozenset(FORMATS),
        whole=True,
        file_bytes=wanted.file_bytes,
    )
    landed, _ = land(rows, target)
    return landed


def _read_blocks(key: bytes, scrub: Scrub, now: datetime) -> MapArrow:
    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        actions = dict(scrub)
        plan_of = lru_cache(None)(lambda app: plan_for(dict(actions.get(app, ())), key))
        for batch in batches:
            for place, source in zip(*batch.to_pydict().values(), strict=True):
                yield from _read_one(place, source, plan_of, now)

    return read


def _read_one(
    place: str, source: str, plan_of: Callable[[str], ScrubPlan], now: datetime
) -> Iterator[pa.RecordBatch]:
    number = counted = 0
    for records in gathered(read_block(place)):
        counted += sum(each.record.count for each in records)
        judged = [again for each in records for again in judged_again(each, plan_of(each.record.app_id))]
        decoded = decode(judged)
        yield from tag_events(enrich(decoded.rows, now), source, number)
        number += len(decoded.rows)
        yield from tag_rejected(decoded.rejected, source, number)
        number += len(decoded.rejected)
    yield from tag_count(source, counted)
