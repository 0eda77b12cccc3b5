"""``footfall sql``: any question, in read-only SQL."""

from footfall.apps.cli.output import Output, print_rows
from footfall.compose import connect

__all__ = ["sql"]


def sql(query: str, /, *, output: Output | None = None) -> None:
    """Answer one SELECT over the table events (DuckDB's SQL; read-only).

    Examples:
      footfall sql "select event, count(*) from events group by all order by 2 desc"
      footfall sql "describe events"

    Parameters
    ----------
    query: str
        The SELECT.
    """
    output = output or Output()
    with connect(data=output.data) as platform:
        answer = platform.sql(query)
    print_rows(answer["columns"], answer["rows"], output.format, whole=answer)
