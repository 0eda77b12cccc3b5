"""The job as a file, for spark-submit and clusters that start one: the words behind it are the command's.

``spark-submit job.py replay --raw s3://bucket/raw --lake /mnt/lake`` is ``footfall spark replay ...``. Glue
gives a job its own parameters; there the command's words are one of them, ``--footfall``.
"""

import shlex
import sys
from collections.abc import Sequence

from footfall.apps.cli import app

__all__ = ["main", "words_of"]


def main() -> None:
    """Run one command of ``footfall spark``; errors are raised, so that the cluster sees a failed job."""
    app(["spark", *words_of(sys.argv)], result_action="return_value")


def words_of(arguments: Sequence[str]) -> list[str]:
    """Return the command's words from the arguments that a process was started with."""
    try:
        from awsglue.utils import getResolvedOptions  # type: ignore[import-not-found]  # only within Glue
    except ImportError:
        return list(arguments[1:])
    return shlex.split(getResolvedOptions(list(arguments), ["footfall"])["footfall"])


if __name__ == "__main__":
    main()
