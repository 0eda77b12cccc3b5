"""A lake tidied up: repeats over all days taken out, sessions made anew, an hour's many files made one."""

from datetime import timedelta
from typing import TYPE_CHECKING

from footfall.apps.spark.landing import Hours, Landed, Target, land
from footfall.apps.spark.tagged import TAGGED_DDL
from footfall.core.duplicates import REPEAT_WINDOW

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["compact"]


def compact(spark: "SparkSession", target: Target) -> Landed:
    """Write those hours of a lake again that need it; run once more, it finds nothing to do.

    Streams that deliver at least once leave an hour as many small files, with repeats in other hours and
    rows without a session. Of a part of a lake, repeats are looked for in a week around it. Raises what
    ``land`` raises; the lake is then as it was.
    """
    reach = None if target.hours == Hours() else REPEAT_WINDOW // timedelta(hours=1)
    landed, _ = land(spark.createDataFrame([], TAGGED_DDL), target._replace(tidy=True, reach=reach))
    return landed
