"""The job as a file, for spark-submit and clusters that start one: the words behind it are the command's.

``spark-submit job.py replay --raw s3://bucket/raw --lake /mnt/lake`` is ``footfall spark replay ...``.
"""

import sys

from footfall.apps.cli import app

__all__ = ["main"]


def main() -> None:
    """Run one command of ``footfall spark``; errors are raised, so that the cluster sees a failed job."""
    app(["spark", *sys.argv[1:]])


if __name__ == "__main__":
    main()
