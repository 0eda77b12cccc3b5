"""Files to the lake, a file a task, read by the embedded import's own reader: the same rows and ids."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pyarrow as pa

from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt
from footfall.apps.spark.landing import Landed, Target, land
from footfall.apps.spark.session import MapArrow, in_arrow, spread_over
from footfall.apps.spark.tagged import TAGGED_DDL, tag_count, tag_events, tag_rejected
from footfall.core.record import AppId
from footfall.core.scrub import Action, plan_for
from footfall.errors import BadSource, StoreFailed
from footfall.services.imports.blocks import Known, blocks, find_start, known_content
from footfall.services.imports.layouts import FORMATS, layout_of, layouts_of
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.rows import ImportRules
from footfall.services.imports.run import enriched, rows_from
from footfall.services.imports.sources import find_sources

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["POSITIONS", "Import", "RulesOf", "import_files", "noted", "read_files", "rules_from"]

POSITIONS = "imports"


class RulesOf(msgspec.Struct, frozen=True, kw_only=True):
    """What import rules are made of on an executor, once in a process; ``key`` is the installation's."""

    app: str
    key: bytes
    scrub: tuple[tuple[str, Action], ...] = ()
    geo_database: str = ""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """Files, folders and globs that all machines see, of one format, into a lake."""

    format: str
    paths: tuple[str, ...]
    rules: RulesOf
    target: Target


def import_files(spark: "SparkSession", wanted: Import, now: datetime) -> Landed:
    """Add the files' lines to the lake; ``now``, naive UTC, becomes their time of receipt.

    How far each file's content was read is noted in the lake, so that the same bytes are never read in
    twice, whatever the file is called then. Raises BadSource, and what ``land`` raises.
    """
    if wanted.format not in FORMATS:
        raise BadSource(
            path=", ".join(wanted.paths),
            format=wanted.format,
            cause="there is no such format",
            hint=f"The formats are {', '.join(FORMATS)}",
        )
    sources = find_sources(wanted.format, wanted.paths)
    layouts, _ = layouts_of(wanted.format, sources, rules_from(wanted.rules))
    names = [(f"{place:09d}", layout.source.name) for place, layout in enumerate(layouts)]
    context = spark.sparkContext
    spread_over(spark, len(names))
    frame = spark.createDataFrame(
        context.parallelize(names, max(1, len(names))), "place string, name string"
    )
    read = read_files(wanted.format, wanted.rules, noted(wanted.target.lake), now)
    landed, reached = land(in_arrow(frame, read, TAGGED_DDL), wanted.target)
    _note(wanted.target.lake, reached, now)
    return landed


@lru_cache(1)
def rules_from(given: RulesOf) -> ImportRules:
    """Return the rules, made once in a process."""
    plan = plan_for(dict(given.scrub), given.key)
    country_of = open_country_lookup(given.geo_database)
    return ImportRules(AppId(given.app), plan, lambda day: derived_salt(given.key, day), country_of)


def read_files(format: str, rules: RulesOf, reached: Mapping[str, int], now: datetime) -> MapArrow:
    """Return what reads files, given by place and name, to tagged rows; not what was reached before."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        known = known_content(reached)
        for batch in batches:
            for place, name in zip(*batch.to_pydict().values(), strict=True):
                yield from _read_one(place, name, format, rules_from(rules), known, now)

    return read


def _read_one(
    place: str, name: str, format: str, rules: ImportRules, known: Known, now: datetime
) -> Iterator[pa.RecordBatch]:
    [source] = find_sources(format, [name])
    layout = layout_of(format, source, rules)
    received_at = int(now.replace(tzinfo=UTC).timestamp() * 1_000_000)
    with SourceReader(source, format) as reader:
        start = find_start(reader, rules.app_id, known)
    number, block = 0, None
    with SourceReader(source, format) as reader:
        rows_of = rows_from(layout, reader, start.line_start)
        for block in blocks(reader, start, layout.record_end):
            read = rows_of(block, received_at)
            yield from tag_events(enriched(read.rows, now), place, number)
            number += len(read.rows)
            yield from tag_rejected(read.rejected, place, number)
            number += len(read.rejected)
    if block is not None:
        yield from tag_count(block.position, number, block.end)


def noted(lake: Path) -> dict[str, int]:
    """Return the positions that earlier imports into the folder reached."""
    found: dict[str, int] = {}
    for path in sorted((lake / POSITIONS).glob("*.json")):
        found |= msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    return found


def _note(lake: Path, reached: Mapping[str, int], now: datetime) -> None:
    if not reached:
        return
    folder = lake / POSITIONS
    path = folder / f"{now:%Y%m%dT%H%M%S}-{uuid4().hex}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(dict(reached)))
        draft.replace(path)
    except OSError as error:
        raise StoreFailed(store="The lake's note of what was imported", cause=error.strerror) from error
