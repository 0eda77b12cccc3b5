"""A metric and values in, complete SQL out, for the engine that is asked.

The SQL file is parsed once; values enter the syntax tree as literals, never as text. sqlglot is
loaded here, at the first rendering, because its import takes longer than all of ours.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Literal

from footfall.errors import BadQuery
from footfall.metrics.catalogue import Metric, sql_files
from footfall.metrics.engines import in_the_words_of
from footfall.metrics.values import Value, checked

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["DIALECTS", "ROLLUPS", "VIEWS", "Dialect", "render"]

Dialect = Literal["duckdb", "trino", "spark", "clickhouse"]
DIALECTS: tuple[Dialect, ...] = ("duckdb", "trino", "spark", "clickhouse")
ROLLUPS = ("visitor_days", "sessions")
VIEWS = ("log_lines", "requests", "other_sites")
"""What is said once for several metrics: a view where the engine has it, else a step of the query."""
OF_VISITORS = ("visitor_days", "sessions", "log_lines", "requests")
STITCHED = ("visitor_days", "events")
"""What is read with earlier ids turned into people when a caller asks to stitch: ``stitched_x`` for x."""


def render(
    metric: Metric,
    values: Mapping[str, str],
    *,
    dialect: str = "duckdb",
    rollups: frozenset[str] = frozenset(),
    table: str = "events",
) -> str:
    """Return runnable SQL, headed by the metric's question, with ``values`` as literals in it.

    ``rollups`` names what of ``ROLLUPS`` and ``VIEWS`` exists where the SQL will run; the rest is
    computed from ``events`` in the query itself, with the same answer. To stitch visitors is to read
    other tables, which are computed too; sessions are then made anew. Where a value is not given
    and has no default, its condition is left out. ``dialect`` is one of ``DIALECTS`` (Athena takes
    trino). ``table`` is where events lie, if elsewhere than in ``events``; with a schema, behind a dot.
    Raises BadQuery that names every bad value and every unknown parameter.
    """
    if dialect not in DIALECTS:
        raise BadQuery(cause=f"there is no dialect {dialect!r}; there are {', '.join(DIALECTS)}")
    typed = _placed(checked(metric, values))
    tree: exp.Expr = _parsed(metric.name, metric.sql).copy()
    _fill(tree, metric, typed)
    _prepend(tree, list(_tables(tree, typed, rollups)))
    if table != "events":
        _read_from(tree, table)
    return f"-- {metric.question}\n{_written(tree, dialect)}"


def _placed(typed: dict[str, Value]) -> dict[str, Value]:
    """``from`` and ``to``, both inclusive, become ``since`` and the day after, ``until``."""
    first, last = typed.pop("from"), typed.pop("to")
    until = last + timedelta(days=1) if isinstance(last, date) else None
    return {**typed, "since": first, "until": until}


@cache
def _parsed(name: str, sql: str) -> "exp.Expr":
    """Parse one file; ``name`` is there for the message of a broken one."""
    import sqlglot

    try:
        return sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.ParseError as error:
        raise ValueError(f"{name}.sql: {error}") from error


@cache
def _rollup(name: str) -> "exp.Expr":
    files = dict(sql_files())
    return _parsed(f"_{name}", files[f"_{name}"])


def _named(tree: "exp.Expr") -> "exp.With | None":
    from sqlglot import exp

    return next((node for node in tree.args.values() if isinstance(node, exp.With)), None)


def _fill(tree: "exp.Expr", metric: Metric, typed: Mapping[str, Value]) -> None:
    """Put literals in the place of parameters; what has no value falls away with its condition."""
    from sqlglot import exp

    columns = {parameter.name for parameter in metric.parameters if parameter.kind == "column"}
    for hole in list(tree.find_all(exp.Placeholder)):
        if hole.root() is not tree:
            continue  # went away with the condition of another one
        value = typed[hole.name]
        if value is None or value is True:
            _drop(hole)
        elif value is False:
            _keep_other(hole)
        elif hole.name in columns:
            hole.replace(exp.column(str(value)))
        else:
            hole.replace(_literal(value))


def _literal(value: Value) -> "exp.Expr":
    from sqlglot import exp

    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    if isinstance(value, timedelta):
        return exp.Literal.number(value // timedelta(microseconds=1))
    if isinstance(value, int):
        return exp.Literal.number(value)
    return exp.Literal.string(str(value))


def _drop(hole: "exp.Expr") -> None:
    """Take out the whole condition, column, or grouping that the parameter stands in."""
    from sqlglot import exp

    node, parent = hole, hole.parent
    while parent is not None:
        if isinstance(parent, exp.And):
            parent.replace(parent.right if node is parent.left else parent.left)
            return
        if isinstance(parent, exp.Where) or (
            isinstance(parent, exp.Group | exp.Order) and len(parent.expressions) == 1
        ):
            parent.pop()
            return
        if isinstance(parent, exp.Select | exp.Group | exp.Order) and node.arg_key == "expressions":
            node.pop()
            return
        node, parent = parent, parent.parent


def _keep_other(hole: "exp.Expr") -> None:
    """Keep the other side of the ``or`` that a false flag stands in."""
    from sqlglot import exp

    either = hole.parent
    assert isinstance(either, exp.Or), "a flag stands in an or"  # noqa: S101
    other = either.right if hole is either.left else either.left
    whole = either.parent if isinstance(either.parent, exp.Paren) else either
    whole.replace(other)


def _tables(
    tree: "exp.Expr", typed: Mapping[str, Value], rollups: frozenset[str]
) -> "Iterator[tuple[str, exp.Expr]]":
    """Yield what the query reads and the engine doesn't have: lists, missing rollups, stitched tables."""
    from sqlglot import exp

    for name, value in typed.items():
        if isinstance(value, tuple):
            rows = [
                exp.select(
                    exp.alias_(exp.Literal.number(place), "place"),
                    exp.alias_(exp.Literal.string(item), "item"),
                )
                for place, item in enumerate(value, start=1)
            ]
            yield name, exp.union(*rows, distinct=False) if len(rows) > 1 else rows[0]
    read = {table.name for table in tree.find_all(exp.Table)}
    stitch = typed.get("stitch") is True
    missing = {
        name for name in (*ROLLUPS, *VIEWS) if name not in rollups or (stitch and name in OF_VISITORS)
    }
    if "requests" in read & missing:
        read.add("log_lines")
    made = {name: _rollup(name).copy() for name in (*ROLLUPS, *VIEWS) if name in read & missing}
    if not stitch:
        yield from made.items()
        return
    yield "identity_edges", _rollup("identity_edges").copy()
    yield "people", _rollup("people").copy()
    if "visitor_days" in made and "visitor_days" not in rollups:
        yield "visitor_days", made["visitor_days"]
    anew = {name: query for name, query in made.items() if name != "visitor_days"}
    stitched = (tree, *(query for name, query in anew.items() if name in OF_VISITORS))
    for name in sorted({name for query in stitched for name in _stitch(query)}):
        yield f"stitched_{name}", _rollup(f"stitched_{name}").copy()
    yield from anew.items()


