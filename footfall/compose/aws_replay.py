"""A replay on AWS from this machine: the archive into the lake, through a warehouse for once."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from footfall.adapters.duckdb_warehouse import DuckDBWarehouse
from footfall.adapters.lake_bucket import BucketLake
from footfall.adapters.lake_rows import read_rows, write_rows
from footfall.adapters.s3_objects import S3Objects
from footfall.compose.aws import Installation
from footfall.compose.clock import utc_now
from footfall.errors import AwsNotReady, NotFound
from footfall.services.lake_replay import Asked, LakeReplayed, Stores, replay_lake
from footfall.services.raw_objects import list_raw, read_raw

__all__ = ["check_replayable", "replay_here"]


def check_replayable(found: Installation) -> None:
    """Raise AwsNotReady when the installation keeps no raw archive, or lays its lake out otherwise."""
    found.need("raw_bucket", "lake_bucket", "key_secret")
    if found.settings.aws.partitions != "hour":
        hint = "Its folders are year/month/day/hour: deploy with --set partitions=hour"
        raise AwsNotReady(what="a lake with the folders year=/month=/day=/hour=", hint=hint)
    if not found.settings.aws.stream:
        hint = "Only what goes through Kinesis is archived in blocks: deploy with --set ingest=stream"
        raise AwsNotReady(what="a raw archive", hint=hint)


def replay_here(
    found: Installation,
    asked: Asked,
    on_progress: Callable[[str, int, int], None],
    *,
    dry_run: bool = False,
) -> LakeReplayed:
    """Replay on this machine; see ``services.lake_replay``. Raises AwsNotReady, NotFound, too."""
    check_replayable(found)
    aws, settings = found.settings.aws, found.settings
    plan_of = found.plan_of(found.key())
    raw = S3Objects(aws.raw_bucket)
    try:
        blocks = list_raw(raw)
        if not blocks:
            hint = "Nothing came through Kinesis yet, or its function raw fails: see the runbook"
            raise NotFound(what="block of raw events", name=f"{raw.name}/raw/", hint=hint)
        with tempfile.TemporaryDirectory(prefix="footfall-replay-") as folder:
            warehouse = DuckDBWarehouse(Path(folder), settings.warehouse)
            try:
                stores = Stores(
                    blocks=blocks,
                    read_block=lambda key: read_raw(raw, key),
                    plan_of=plan_of,
                    warehouse=warehouse,
                    lake=BucketLake(f"s3://{aws.lake_bucket}"),
                    read_rows=read_rows,
                    write_rows=write_rows,
                )
                return replay_lake(asked, stores, utc_now(), on_progress, dry_run=dry_run)
            finally:
                warehouse.close()
    finally:
        raw.close()
