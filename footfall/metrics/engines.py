"""What sqlglot leaves as it is though an engine says it otherwise: one row for each function.

The metrics keep to SQL that all engines share; these are the exceptions.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["in_the_words_of"]

JSON_TEXT = {
    "clickhouse": "nullif(JSON_VALUE($it, $path), '')",
    "redshift": "nullif(json_extract_path_text($it, $key), '')",  # an empty text where nothing is
}
# sqlglot leaves out that the first group is meant; "e" says so, in Redshift
FIRST_GROUP = {"redshift": "regexp_substr($it, $pattern, 1, 1, 'e')"}
NUMBER_OR_NULL = {"clickhouse": "toFloat64OrNull($it)"}
# lag and lead of a column that cannot be null give its type's zero, not null, where no row is
NULLABLE = {"clickhouse": "toNullable($it)"}
SORTED = {"clickhouse": "arraySort($it)"}
BITS = {"clickhouse": "bitAnd($a, $b)"}
# Spark's own timestamps are moments of a zone, which a client gives back as local time
MOMENT = {"spark": "cast($it as timestamp_ntz)"}
# called as in DuckDB, but for what is no function of its own there
CALLS: dict[str, dict[str, str]] = {
    "epoch_us": {
        # to_unixtime gives a double whose steps at today's dates are 0.24 us, so rounding is exact
        "trino": "cast(round(to_unixtime($a) * 1000000) as bigint)",
        # Spark 3.5 takes no timestamp_ntz here; our sessions are of UTC
        "spark": "unix_micros(cast($a as timestamp))",
        "clickhouse": "toUnixTimestamp64Micro($a)",
        "redshift": "datediff($a, cast('1970-01-01' as timestamp), microsecond)",
    },
    # list, (state, item) -> state, first state
    "list_reduce": {
        "trino": "reduce($a, $c, $b, state -> state)",
        "spark": "aggregate($a, $c, $b)",
        "clickhouse": "arrayFold($b, $a, $c)",
    },
    # list, first place, last place; all engines count places from 1
    "list_slice": {
        "trino": "slice($a, $b, ($c) + 1 - ($b))",
        "spark": "slice($a, $b, ($c) + 1 - ($b))",
        "clickhouse": "arraySlice($a, $b, ($c) + 1 - ($b))",
    },
    "list_extract": {
        "trino": "element_at($a, $b)",
        "spark": "element_at($a, cast($b as int))",
        "clickhouse": "arrayElement($a, $b)",
    },
}


def in_the_words_of(dialect: str, tree: "exp.Expr") -> "exp.Expr":
    """Return the tree with our few functions written as ``dialect`` has them."""
    from sqlglot import exp

    # deepest first, so that what stands inside another function is rewritten before that one
    for node in reversed(list(tree.find_all(exp.Func, exp.BitwiseAnd))):
        if isinstance(node, exp.JSONExtractScalar):
            path = node.expression.sql(dialect="duckdb").strip("'")
            key = exp.Literal.string(path.removeprefix("$."))
            _say(JSON_TEXT, dialect, node, it=node.this, path=exp.Literal.string(path), key=key)
        elif isinstance(node, exp.RegexpExtract):
            _say(FIRST_GROUP, dialect, node, it=node.this, pattern=node.expression)
        elif isinstance(node, exp.TryCast) and node.to.is_type("double"):
            _say(NUMBER_OR_NULL, dialect, node, it=node.this)
        elif isinstance(node, exp.Cast) and node.to.is_type("timestamp"):
            _say(MOMENT, dialect, node, it=node.this)
        elif isinstance(node, exp.Lag | exp.Lead):
            _say(NULLABLE, dialect, node.this, it=node.this)
        elif isinstance(node, exp.BitwiseAnd):
            _say(BITS, dialect, node, a=node.this, b=node.expression)
        elif isinstance(node, exp.ArraySort):
            _say(SORTED, dialect, node, it=node.this)
        elif isinstance(node, exp.Anonymous) and node.name.lower() in CALLS:
            _say(
                CALLS[node.name.lower()], dialect, node, **dict(zip("abc", node.expressions, strict=False))
            )
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