def _stitch(query: "exp.Expr") -> "Iterator[str]":
    """Let a query read the stitched tables under the names of the plain ones; yield those names."""
    from sqlglot import exp

    for table in list(query.find_all(exp.Table)):
        if table.name in STITCHED:
            yield table.name
            name = exp.to_identifier(f"stitched_{table.name}")
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
            table.replace(exp.Table(this=name, alias=alias))


def _prepend(tree: "exp.Expr", tables: "list[tuple[str, exp.Expr]]") -> None:
    from sqlglot import exp

    named = _named(tree)
    assert named is not None, "every metric names its steps"  # noqa: S101
    steps = [
        exp.CTE(this=query, alias=exp.TableAlias(this=exp.to_identifier(name))) for name, query in tables
    ]
    named.set("expressions", steps + named.expressions)


def _read_from(tree: "exp.Expr", table: str) -> None:
    """Let what reads ``events`` read another table, under the name that it had."""
    from sqlglot import exp

    for each in list(tree.find_all(exp.Table)):
        if each.name == "events":
            each.replace(exp.to_table(table, alias=each.alias_or_name))


def _written(tree: "exp.Expr", dialect: str) -> str:
    """Return the SQL text; other engines' functions are chosen after a second parse.

    Only then are the units of ``date_trunc`` known, which sqlglot writes differently per engine.
    """
    import sqlglot

    ours = tree.sql(dialect="duckdb", pretty=True, comments=False)
    if dialect == "duckdb":
        return ours
    again = in_the_words_of(dialect, sqlglot.parse_one(ours, read="duckdb"))
    return again.sql(dialect=dialect, pretty=True, unsupported_level=sqlglot.ErrorLevel.RAISE)
