"""A data folder moved to an installation on AWS: all of it, or what is finished while it is in use."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from footfall.adapters.aws.checked_bucket import CheckedBucket
from footfall.adapters.data_folder import running_platform
from footfall.adapters.key_file import installation_key
from footfall.adapters.s3_objects import S3Objects
from footfall.compose.aws import Installation
from footfall.compose.clock import utc_now
from footfall.compose.commands import Here
from footfall.compose.platform import Platform
from footfall.errors import NotFound, ObjectGone, StoreFailed
from footfall.services.migrate import Migrated, Target, migrate, pieces_in
from footfall.services.upkeep import Upkeep
from footfall.settings import Settings

__all__ = ["Migration", "migrate_to"]


class Migration(Struct, frozen=True, kw_only=True):
    """What was moved, and whether that is all: ``stored`` are the rows of the warehouse.

    While a platform writes to the folder (``running``) only what is finished is moved.
    """

    moved: Migrated
    running: bool
    stored: int

    @property
    def complete(self) -> bool:
        """Whether everything is there: each file by its checksum, each row of the warehouse in the lake."""
        balanced = self.moved.raw.balanced and self.moved.lake.balanced
        return balanced and not self.running and self.stored == self.moved.lake.events_there


def migrate_to(
    found: Installation, on_progress: Callable[[int, int], None], *, dry_run: bool = False
) -> Migration:
    """Move the settings' data folder. Raises NotFound, PlatformBusy, BadSource, the stores' errors."""
    found.need("raw_bucket", "lake_bucket")
    settings = found.settings
    data = settings.data
    if not data.is_dir():
        raise NotFound(what="data folder", name=data, hint="Name another with --data")
    aws = found.settings.aws
    raw, lake = CheckedBucket(aws.raw_bucket), CheckedBucket(aws.lake_bucket)
    target = Target(raw, lake, aws.partitions, _origin(data))
    note = S3Objects(aws.lake_bucket)
    known = _known(note, target)
    if running_platform(data):
        moved = migrate(pieces_in(data, target), target, known, on_progress, dry_run=dry_run)
        return Migration(moved=moved, running=True, stored=0)
    platform = Platform(settings)  # nobody else writes there until it is closed
    try:
        if not dry_run:
            _finish(platform, settings)
        [(stored,)] = platform.sql("select count(*) from events").rows
        moved = migrate(pieces_in(data, target), target, known, on_progress, dry_run=dry_run)
    finally:
        platform.close()
    done = Migration(moved=moved, running=False, stored=stored)
    if done.complete and not dry_run:
        note.put(_note(target), msgspec.json.encode(known))
    return done


def _known(store: S3Objects, target: Target) -> dict[str, str]:
    """Return keys and checksums of what the last complete run brought."""
    try:
        with store.open(_note(target)) as file:
            return msgspec.json.decode(file.read(), type=dict[str, str])
    except ObjectGone:
        return {}


def _note(target: Target) -> str:
    return f"_migrated/{target.origin}.json"


def _finish(platform: Platform, settings: Settings) -> None:
    """Load what waits in the logs, write the lake, and archive what is loaded, however young."""
    Here(platform)
    platform.lake.flush(utc_now(), everything=True)
    at_once = structs.replace(settings, log=structs.replace(settings.log, archive_after_seconds=0))
    parts = platform.logs, platform.warehouse, platform.lake, platform.archive
    failed = Upkeep(*parts, at_once).step(utc_now() + timedelta(seconds=1))
    if failed:
        raise StoreFailed(store=str(settings.data), cause=f"this failed: {', '.join(failed)}")


def _origin(data: Path) -> str:
    """Return the folder's name among all that are ever moved: it goes with its key."""
    return hashlib.blake2b(b"migrate", key=installation_key(data / "keys"), digest_size=4).hexdigest()
