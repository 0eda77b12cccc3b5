"""Questions to Athena: started, waited for, and their pages read as one answer.

Where results lie, how they are encrypted and how much a question may scan is the workgroup's to say.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from footfall.adapters.aws.piecemeal import Failure, Patience, failure_of
from footfall.errors import QuestionFailed, QuestionRefused
from footfall.ports import Answer

__all__ = ["Athena"]

T = TypeVar("T")

WAITING = ("QUEUED", "RUNNING")
OURS = 2  # AthenaError.ErrorCategory: 1 is the system's fault, 2 the question's, 3 neither
TYPES: dict[str, Callable[[str], Any]] = {
    "tinyint": int, "smallint": int, "integer": int, "bigint": int, "float": float, "real": float,
    "double": float, "decimal": Decimal, "boolean": lambda text: text == "true",
    "date": date.fromisoformat, "timestamp": datetime.fromisoformat,
}  # fmt: skip
"""How Athena's texts are read, by type; any other type stays text."""


class Athena:
    """Asks one database in one workgroup; ``patience`` is for a question and all calls that it takes."""

    def __init__(
        self, workgroup: str, database: str, client: Any, patience: Patience | None = None
    ) -> None:
        self._workgroup, self._database = workgroup, database
        self._client = client
        self._patience = patience or Patience(seconds=240.0, first_pause=0.5, longest_pause=5.0)

    def ask(self, sql: str) -> Answer:
        """Return a SELECT's rows; ``fresh_to`` and ``rows_read`` are not known of Athena.

        Raises QuestionRefused for a question that Athena can't understand or may not run, QuestionFailed
        for what time may mend and for an answer that took too long; that question is stopped.
        """
        pauses = self._patience.pauses(self._patience.clock())
        context = {"Database": self._database}

        def start() -> str:
            asked = self._client.start_query_execution(
                QueryString=sql, WorkGroup=self._workgroup, QueryExecutionContext=context
            )
            return str(asked["QueryExecutionId"])

        run = self._call(start, pauses)
        self._wait(run, pauses)
        return self._read(run, sql, pauses)

    def _wait(self, run: str, pauses: Iterator[float]) -> None:
        while True:
            got = self._call(lambda: self._client.get_query_execution(QueryExecutionId=run), pauses)
            status = got["QueryExecution"]["Status"]
            if status["State"] not in WAITING:
                break
            if next(pauses, None) is None:
                self._call(lambda: self._client.stop_query_execution(QueryExecutionId=run), pauses)
                raise QuestionFailed(
                    place=self._workgroup, cause=f"it was still {status['State']}, and was stopped"
                )
        if status["State"] == "SUCCEEDED":
            return
        cause = status.get("StateChangeReason", status["State"])
        if status.get("AthenaError", {}).get("ErrorCategory") == OURS:
            raise QuestionRefused(place=self._workgroup, cause=cause)
        raise QuestionFailed(place=self._workgroup, cause=cause)

    def _read(self, run: str, sql: str, pauses: Iterator[float]) -> Answer:
        more: dict[str, str] = {}
        columns: tuple[str, ...] = ()
        rows: list[tuple[Any, ...]] = []
        while True:
            page = self._call(
                lambda more=more: self._client.get_query_results(QueryExecutionId=run, **more),  # type: ignore[misc]
                pauses,
            )
            kinds = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            found = page["ResultSet"]["Rows"]
            if not columns:
                columns = tuple(kind["Name"] for kind in kinds)
                found = found[1:]  # the first page's first row names the columns
            rows += [_row(each["Data"], kinds) for each in found]
            if not page.get("NextToken"):
                return Answer(columns, rows, sql, 0, None)
            more = {"NextToken": page["NextToken"]}

    def _call(self, call: Callable[[], T], pauses: Iterator[float]) -> T:
        """Make one call, again while it fails for now and patience lasts."""
        while True:
            try:
                return call()
            except Exception as error:
                failure: Failure = failure_of(error)
                if not failure.for_now:
                    raise QuestionRefused(place=self._workgroup, cause=failure.reason) from error
                if next(pauses, None) is None:
                    raise QuestionFailed(place=self._workgroup, cause=failure.reason) from error


def _row(cells: list[Mapping[str, str]], kinds: list[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(
        TYPES.get(kind["Type"], str)(cell["VarCharValue"]) if "VarCharValue" in cell else None
        for cell, kind in zip(cells, kinds, strict=True)
    )
