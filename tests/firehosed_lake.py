"""A lake as Firehose leaves it, beside its raw archive, made of what the embedded path has."""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from spark_world import Embedded

from footfall.adapters.lake_bucket import BucketLake
from footfall.adapters.lake_rows import read_rows
from footfall.adapters.s3_objects import S3Objects
from footfall.core.arrow import EVENTS_SCHEMA

__all__ = ["FIRST", "HOUR", "Firehosed", "between", "changed", "old", "same"]

FIRST = datetime(2026, 3, 1)  # noqa: DTZ001 - our times are UTC without a zone
HOUR = timedelta(hours=1)


@dataclass
class Firehosed:
    """Two buckets: the raw archive of the embedded path, and its lake as Firehose would have left it."""

    raw: S3Objects
    bucket: S3Objects
    truth: pa.Table

    @property
    def lake(self) -> BucketLake:
        return BucketLake(self.bucket.name)

    @classmethod
    def of(cls, small: Embedded, raw: str, lake: str) -> "Firehosed":
        truth = pq.read_table(small.lake / "events", schema=EVENTS_SCHEMA, partitioning=None)
        made = cls(S3Objects(raw), S3Objects(lake), truth)
        for path in sorted(small.raw.rglob("*.zst*")):
            made.raw.put(f"raw/{path.relative_to(small.raw).as_posix()}", path.read_bytes())
        return made

    def deliver(self, rows: pa.Table, *, seed: int = 1, twice: float = 0.05) -> None:
        """Put rows into folders of the hour after their receipt, some twice, in INT96 as Firehose does."""
        chance = random.Random(seed)  # noqa: S311 - a test's
        repeated = [n for n in range(len(rows)) for _ in range(1 + (chance.random() < twice))]
        rows = rows.take(repeated).sort_by("received_at")
        hours = pc.cast(pc.floor_temporal(rows["received_at"], unit="hour"), pa.timestamp("us"))
        for number, hour in enumerate(pc.unique(hours).to_pylist()):
            own = rows.filter(pc.equal(hours, pa.scalar(hour, pa.timestamp("us"))))
            sink = io.BytesIO()
            pq.write_table(own, sink, use_deprecated_int96_timestamps=True)
            self.bucket.put(f"{folder_of(hour)}/rows-1-{seed}-{number}.parquet", sink.getvalue())

    def rows(self) -> pa.Table:
        found = [read_rows(file) for file in self.lake.files("events")]
        return pa.concat_tables(found) if found else EVENTS_SCHEMA.empty_table()

    def keys(self) -> set[str]:
        return {each.key for each in self.bucket.list("events/")}


def folder_of(hour: datetime) -> str:
    return f"events/{hour:year=%Y/month=%m/day=%d/hour=%H}"


def old(rows: pa.Table) -> pa.Table:
    """Return rows as older rules had them: no session, another browser."""
    nothing = [None] * len(rows)
    return changed(changed(rows, "session_id", nothing), "browser", ["of old"] * len(rows))


def changed(rows: pa.Table, name: str, values: Sequence[str | None]) -> pa.Table:
    column = rows.schema.get_field_index(name)
    return rows.set_column(column, rows.schema.field(name), pa.array(values, pa.string()))


def same(one: pa.Table, other: pa.Table, without: Sequence[str] = ("processed_at",)) -> None:
    names = ("app_id", "event_id", "created_at", "browser", "session_id")
    order = [(name, "ascending") for name in names if name not in without]
    left, right = (table.drop_columns(list(without)).sort_by(order) for table in (one, other))
    assert len(left) == len(right)
    assert left.equals(right)


def between(rows: pa.Table, start: datetime, end: datetime) -> pa.Table:
    times = rows["created_at"]
    return rows.filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))
