"""A replay as the installation's Glue job: brought there from this machine, started, watched."""

import hashlib
import shlex
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from footfall.adapters.aws.clients import client
from footfall.adapters.aws.glue import JobRun, job_run, start_job
from footfall.adapters.lake_bucket import BucketLake
from footfall.adapters.lake_rows import read_rows, write_rows
from footfall.adapters.s3_objects import S3Objects
from footfall.compose.aws import Installation
from footfall.compose.aws_replay import check_replayable
from footfall.compose.clock import utc_now
from footfall.errors import AwsNotReady, BadQuery, JobFailed
from footfall.services.lake_replay import EPOCH, UNDER_WAY, Asked
from footfall.services.lake_settle import Hours, settle

__all__ = ["Job", "replay_in_glue"]

FOLDER = "jobs/replay"
STAMP = (1980, 1, 1, 0, 0, 0)
LOOK_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """What is run: the script, the folder of wheels (``make glue-wheel``), and the footfall.toml."""

    script: Path
    wheels: Path
    settings: Path


def replay_in_glue(
    found: Installation,
    asked: Asked,
    job: Job,
    on_progress: Callable[[str, int, int], None],
    look_seconds: float = LOOK_SECONDS,
) -> JobRun:
    """Run it to its end; return how it ended well. Raises AwsNotReady, BadQuery, JobNotStarted, JobFailed.

    Only what was received on days that are over is replayed: by then archive and lake have all of it.
    """
    check_replayable(found)
    found.need("replay_job")
    aws = found.settings.aws
    hours = _hours(asked, utc_now())
    lake = S3Objects(aws.lake_bucket)
    try:
        modules = _bring(job, lake)
    finally:
        lake.close()
    settle(hours, BucketLake(f"s3://{aws.lake_bucket}"), read_rows, write_rows, on_progress)
    arguments = {
        "--footfall": shlex.join(_words(found, asked, hours)),
        "--secret": aws.key_secret,
        "--settings": f"s3://{aws.lake_bucket}/{FOLDER}/footfall.toml",
        "--additional-python-modules": f"s3://{aws.lake_bucket}/{modules}",
        "--python-modules-installer-option": "--no-index",
    }
    glue = client("glue")
    run = start_job(aws.replay_job, arguments, glue)
    while not (now := job_run(aws.replay_job, run, glue)).over:
        on_progress(f"Glue {run[:11]} {now.state}, {now.seconds} s", 0, 0)
        time.sleep(look_seconds)
    if now.state != "SUCCEEDED":
        raise JobFailed(
            run=run, job=aws.replay_job, state=now.state, cause=now.error or "Glue gave no reason"
        )
    return now


def _hours(asked: Asked, now: datetime) -> Hours:
    """Return what is replayed: up to the last midnight by which everything has arrived."""
    before = (now - UNDER_WAY).replace(hour=0, minute=0, second=0, microsecond=0)
    end = asked.end or before
    if end > before:
        raise BadQuery(
            cause=f"--to {end:%Y-%m-%dT%H:00} is not over: on Glue the last is {before:%Y-%m-%d}"
        )
    if asked.late_days is not None:
        before = min(before, (end + timedelta(days=asked.late_days + 1)).replace(hour=0))
    return Hours(asked.start or EPOCH, end, before)


def _words(found: Installation, asked: Asked, hours: Hours) -> list[str]:
    """Return the words of ``footfall spark``; its ``--late-days`` is the last day whose blocks are read."""
    aws = found.settings.aws
    words = ["replay", "--raw", f"s3://{aws.raw_bucket}/raw", "--lake", f"s3://{aws.lake_bucket}"]
    if asked.start:
        words += ["--from", f"{asked.start:%Y-%m-%dT%H:00}"]
    last_day = (hours.before - timedelta(days=1)).date()
    words += ["--to", f"{hours.end:%Y-%m-%dT%H:00}", f"--late-days={(last_day - hours.end.date()).days}"]
    return [*words, "--gaps"] if asked.gaps else words


def _bring(job: Job, lake: S3Objects) -> str:
    """Put what the job runs into the lake's bucket; return the key of its modules."""
    wheels = sorted(job.wheels.glob("*.whl"))
    if not any(wheel.name.startswith("footfall-") for wheel in wheels):
        raise AwsNotReady(
            what=f"the job's wheels in {job.wheels}", hint="Run make glue-wheel in a checkout"
        )
    for path in (job.script, job.settings):
        if not path.is_file():
            hint = "Run it from a checkout of the project, beside the footfall.toml that you deployed with"
            raise AwsNotReady(what=str(path), hint=hint)
    digest = hashlib.sha256()
    for wheel in wheels:
        digest.update(wheel.name.encode() + hashlib.sha256(wheel.read_bytes()).digest())
    key = f"{FOLDER}/{digest.hexdigest()[:20]}.gluewheels.zip"
    if next(lake.list(key), None) is None:
        lake.put(key, _zipped(wheels))
    lake.put(f"{FOLDER}/replay.py", job.script.read_bytes())
    lake.put(f"{FOLDER}/footfall.toml", job.settings.read_bytes())
    return key


def _zipped(wheels: list[Path]) -> BytesIO:
    """Return the wheels in one archive, the same bytes for the same wheels."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for wheel in wheels:
            archive.writestr(zipfile.ZipInfo(wheel.name, STAMP), wheel.read_bytes())
    made.seek(0)
    return made
