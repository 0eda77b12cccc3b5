"""Rows of a lake's files wherever they lie, and new files, for who changes a lake from one machine."""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from footfall.adapters.addresses import reading, writing
from footfall.adapters.lake_file import write_lake_file
from footfall.core.arrow import EVENTS_SCHEMA
from footfall.errors import BadSource
from footfall.ports.lakes import LakeFile

__all__ = ["read_rows", "write_rows"]

HINT = "It was not written by footfall, or by another version of it: move it away"


def read_rows(file: LakeFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Return a file's rows (``EVENTS_SCHEMA``, or some of its columns). Raises BadSource."""
    schema = EVENTS_SCHEMA if columns is None else pa.schema(map(EVENTS_SCHEMA.field, columns))
    try:
        # INT96 is how Firehose writes times.
        with (
            reading(file.place, file.version) as opened,
            pq.ParquetFile(opened, coerce_int96_timestamp_unit="us") as parquet,
        ):
            return parquet.read(schema.names).select(schema.names).cast(schema)
    except (OSError, KeyError, ValueError, pa.ArrowInvalid) as error:
        raise BadSource(path=file.place, format="lake", cause=error, hint=HINT) from error


def write_rows(address: str, batches: Iterable[pa.RecordBatch], rows: int) -> int:
    """Write rows (``rows`` of them are expected) as one file, seen whole or not at all; return how many."""
    with writing(address) as file:
        return write_lake_file(file, batches, rows)
