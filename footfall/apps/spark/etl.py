"""Raw JSON files to CSV, a file each, with country and continent; what was done is moved to ``processed``.

Nothing is seen before the books balance; then results come and raw files go as if in one step, so a run
that was killed anywhere is simply run again.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import count, groupby
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pyarrow as pa

from footfall.adapters.file_moves import Move, finish, move_all, only_one, pending
from footfall.adapters.lake_file import pieces_of
from footfall.apps.spark.faults import told
from footfall.apps.spark.imports import POSITIONS, RulesOf, noted, read_files, rules_from
from footfall.apps.spark.landing import at_hand
from footfall.apps.spark.repeats import PLACE, repeated
from footfall.apps.spark.session import MapArrow, in_arrow, spread_over
from footfall.apps.spark.tagged import EVENT_COLUMNS, TAGGED_DDL
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.errors import BadSource, BadTarget, BooksWrong, StoreFailed
from footfall.services.export_files import CsvFile
from footfall.services.imports.layouts import layouts_of
from footfall.services.imports.sources import find_sources

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Etl", "Refined", "refine"]

FORMAT = "ndjson"
PROCESSED, RESULTS, REJECTED = "processed", "results", "rejected"
WRITTEN = pa.schema([("place", pa.int64()), ("rows", pa.int64())])
WRITTEN_DDL = "place bigint, rows bigint"


class Etl(msgspec.Struct, frozen=True, kw_only=True):
    """JSON lines below ``raw``; results/ and rejected/ are made in ``out``, and processed/ beside raw."""

    raw: Path
    out: Path
    rules: RulesOf


class Refined(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, in files and events: ``read`` = ``written`` + ``duplicate`` + ``rejected``.

    ``files`` were moved to processed; ``passed_over`` hold something else than JSON lines and stay.
    """

    files: int = 0
    passed_over: int = 0
    read: int = 0
    written: int = 0
    duplicate: int = 0
    rejected: int = 0


def refine(spark: "SparkSession", wanted: Etl, now: datetime) -> Refined:
    """Turn the raw files that are there into CSV files; ``now``, naive UTC, is their time of receipt.

    An id that comes again within the files of one run is a duplicate, and bytes that an earlier run read
    are not read again. Raises BadSource for a folder or file that can't be read, BadTarget, BooksWrong,
    SparkFailed or StoreFailed; nothing of the run is then to be seen, or the next run ends it.
    """
    if not wanted.raw.is_dir():
        hint = "Name the folder that holds the raw files"
        raise BadSource(path=wanted.raw, format=FORMAT, cause="there is no such folder", hint=hint)
    if wanted.out.is_relative_to(wanted.raw):
        hint = "Name a folder that is not below the raw files"
        raise BadTarget(path=wanted.out, cause="what is written there would be read as raw", hint=hint)
    with only_one(wanted.out):
        finish(wanted.out)
        for left in wanted.out.glob(".staging-*"):  # of runs that were killed
            rmtree(left, ignore_errors=True)
        staging = wanted.out / f".staging-{uuid4().hex}"
        try:
            return _refined(spark, wanted, staging, now)
        except OSError as error:
            raise StoreFailed(store=f"{wanted.out}", cause=error.strerror) from error
        finally:
            if not pending(wanted.out):
                rmtree(staging, ignore_errors=True)


def _refined(spark: "SparkSession", wanted: Etl, staging: Path, now: datetime) -> Refined:
    if not any(path.is_file() for path in wanted.raw.rglob("*")):
        return Refined()
    sources = find_sources(FORMAT, [str(wanted.raw)])
    layouts, passed_over = layouts_of(FORMAT, sources, rules_from(wanted.rules))
    files = [Path(layout.source.name) for layout in layouts]
    for folder in (RESULTS, REJECTED):
        (staging / folder).mkdir(parents=True)
    spread_over(spark, len(files))
    places = [(f"{place:09d}", str(path)) for place, path in enumerate(files)]
    listed = spark.sparkContext.parallelize(places, max(1, len(places)))
    frame = spark.createDataFrame(listed, "place string, name string")
    read = read_files(FORMAT, wanted.rules, noted(wanted.out), now)
    with told(), at_hand(in_arrow(frame, read, TAGGED_DDL)) as rows:
        done, reached = _staged(rows, staging)
    done = msgspec.structs.replace(done, files=len(files), passed_over=len(passed_over))
    if done.read != done.written + done.duplicate + done.rejected:
        books = msgspec.structs.asdict(done)
        raise BooksWrong(**books, stood=0, outside=0)
    note = staging / f"{now:%Y%m%dT%H%M%S}-{uuid4().hex}.json"
    note.write_bytes(msgspec.json.encode(reached))
    moves = [Move(str(note), str(wanted.out / POSITIONS / note.name))]
    for place, path in enumerate(files):
        moves += _moves(place, path, wanted, staging)
    move_all(wanted.out, moves)
    return done


