"""Access logs on AWS, emulated: a bucket of logs -> the function access_logs -> a Glue job -> MySQL.

moto notes the job's runs and does nothing; here the job's own file is run for each, with the library
that it is deployed with. Emulated are job runs and RDS (MariaDB, over TLS); not Glue's Spark or workers.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from footfall.errors import FootfallError
from footfall.testing.aws.account import Account, Bundles
from footfall.testing.aws.function import Function, lambda_function
from footfall.testing.mariadb import PASSWORD, USER, MariaDB

__all__ = ["JobFailed", "LogPath", "emulated_logs"]

JOB = "access-logs"
SCRIPT = Path("infra/glue/access_logs.py")
DATABASE = "footfall"  # the job's
ROLE = "arn:aws:iam::123456789012:role/job"


class JobFailed(FootfallError):
    """The run {run} of the job ended with {code}: {said}."""


@dataclass
class LogPath:
    """A running log path; ``library`` is the path that the job finds its packages on."""

    account: Account
    function: Function
    script: Path
    library: str
    done: set[str] = field(default_factory=set)

    def put(self, key: str, log: bytes) -> None:
        """Put an object of a log where S3 would."""
        self.account.client("s3").put_object(Bucket="logs", Key=key, Body=log)

    def call(self) -> dict[str, Any]:
        """Do what a day of the schedule does; returns the function's answer. Raises JobFailed.

        The schedule's call, then every run of the job that is new.
        """
        taken: dict[str, Any] = self.function.invoke({"bucket": "logs", "to": f"{JOB}/", "job": JOB})
        for run in self.account.client("glue").get_job_runs(JobName=JOB)["JobRuns"]:
            if run["Id"] not in self.done:
                self._run(run)
                self.done.add(run["Id"])
        return taken

    def _run(self, run: dict[str, Any]) -> None:
        job = self.account.client("glue").get_job(JobName=JOB)["Job"]
        arguments = {**job["DefaultArguments"], **run.get("Arguments", {})}
        words = [word for pair in arguments.items() for word in pair]
        done = subprocess.run(  # noqa: S603 - our own job
            [sys.executable, "-S", str(self.script), *words],
            env={**os.environ, **self.account.variables, "PYTHONPATH": self.library},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise JobFailed(run=run["Id"], code=done.returncode, said=done.stderr.strip()[-1_000:])


@contextmanager
def emulated_logs(
    account: Account, bundles: Bundles, checkout: Path, library: str, mysql: MariaDB
) -> Iterator[LogPath]:
    """Run the path; the job writes to the database ``footfall`` of the server."""
    mysql.url(DATABASE)
    login = json.dumps({"username": USER, "password": PASSWORD})
    secret = account.client("secretsmanager").create_secret(Name="mysql", SecretString=login)
    account.client("glue").create_job(
        Name=JOB,
        Role=ROLE,
        Command={"Name": "glueetl"},
        DefaultArguments={
            "--source": f"s3://results/{JOB}/",
            "--secret": secret["ARN"],
            "--host": "127.0.0.1",
            "--port": str(mysql.port),
        },
    )
    handler = "footfall.apps.lambdas.access_logs.handler"
    with lambda_function(
        handler, account.variables, bundles.folder, seconds=900.0, bundle=bundles.columns
    ) as function:
        yield LogPath(account, function, checkout / SCRIPT, library)
