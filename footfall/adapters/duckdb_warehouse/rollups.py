"""Rollups: each a row of a table here, kept as partial aggregates and read through a view.

A commit appends one partial row per key to ``store.<name>_delta``; that takes half the time of an
upsert on a primary key and no index in memory. From time to time the delta is folded into
``store.<name>_base``, only for the days that it touches. The view ``<name>`` sums both, so a key
has one row whether or not it was folded yet.
"""

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["ROLLUPS", "Rollup", "fold", "rebuild"]

FOLD_ROWS = 200_000
"""Partial rows below which folding is not worth its transaction."""


class Measure(NamedTuple):
    """A number of a rollup: its type, how rows make it, and how two of it make one."""

    name: str
    type: str
    of_rows: str
    merge: str


class Key(NamedTuple):
    """A column that a rollup groups by."""

    name: str
    type: str
    of_rows: str


class Rollup(NamedTuple):
    """One declared rollup; ``period`` names the key by which it is folded."""

    name: str
    keys: tuple[Key, ...]
    measures: tuple[Measure, ...]
    period: str

    @property
    def base(self) -> str:
        """The folded part, one row per key."""
        return f"store.{self.name}_base"

    @property
    def delta(self) -> str:
        """The partial rows since."""
        return f"store.{self.name}_delta"

    @property
    def columns(self) -> str:
        """Columns for a table's DDL."""
        return ", ".join(f"{name} {kind}" for name, kind, *_ in (*self.keys, *self.measures))

    def of(self, rows: str) -> str:
        """Return the SELECT that makes the rollup of event rows."""
        keys = ", ".join(f"{key.of_rows} as {key.name}" for key in self.keys)
        measures = ", ".join(f"{measure.of_rows} as {measure.name}" for measure in self.measures)
        return f"select {keys}, {measures} from {rows} group by all"  # noqa: S608 - our own names

    def merged(self, part: str) -> str:
        """Return the SELECT that sums partial rows: all of them, or those of the delta's periods."""
        keys = ", ".join(key.name for key in self.keys)
        measures = ", ".join(f"{m.merge}({m.name})::{m.type} as {m.name}" for m in self.measures)
        periods = f"{self.period} in (select {self.period} from {self.delta})"  # noqa: S608 - our names
        where = "" if part == "all" else f" where {periods}"
        return (
            f"select {keys}, {measures} from "  # noqa: S608 - our own names
            f"(from {self.base}{where} union all from {self.delta}) group by all"
        )


APP = Key("app_id", "varchar", "app_id")
DAY = Key("day", "date", "created_at::date")
IS_BOT = Key("is_bot", "boolean", "is_bot")
COUNT = Measure("events", "bigint", "count(*)", "sum")

ROLLUPS: tuple[Rollup, ...] = (
    Rollup(
        "visitor_days",
        (APP, DAY, Key("visitor_id", "varchar", "visitor_id"), IS_BOT),
        (
            COUNT,
            Measure("first_at", "timestamp", "min(created_at)", "min"),
            Measure("last_at", "timestamp", "max(created_at)", "max"),
        ),
        "day",
    ),
    Rollup(
        "event_hours",
        (
            APP,
            Key("hour", "timestamp", "date_trunc('hour', created_at)"),
            Key("event", "varchar", "event"),
            IS_BOT,
            Key("origin", "varchar", "origin"),
        ),
        (COUNT,),
        "hour",
    ),
)


def fold(execute: Callable[[str], object], rollup: Rollup) -> None:
    """Fold the delta into the base, within the caller's transaction."""
    execute(f"create or replace temp table folded as {rollup.merged('touched')}")
    execute(
        f"delete from {rollup.base} where {rollup.period} in "  # noqa: S608 - our own names
        f"(select {rollup.period} from {rollup.delta})"
    )
    execute(f"insert into {rollup.base} from folded")
    execute(f"delete from {rollup.delta}")  # noqa: S608 - our own names
    execute("drop table folded")


def rebuild(execute: Callable[[str], object], rollup: Rollup) -> None:
    """Compute the rollup from all rows, within the caller's transaction."""
    execute(f"delete from {rollup.delta}")  # noqa: S608 - our own names
    execute(f"delete from {rollup.base}")  # noqa: S608 - our own names
    execute(f"insert into {rollup.base} {rollup.of('store.rows')}")
