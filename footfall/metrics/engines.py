"""What sqlglot leaves as it is though an engine says it otherwise: one row for each function.

The metrics keep to SQL that all engines share; these are the exceptions.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["in_the_words_of"]

MICROSECONDS = {
    # to_unixtime gives a double whose steps at today's dates are 0.24 us, so rounding is exact
    "trino": "cast(round(to_unixtime($it) * 1000000) as bigint)",
    "spark": "unix_micros($it)",
    "clickhouse": "toUnixTimestamp64Micro($it)",
}
JSON_TEXT = {"clickhouse": "nullif(JSON_VALUE($it, $path), '')"}
NUMBER_OR_NULL = {"clickhouse": "toFloat64OrNull($it)"}
# lag and lead of a column that cannot be null give its type's zero, not null, where no row is
NULLABLE = {"clickhouse": "toNullable($it)"}


def in_the_words_of(dialect: str, tree: "exp.Expr") -> "exp.Expr":
    """Return the tree with our few functions written as ``dialect`` has them."""
    from sqlglot import exp

    ours = (exp.Anonymous, exp.JSONExtractScalar, exp.TryCast, exp.Lag, exp.Lead)
    # deepest first, so that what stands inside another function is rewritten before that one
    for node in reversed(list(tree.find_all(*ours))):
        if isinstance(node, exp.JSONExtractScalar):
            path = exp.Literal.string(node.expression.sql(dialect="duckdb").strip("'"))
            _say(JSON_TEXT, dialect, node, it=node.this, path=path)
        elif isinstance(node, exp.TryCast) and node.to.is_type("double"):
            _say(NUMBER_OR_NULL, dialect, node, it=node.this)
        elif isinstance(node, exp.Lag | exp.Lead):
            _say(NULLABLE, dialect, node.this, it=node.this)
        elif isinstance(node, exp.Anonymous) and node.name.lower() == "epoch_us":
            _say(MICROSECONDS, dialect, node, it=node.expressions[0])
    return tree


def _say(templates: dict[str, str], dialect: str, node: "exp.Expr", **parts: "exp.Expr") -> None:
    import sqlglot
    from sqlglot import exp

    if dialect not in templates:
        return
    said = sqlglot.parse_one(templates[dialect].replace("$", ":"))
    for hole in list(said.find_all(exp.Placeholder)):
        hole.replace(parts[hole.name].copy())
    node.replace(said)
