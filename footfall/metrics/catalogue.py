"""The metrics as data: each SQL file's header read into a ``Metric``.

Nothing here runs or rewrites SQL; ``render`` does, and loads sqlglot only then.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal, get_args

from footfall.errors import NotFound

__all__ = [
    "COMMON",
    "STITCH",
    "Chart",
    "Metric",
    "Output",
    "Parameter",
    "ParameterKind",
    "catalogue",
    "metric",
]

Chart = Literal["line", "bar", "grid", "map", "number", "funnel", "table"]
ParameterKind = Literal["date", "text", "flag", "integer", "choice", "column", "list", "duration"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a metric can be asked with.

    ``default`` is text as a caller would write it; None means that the condition falls away, or,
    with ``required``, that the caller must say. ``choices`` are of ``choice`` and ``column``;
    ``low`` and ``high`` bound an ``integer``, or the number of items of a ``list``.
    """

    name: str
    kind: ParameterKind
    doc: str
    default: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """One column of a metric's answer; ``kind`` is date, time, text, integer or number."""

    name: str
    kind: str
    doc: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A question with the SQL that answers it over ``events`` and the rollups."""

    name: str
    question: str
    notes: str
    chart: Chart
    columns: tuple[Output, ...]
    parameters: tuple[Parameter, ...]
    sql: str


COMMON: tuple[Parameter, ...] = (
    Parameter("from", "date", "First day (UTC) that counts; all days when not given."),
    Parameter("to", "date", "Last day (UTC) that counts, itself included; all days when not given."),
    Parameter("app", "text", "Only this app. Without it, the same visitor in two apps is two visitors."),
    Parameter("bots", "flag", "Whether rows labelled as bots count too.", default="false"),
)

STITCH = Parameter(
    "stitch",
    "flag",
    "Whether what a visitor did under an earlier id counts as the user's that it turned out to be.",
    default="false",
)
"""A parameter of every metric that tells visitors apart; it changes the tables that are read."""

_CHARTS: dict[str, Chart] = {chart: chart for chart in get_args(Chart)}
_KINDS: dict[str, ParameterKind] = {kind: kind for kind in get_args(ParameterKind)}
_HEADER = re.compile(r"^@(chart|column|parameter)\b\s*(.*)$")
_COLUMN = re.compile(r"^(?P<name>\w+) (?P<kind>date|time|text|integer|number): (?P<doc>.+)$")
_PARAMETER = re.compile(
    r"^(?P<name>\w+) (?P<kind>\w+)(?: (?!optional:)(?P<range>[\w.|]+))?"
    r"(?: = (?P<default>\S+)| (?P<optional>optional))?: (?P<doc>.+)$"
)


def _matched(pattern: re.Pattern[str], text: str, name: str) -> re.Match[str]:
    found = pattern.match(text)
    if found is None:
        raise ValueError(f"{name}.sql: cannot read the header line {text!r}")
    return found


def _parameter(text: str, name: str) -> Parameter:
    found = _matched(_PARAMETER, text, name)
    kind, span = found["kind"], found["range"] or ""
    if kind not in _KINDS:
        raise ValueError(f"{name}.sql: there is no parameter kind {kind!r}")
    low, _, high = span.partition("..")
    bounded = ".." in span
    return Parameter(
        name=found["name"],
        kind=_KINDS[kind],
        doc=found["doc"],
        default=found["default"],
        required=found["default"] is None and found["optional"] is None,
        choices=() if bounded or not span else tuple(span.split("|")),
        low=int(low) if bounded else 0,
        high=int(high) if bounded else 0,
    )


def _read(name: str, text: str) -> Metric:
    """Read one file: the first comment line is the question, then notes and lines declared with @."""
    lines = text.splitlines()
    end = next(place for place, line in enumerate(lines) if not line.startswith("--"))
    head = [line[2:].strip() for line in lines[:end]]
    declared: dict[str, list[str]] = {"chart": [], "column": [], "parameter": []}
    notes: list[str] = []
    for line in head[1:]:
        found = _HEADER.match(line)
        if found:
            declared[found[1]].append(found[2])
        elif line:
            notes.append(line)
    chart = declared["chart"][0]
    if chart not in _CHARTS:
        raise ValueError(f"{name}.sql: there is no chart kind {chart!r}")
    columns = (_matched(_COLUMN, line, name) for line in declared["column"])
    sql = "\n".join(lines[end:]).strip()
    shared = (*COMMON, STITCH) if "visitor_id" in sql else COMMON
    return Metric(
        name=name,
        question=head[0],
        notes=" ".join(notes),
        chart=_CHARTS[chart],
        columns=tuple(Output(c["name"], c["kind"], c["doc"]) for c in columns),
        parameters=tuple(_parameter(line, name) for line in declared["parameter"]) + shared,
        sql=sql,
    )


def sql_files() -> Iterator[tuple[str, str]]:
    """Yield the name and text of every shipped SQL file, rollups (named ``_x``) included."""
    folder = resources.files(__package__).joinpath("sql")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            yield file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")


@cache
def catalogue() -> Mapping[str, Metric]:
    """Return every metric by name, in alphabetical order."""
    return MappingProxyType(
        {name: _read(name, text) for name, text in sql_files() if not name.startswith("_")}
    )


def metric(name: str) -> Metric:
    """Return one metric. Raises NotFound, whose hint holds the nearest names."""
    found = catalogue().get(name)
    if found is None:
        near = difflib.get_close_matches(name, catalogue(), n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}" if near else f"There are {', '.join(catalogue())}"
        raise NotFound(what="metric", name=name, hint=hint)
    return found
