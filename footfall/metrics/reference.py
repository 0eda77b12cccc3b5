"""The metric reference of the docs, made from the catalogue so that it can't tell otherwise."""

from collections.abc import Iterator

from footfall.metrics.catalogue import Metric, Parameter, catalogue

__all__ = ["reference"]


def reference() -> str:
    """Return the reference of all metrics as Markdown: question, parameters, columns, SQL."""
    return "\n".join(line for metric in catalogue().values() for line in _section(metric)) + "\n"


def _section(metric: Metric) -> Iterator[str]:
    yield f"## {metric.name}\n"
    yield f"{metric.question}\n"
    if metric.notes:
        yield f"{metric.notes}\n"
    yield "| parameter | takes | default | meaning |\n| --- | --- | --- | --- |"
    for parameter in metric.parameters:
        yield f"| `{parameter.name}` | {takes(parameter)} | {_default(parameter)} | {parameter.doc} |"
    yield "\n| column | kind | meaning |\n| --- | --- | --- |"
    for column in metric.columns:
        yield f"| `{column.name}` | {column.kind} | {column.doc} |"
    yield f"\nDrawn as: {metric.chart}.\n\n```sql\n{metric.sql}\n```\n"


def takes(parameter: Parameter) -> str:
    """Return in words what a parameter takes."""
    if parameter.choices:
        return ", ".join(f"`{choice}`" for choice in parameter.choices)
    return {
        "date": "a day, `2026-01-31`",
        "flag": "`true` or `false`",
        "integer": f"{parameter.low} to {parameter.high}",
        "list": f"{parameter.low} to {parameter.high} names, separated by commas",
        "duration": "a length of time, `30m`, `12h`, `1d`, `2w`",
    }.get(parameter.kind, "text")


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "must be given"
    return f"`{parameter.default}`" if parameter.default else "-"
