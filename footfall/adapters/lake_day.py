"""One day of a lake, asked in SQL as the warehouse is: what computes a mart's tables reads either."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import duckdb
import pyarrow as pa

from footfall.errors import BadSource
from footfall.metrics.catalogue import sql_files
from footfall.metrics.render import VIEWS as METRIC_VIEWS

__all__ = ["LakeDay"]

BATCH_ROWS = 20_000
VIEWS = """
create schema store;
create view store.lake_rows as
select *, 0 as slice, date_trunc('hour', created_at) as hour
from read_parquet($files, hive_partitioning = false, union_by_name = true);
create view events as select * exclude (slice, hour) from store.lake_rows;
create table store.lake_hours as select unnest($hours::timestamp[]) as hour, 0 as slice, 0 as version;
"""


class LakeDay:
    """The rows of a day's hours, each hour's files given; ``memory`` as DuckDB names it, then it spills.

    Every hour is of version 0, so a writer that asks for what changed since -1 gets them all. Raises
    BadSource for a file that can't be read.
    """

    def __init__(self, hours: Mapping[datetime, Sequence[str]], *, memory: str = "512MB") -> None:
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": memory})
        files = ", ".join("'" + path.replace("'", "''") + "'" for paths in hours.values() for path in paths)
        moments = ", ".join(f"'{hour.isoformat()}'" for hour in hours)
        with _faults():
            self._connection.execute(
                VIEWS.replace("$files", f"[{files}]").replace("$hours", f"[{moments}]")
            )
            for name in METRIC_VIEWS:
                self._connection.execute(f"create view {name} as {dict(sql_files())[f'_{name}']}")

    def close(self) -> None:
        """Give back its memory."""
        self._connection.close()

    def scan(self, sql: str, parameters: Mapping[str, object] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield what a query of ours gives. Raises BadSource for a file that can't be read."""
        with _faults():
            yield from self._connection.execute(sql, dict(parameters or {})).to_arrow_reader(BATCH_ROWS)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, OSError) as error:
        hint = "Is it of another version? Write its hours again with footfall spark replay"
        raise BadSource(path="A file of the lake", format="rows", cause=error, hint=hint) from error
