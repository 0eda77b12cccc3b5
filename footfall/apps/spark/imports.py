"""Files to the lake, a file a task, read by the embedded import's own reader: the same rows and ids."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pyarrow as pa

from footfall.adapters.addresses import bucket_named, listed, reading, writing
from footfall.adapters.geo import open_country_lookup
from footfall.adapters.key_file import derived_salt
from footfall.apps.spark.landing import Landed, Target, land
from footfall.apps.spark.session import MapArrow, in_arrow, spread_over
from footfall.apps.spark.tagged import TAGGED_DDL, tag_count, tag_events, tag_rejected
from footfall.core.accesslog.formats import LOG_FORMATS
from footfall.core.record import AppId
from footfall.core.scrub import Action, plan_for
from footfall.errors import BadSource, StoreFailed
from footfall.services.imports.blocks import Known, blocks, find_start, known_content
from footfall.services.imports.layouts import FORMATS, layout_of, layouts_of
from footfall.services.imports.reading import SourceReader
from footfall.services.imports.rows import ImportRules
from footfall.services.imports.run import enriched, rows_from
from footfall.services.imports.sources import Source, find_sources

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = [
    "POSITIONS",
    "Import",
    "RulesOf",
    "found",
    "import_files",
    "note_name",
    "noted",
    "read_files",
    "rules_from",
]

POSITIONS = "imports"
AROUND = 24  # hours: longer than a person's session


class RulesOf(msgspec.Struct, frozen=True, kw_only=True):
    """What import rules are made of on an executor, once in a process; ``key`` is the installation's."""

    app: str
    key: bytes
    scrub: tuple[tuple[str, Action], ...] = ()
    geo_database: str = ""


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """Files, folders and globs that all machines see, or s3://, of one format, into a lake."""

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
    sources = found(wanted.format, *wanted.paths)
    layouts, _ = layouts_of(wanted.format, sources, rules_from(wanted.rules))
    names = [(f"{place:09d}", layout.source.name) for place, layout in enumerate(layouts)]
    context = spark.sparkContext
    spread_over(spark, len(names))
    frame = spark.createDataFrame(
        context.parallelize(names, max(1, len(names))), "place string, name string"
    )
    read = read_files(wanted.format, wanted.rules, noted(wanted.target.lake), now)
    # A line of a log has an id of its own or of its bytes: what repeats it is of the same moment.
    reach = AROUND if wanted.format in LOG_FORMATS else None
    landed, reached = land(in_arrow(frame, read, TAGGED_DDL), wanted.target._replace(reach=reach))
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
    [source] = found(format, name)
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


def found(format: str, *paths: str) -> list[Source]:
    """Return the sources behind paths and s3:// addresses. Raises as ``find_sources`` and S3 do."""
    return find_sources(format, paths, bucket_named)


def noted(folder: str) -> dict[str, int]:
    """Return the positions that earlier imports into a lake, or another place of files, reached."""
    positions: dict[str, int] = {}
    for place, _ in listed(f"{folder}/{POSITIONS}"):
        if place.endswith(".json"):
            with reading(place) as file:
                positions |= msgspec.json.decode(file.read(), type=dict[str, int])
    return positions


def _note(lake: str, reached: Mapping[str, int], now: datetime) -> None:
    if not reached:
        return
    try:
        with writing(f"{lake}/{POSITIONS}/{note_name(now)}") as file:
            file.write(msgspec.json.encode(dict(reached)))
    except OSError as error:
        raise StoreFailed(store="The lake's note of what was imported", cause=error.strerror) from error


def note_name(now: datetime) -> str:
    """Return the name of a note that no other has."""
    return f"{now:%Y%m%dT%H%M%S}-{uuid4().hex}.json"
