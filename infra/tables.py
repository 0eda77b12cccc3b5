"""What Athena sees: the Glue tables' columns from ``core/schema.py``, the metrics as named queries."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from footfall.core.schema import EVENTS, Column, Kind
from footfall.metrics import catalogue, render

if TYPE_CHECKING:
    from aws_cdk import aws_glue as glue

__all__ = ["GLUE_TYPES", "WHOLE", "Layout", "glue_columns", "layout", "named_queries"]

GLUE_TYPES: dict[Kind, str] = {
    "text": "string",
    "time": "timestamp",
    "number": "double",
    "integer": "bigint",
    "flag": "boolean",
    "json": "string",
}

WHOLE = "events_whole"
"""The table without partitions, for questions that name none.

To answer one over ``events``, Athena would list each hour that there may be, 678,528 of them. Here it lists
the files that there are; and so does Redshift, which can't compute partitions.
"""

# What a saved query must be asked with; whoever opens it in Athena changes the values.
EXAMPLES = {"funnel": {"steps": "page_view,click,purchase"}}


class Layout(NamedTuple):
    """Where the rows lie below ``events/``, for who writes (Firehose) and who reads (Athena)."""

    prefix: str
    keys: tuple[str, ...]
    projection: dict[str, str]
    template: str


def layout(partitions: Literal["hour", "datehour"]) -> Layout:
    """Return a layout of the lake; Firehose puts a row into the hour (UTC) in which it came."""
    if partitions == "datehour":
        return Layout(
            "events/!{timestamp:yyyy/MM/dd/HH}/",
            ("datehour",),
            {
                "projection.datehour.type": "date",
                "projection.datehour.format": "yyyy/MM/dd/HH",
                "projection.datehour.range": "2024/01/01/00,NOW",
                "projection.datehour.interval": "1",
                "projection.datehour.interval.unit": "HOURS",
            },
            "events/${datehour}/",
        )
    ranges = {"year": ("2024,2099", 4), "month": ("1,12", 2), "day": ("1,31", 2), "hour": ("0,23", 2)}
    projection = {}
    for key, (span, digits) in ranges.items():
        projection[f"projection.{key}.type"] = "integer"
        projection[f"projection.{key}.range"] = span
        projection[f"projection.{key}.digits"] = str(digits)
    letters = {"year": "yyyy", "month": "MM", "day": "dd", "hour": "HH"}
    return Layout(
        "events/" + "".join(f"{key}=!{{timestamp:{form}}}/" for key, form in letters.items()),
        tuple(letters),
        projection,
        "events/" + "".join(f"{key}=${{{key}}}/" for key in letters),
    )


def glue_columns(columns: tuple[Column, ...] = EVENTS) -> "list[glue.CfnTable.ColumnProperty]":
    """Return the columns as Glue has them; a comment there holds at most 255 characters."""
    from aws_cdk import aws_glue as glue  # what else is here is read where CDK is not installed

    return [
        glue.CfnTable.ColumnProperty(name=c.name, type=GLUE_TYPES[c.kind], comment=c.doc[:255])
        for c in columns
    ]


def named_queries() -> Iterator[tuple[str, str, str]]:
    """Yield name, question and Athena's SQL of every metric."""
    for name, metric in catalogue().items():
        sql = render(metric, EXAMPLES.get(name, {}), dialect="trino", table=WHOLE)
        yield name, metric.question, sql
