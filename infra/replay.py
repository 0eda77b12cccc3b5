"""Replays as a Glue job: of raw events into the lake, with the code that ``footfall aws replay`` brings."""

import aws_cdk as cdk
from constructs import Construct

from infra.installation import Installation
from infra.job import job_role, spark_job
from infra.outputs import tell
from infra.permissions import may

__all__ = ["Replay"]

SCRIPT = "jobs/replay/replay.py"  # footfall.compose.aws_glue puts it there before each run
WORKERS = 4
MINUTES = 1_440


class Replay(Construct):
    """Reads ``raw/`` of the raw bucket; replaces hours of the lake, its notes and staging beside them."""

    def __init__(self, scope: Construct, installation: Installation, lake: "cdk.Stack") -> None:
        super().__init__(scope, "Replay")
        key = lake.identity.key
        role = job_role(self, "replay", installation, key, [])
        raw, place = (f"arn:{lake.partition}:s3:::{installation.bucket(part)}" for part in ("raw", "lake"))
        may(role, ["s3:ListBucket"], [raw, place])
        may(role, ["s3:GetObject"], [f"{raw}/raw/*", f"{place}/jobs/*"])
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        written = ("events", "rejected", "_moves", "_staging")
        may(role, objects, [f"{place}/{part}/*" for part in written])
        may(role, ["secretsmanager:GetSecretValue"], [lake.identity.secret.secret_arn])
        script = f"s3://{installation.bucket('lake')}/{SCRIPT}"
        job = spark_job(self, "replay", installation, key, role, script, {})
        job.number_of_workers, job.timeout = WORKERS, MINUTES
        tell(lake, replay_job=job.name)
