"""Which hours of a lake tell a job something, when it changes some hours of many: no others are read.

Sessions are known from the hours that change and those around. Where one that matters goes on in hours that
were not read, everything is read after all; so the result is always that of reading everything.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from footfall.core.session_merge import KEYS
from footfall.ports.lakes import LakeFile

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["Concerned", "around", "everything", "goes_beyond"]


class Concerned(NamedTuple):
    """The files that are read, and the hours of the lake that are not, in which a session may go on."""

    files: Sequence[LakeFile]
    beyond: frozenset[int] = frozenset()


def everything(files: Sequence[LakeFile]) -> Concerned:
    """Read all of a lake."""
    return Concerned(files)


def around(files: Sequence[LakeFile], hours: Collection[int], reach: int) -> Concerned:
    """Read the hours that a job changes, and so many before and after each."""
    near = {each + further for each in hours for further in range(-reach, reach + 1)}
    return Concerned(
        [file for file in files if file.hour in near],
        frozenset(file.hour for file in files if file.hour not in near),
    )


def goes_beyond(rows: "DataFrame", spans: "DataFrame") -> bool:
    """Say whether a session that one of the rows is in may go on in hours that were not read."""
    cut, row = spans.where("cut").alias("s"), rows.alias("r")
    same = [_of("r", name) == _of("s", name) for name in (*KEYS, "hour")]
    within = _of("r", "created_at").between(_of("s", "started_at"), _of("s", "ended_at"))
    return not row.join(cut, [*same, within], "left_semi").isEmpty()


def _of(table: str, name: str) -> "Column":
    from pyspark.sql import functions as f  # needs the extra

    return f.col(f"{table}.{name}")