def _staged(rows: "DataFrame", staging: Path) -> tuple[Refined, dict[str, int]]:
    """Write the files of every source; return the books, and how far the sources were read."""
    counts = rows.where("counted is not null").select("read_from", "read_number", "counted").collect()
    events = rows.where("counted is null and rejected is null").selectExpr("*", "false as stands")
    with at_hand(repeated(events)) as repeats:
        duplicate = repeats.count()
        fresh = events.join(repeats, list(PLACE), "left_anti")
        written = _written(fresh, EVENT_COLUMNS, _csv_files(str(staging / RESULTS)))
    rejected = _written(
        rows.where("rejected is not null"), ["rejected"], _rejected_files(str(staging / REJECTED))
    )
    books = Refined(
        read=sum(row.counted for row in counts), written=written, duplicate=duplicate, rejected=rejected
    )
    return books, {row.read_from: row.read_number for row in counts}


def _written(rows: "DataFrame", columns: list[str], write: MapArrow) -> int:
    """Hand each source's rows, in their order, to one task; return how many it wrote."""
    from pyspark.sql import functions as f  # needs the extra

    place = f.col("read_from").cast("bigint").alias("place")
    ordered = rows.select(place, "read_number", *columns).repartition("place")
    ordered = ordered.sortWithinPartitions("place", "read_number").drop("read_number")
    return sum(row.rows for row in in_arrow(ordered, write, WRITTEN_DDL).collect())


def _csv_files(folder: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            draft, rows = _draft(folder, place), 0
            with pa.output_stream(draft) as stream:
                file = CsvFile(stream, exact=False)
                for _, batch in pieces:
                    file.write(pa.Table.from_batches([batch]).cast(EVENTS_SCHEMA))
                    rows += len(batch)
                file.close()
            yield _done(draft, place, rows)

    return write


def _rejected_files(folder: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            draft, rows = _draft(folder, place), 0
            with draft.open("w", encoding="utf-8") as file:
                for _, batch in pieces:
                    file.writelines(f"{text}\n" for text in batch.column("rejected").to_pylist())
                    rows += len(batch)
            yield _done(draft, place, rows)

    return write


def _draft(folder: str, place: int) -> Path:
    return Path(folder) / f".{place}-{uuid4().hex}"


def _done(draft: Path, place: int, rows: int) -> pa.RecordBatch:
    """Give a whole file its name; a task that ran twice leaves one."""
    draft.replace(draft.with_name(str(place)))
    return pa.record_batch([[place], [rows]], schema=WRITTEN)


def _moves(place: int, path: Path, wanted: Etl, staging: Path) -> Iterator[Move]:
    """Yield where a raw file and what was made of it go, under a name that none of them has yet."""
    inside = path.relative_to(wanted.raw)
    ending = "".join(inside.suffixes[-2 if inside.suffix == ".gz" else -1 :])
    stem = inside.name.removesuffix(ending)
    for number in count(1):
        named = stem if number == 1 else f"{stem}-{number}"
        targets = [
            (path, wanted.raw.parent / PROCESSED / inside.with_name(f"{named}{ending}")),
            (staging / RESULTS / str(place), wanted.out / RESULTS / inside.with_name(f"{named}.csv")),
            (staging / REJECTED / str(place), wanted.out / REJECTED / inside.with_name(f"{named}.ndjson")),
        ]
        if not any(target.exists() for _, target in targets):
            yield from (Move(str(source), str(target)) for source, target in targets if source.exists())
            return
