"""The job file's arguments: those of spark-submit, and Glue's."""

import argparse
import sys
from types import ModuleType

import pytest

from footfall.apps.spark.job import words_of


def resolved(arguments: list[str], options: list[str]) -> dict[str, str]:
    """Do as ``awsglue.utils.getResolvedOptions``, which no index has: others' options are left."""
    parser = argparse.ArgumentParser()
    for option in options:
        parser.add_argument(f"--{option}", required=True)
    return vars(parser.parse_known_args(arguments[1:])[0])


def test_the_words_of_spark_submit() -> None:
    assert words_of(["job.py", "compact", "--lake", "/mnt/a lake"]) == ["compact", "--lake", "/mnt/a lake"]


def test_within_glue_they_are_one_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    glue, utils = ModuleType("awsglue"), ModuleType("awsglue.utils")
    utils.getResolvedOptions = resolved  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "awsglue", glue)
    monkeypatch.setitem(sys.modules, "awsglue.utils", utils)
    given = ["job.py", "--JOB_ID", "j_1", "--job-language", "python", "--footfall"]
    words = words_of([*given, "etl '/mnt/raw files' --out /mnt/out", "--TempDir", "s3://b/t"])
    assert words == ["etl", "/mnt/raw files", "--out", "/mnt/out"]
