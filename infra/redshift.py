"""Redshift's SQL: the lake as an external schema, and the metrics that it can answer as views."""

from collections.abc import Iterator

import sqlglot

from footfall.metrics import catalogue, render
from footfall.metrics.engines import in_the_words_of
from infra.tables import WHOLE

__all__ = ["LEFT_OUT", "statements", "views"]

# What Redshift has no words for: arrays that are walked with a lambda. Athena and Spark answer these.
LEFT_OUT = ("funnel",)
SCHEMA = "footfall"


def views() -> Iterator[tuple[str, str]]:
    """Yield name and statement of each view; a view over external tables is bound when it is read."""
    for name, metric in catalogue().items():
        if name in LEFT_OUT:
            continue
        tree = sqlglot.parse_one(render(metric, {}, table=f"lake.{WHOLE}"), read="duckdb")
        ours = in_the_words_of("redshift", tree)
        query = ours.sql(dialect="redshift", pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
        yield name, f"create or replace view {SCHEMA}.{name} as\n{query}\nwith no schema binding"


def statements(database: str, role: str) -> list[str]:
    """Return all statements in order; every one may run again."""
    catalog = f"from data catalog database '{database}' iam_role '{role}'"
    return [
        f"create external schema if not exists lake {catalog}",
        f"create schema if not exists {SCHEMA}",
        *(sql for _, sql in views()),
    ]
