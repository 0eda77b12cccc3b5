"""The Glue job of replays: fetches what a command finds in a data folder, then runs the command's words.

``--footfall`` are the words of ``footfall spark``, ``--secret`` is Secrets Manager's name of the
installation's key, ``--settings`` the s3:// address of the footfall.toml whose scrub rules are in force.
"""

import os
import sys
import tempfile
from pathlib import Path

import boto3  # type: ignore[import-untyped]
from awsglue.utils import getResolvedOptions  # type: ignore[import-not-found]


def prepare(secret: str, settings: str, folder: Path) -> None:
    """Make a data folder with the key and the settings of the installation."""
    from footfall.adapters.aws.keys import secret_key

    keys = folder / "keys"
    keys.mkdir(mode=0o700, parents=True)
    (keys / "installation.key").write_bytes(secret_key(secret, boto3.client("secretsmanager")))
    bucket, _, key = settings.removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    (folder / "footfall.toml").write_bytes(body)


def main() -> None:
    """Run the job; errors are raised, so that Glue sees a failed run."""
    from footfall.apps.spark import job

    told = getResolvedOptions(sys.argv, ["secret", "settings"])
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOOTFALL_DATA"] = folder
        prepare(told["secret"], told["settings"], Path(folder))
        job.main()


if __name__ == "__main__":
    main()
