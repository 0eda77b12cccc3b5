"""``footfall metrics`` and ``footfall metric``: the questions, and the answer to one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from footfall.apps.cli.output import Output, console, notes, print_rows
from footfall.compose import connect
from footfall.errors import BadQuery

__all__ = ["Asked", "metric", "metrics", "print_answer"]


def metrics(*, output: Output | None = None) -> None:
    """List the metrics with the question that each answers.

    Example: footfall metrics
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        known = platform.metrics()
    rows = [
        [each["name"], each["question"], ", ".join(p["name"] for p in each["parameters"])] for each in known
    ]
    print_rows(["name", "question", "parameters"], rows, output.format, whole=known)


@Parameter(name="*")
@dataclass(frozen=True)
class Asked:
    """What a metric is asked with."""

    from_: Annotated[str | None, Parameter(name="--from")] = None
    """First day, YYYY-MM-DD (UTC); from the beginning when not given."""

    to: str | None = None
    """Last day, included."""

    app: str | None = None
    """One app only."""

    set_: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None
    """A parameter of the metric as key=value; may be repeated."""

    def values(self) -> dict[str, str]:
        """Return the values by name. Raises BadQuery for a pair that is no key=value."""
        values = {"from": self.from_, "to": self.to, "app": self.app}
        for pair in self.set_ or ():
            key, equals, value = pair.partition("=")
            if not equals:
                raise BadQuery(cause=f"--set {pair} has no value; write --set key=value")
            values[key] = value
        return {key: value for key, value in values.items() if value is not None}


def metric(
    name: str,
    /,
    *,
    asked: Asked | None = None,
    show_sql: Annotated[bool, Parameter(negative="")] = False,
    output: Output | None = None,
) -> None:
    """Answer one metric.

    Examples:
      footfall metric daily_active_users --from 2026-11-01
      footfall metric funnel --set steps=page_view,checkout,purchase --set window=1d
      footfall metric top_pages --format csv > pages.csv

    Parameters
    ----------
    name: str
        Which; "footfall metrics" lists them.
    show_sql: bool
        Print the SQL behind the answer too.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        found = platform.metric(name, (asked or Asked()).values())
    print_answer(name, found, output, show_sql=show_sql)


def print_answer(name: str, answer: Mapping[str, Any], output: Output, *, show_sql: bool) -> None:
    """Print an answer as the API gives it; for people, with what it rests on."""
    print_rows(answer["columns"], answer["rows"], output.format, title=name, whole=answer)
    if show_sql and output.format == "table":
        console.print(answer["sql"], markup=False)
    if output.format == "table":
        fresh = f", fresh to {answer['fresh_to']}" if answer["fresh_to"] else ""
        notes.print(f"[dim]{answer['rows_read']:,} rows read{fresh}[/dim]")
