"""Raw JSON files to CSV, a file each, with country and continent; what was done is moved to ``processed``.

Nothing is seen before the books balance; then results come and raw files go as if in one step, so a run
that was killed anywhere is simply run again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count, groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec
import pyarrow as pa

from footfall.adapters.addresses import listed, writing
from footfall.adapters.file_moves import Move
from footfall.adapters.lake_file import pieces_of
from footfall.apps.spark.etl_places import EtlPlaces, places_of
from footfall.apps.spark.faults import told
from footfall.apps.spark.imports import POSITIONS, RulesOf, found, note_name, noted, read_files, rules_from
from footfall.apps.spark.landing import at_hand
from footfall.apps.spark.repeats import PLACE, repeated
from footfall.apps.spark.session import MapArrow, in_arrow, spread_over
from footfall.apps.spark.tagged import EVENT_COLUMNS, TAGGED_DDL
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.errors import BooksWrong
from footfall.services.export_files import CsvFile
from footfall.services.imports.layouts import layouts_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Etl", "Refined", "refine"]

FORMAT = "ndjson"
PROCESSED, RESULTS, REJECTED = "processed", "results", "rejected"
WRITTEN = pa.schema([("place", pa.int64()), ("rows", pa.int64())])
WRITTEN_DDL = "place bigint, rows bigint"


class Etl(msgspec.Struct, frozen=True, kw_only=True):
    """JSON lines below ``raw``; results/ and rejected/ are made in ``out``, and processed/ beside raw.

    Both are folders that all machines see, or both s3://BUCKET/PREFIX.
    """

    raw: str
    out: str
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
    SparkFailed, StoreFailed or the port ObjectStore's errors; nothing of the run is then to be seen, or the
    next run ends it.
    """
    places, job = places_of(wanted.raw, wanted.out), uuid4().hex
    with places.staging(job) as staging:
        return _refined(spark, places, wanted.rules, job, staging, now)


def _refined(
    spark: "SparkSession", places: EtlPlaces, rules: RulesOf, job: str, staging: str, now: datetime
) -> Refined:
    there = {address for address, _ in listed(places.raw)}
    if not there:
        return Refined()
    sources = [source for source in found(FORMAT, f"{places.raw}/") if source.name in there]
    layouts, passed_over = layouts_of(FORMAT, sources, rules_from(rules))
    files = [layout.source.name for layout in layouts]
    spread_over(spark, len(files))
    numbered = [(f"{place:09d}", name) for place, name in enumerate(files)]
    listing = spark.sparkContext.parallelize(numbered, max(1, len(numbered)))
    frame = spark.createDataFrame(listing, "place string, name string")
    read = read_files(FORMAT, rules, noted(places.out), now)
    with told(), at_hand(in_arrow(frame, read, TAGGED_DDL)) as rows:
        staged = _staged(rows, staging)
    done = Refined(
        files=len(files),
        passed_over=len(passed_over),
        read=staged.read,
        written=sum(staged.results.values()),
        duplicate=staged.duplicate,
        rejected=sum(staged.rejected.values()),
    )
    if done.read != done.written + done.duplicate + done.rejected:
        books = msgspec.structs.asdict(done)
        raise BooksWrong(**books, stood=0, outside=0)
    note = f"{staging}/{note_name(now)}"
    with writing(note) as file:
        file.write(msgspec.json.encode(staged.reached))
    moves = [[Move(note, f"{places.out}/{POSITIONS}/{PurePosixPath(note).name}")]]
    places.move(job, moves + _moves(files, places, staging, staged))
    return done


class Staged(NamedTuple):
    """What a run read and wrote: rows by the place of their source, and how far each was read."""

    read: int
    duplicate: int
    results: dict[int, int]
    rejected: dict[int, int]
    reached: dict[str, int]


def _staged(rows: "DataFrame", staging: str) -> Staged:
    """Write the files of every source."""
    counts = rows.where("counted is not null").select("read_from", "read_number", "counted").collect()
    events = rows.where("counted is null and rejected is null").selectExpr("*", "false as stands")
    with at_hand(repeated(events)) as repeats:
        duplicate = repeats.count()
        fresh = events.join(repeats, list(PLACE), "left_anti")
        results = _written(fresh, EVENT_COLUMNS, _csv_files(f"{staging}/{RESULTS}"))
    refused = rows.where("rejected is not null")
    rejected = _written(refused, ["rejected"], _rejected_files(f"{staging}/{REJECTED}"))
    reached = {row.read_from: row.read_number for row in counts}
    return Staged(sum(row.counted for row in counts), duplicate, results, rejected, reached)


def _written(rows: "DataFrame", columns: list[str], write: MapArrow) -> dict[int, int]:
    """Hand each source's rows, in their order, to one task; return how many were written for each."""
    from pyspark.sql import functions as f  # needs the extra

    place = f.col("read_from").cast("bigint").alias("place")
    ordered = rows.select(place, "read_number", *columns).repartition("place")
    ordered = ordered.sortWithinPartitions("place", "read_number").drop("read_number")
    return {row.place: row.rows for row in in_arrow(ordered, write, WRITTEN_DDL).collect()}


def _csv_files(folder: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            rows = 0
            with writing(f"{folder}/{place}") as stream:
                file = CsvFile(stream, exact=False)
                for _, batch in pieces:
                    file.write(pa.Table.from_batches([batch]).cast(EVENTS_SCHEMA))
                    rows += len(batch)
                file.close()
            yield pa.record_batch([[place], [rows]], schema=WRITTEN)

    return write


def _rejected_files(folder: str) -> MapArrow:
    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for place, pieces in groupby(pieces_of(batches, "place"), key=lambda piece: piece[0]):
            rows = 0
            with writing(f"{folder}/{place}") as file:
                for _, batch in pieces:
                    file.writelines(f"{text}\n".encode() for text in batch.column("rejected").to_pylist())
                    rows += len(batch)
            yield pa.record_batch([[place], [rows]], schema=WRITTEN)

    return write


def _moves(files: Sequence[str], places: EtlPlaces, staging: str, staged: Staged) -> list[list[Move]]:
    """Return where each raw file and what was made of it go, under a name that none of them has yet."""
    processed = f"{places.raw.rpartition('/')[0]}/{PROCESSED}"
    results, rejected = f"{places.out}/{RESULTS}", f"{places.out}/{REJECTED}"
    taken = {address for top in (processed, results, rejected) for address, _ in listed(top)}
    moves: list[list[Move]] = []
    for place, path in enumerate(files):
        inside = PurePosixPath(path.removeprefix(f"{places.raw}/"))
        ending = "".join(inside.suffixes[-2 if inside.suffix == ".gz" else -1 :])
        stem = inside.name.removesuffix(ending)
        for number in count(1):
            named = stem if number == 1 else f"{stem}-{number}"
            targets = {
                path: f"{processed}/{inside.with_name(f'{named}{ending}')}",
                f"{staging}/{RESULTS}/{place}": f"{results}/{inside.with_name(f'{named}.csv')}",
                f"{staging}/{REJECTED}/{place}": f"{rejected}/{inside.with_name(f'{named}.ndjson')}",
            }
            if taken.isdisjoint(targets.values()):
                break
        taken |= set(targets.values())
        made = {path}
        made |= {f"{staging}/{RESULTS}/{place}"} if place in staged.results else set()
        made |= {f"{staging}/{REJECTED}/{place}"} if place in staged.rejected else set()
        moves.append([Move(source, target) for source, target in targets.items() if source in made])
    return moves
