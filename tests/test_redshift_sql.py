"""Redshift's views of the metrics: parsed, held against its manual, and asked of PostgreSQL, its ancestor.

No Redshift can be had here. sqlglot writes what it does not know as it is, so a view that parses may still
be refused: functions, words and windows are looked up in the Amazon Redshift Database Developer Guide.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pg8000.native
import pyarrow.parquet as pq
import pytest
import sqlglot
from databases import postgres
from hypothesis import HealthCheck, given, settings
from sqlglot import exp
from sqlglot.tokens import TokenType

from footfall.core.schema import EVENTS
from footfall.metrics import catalogue, metric, render
from infra.redshift import LEFT_OUT, SCHEMA, views
from infra.tables import WHOLE
from tests.metric_tables import ROWS, events_table

VIEWS = dict(views())

# docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html, by its chapters: what views may use
FUNCTIONS = {
    *("avg", "count", "max", "min", "sum"),  # aggregate
    *("lag", "lead", "rank", "row_number", "first_value", "last_value"),  # window
    *("coalesce", "nullif", "nvl", "greatest", "least"),  # conditional expressions
    *("date_trunc", "datediff", "dateadd", "date_part", "extract"),  # date and time
    *("concat", "length", "lower", "upper", "regexp_substr", "regexp_count", "strpos", "substring", "trim"),
    *("abs", "ceil", "floor", "round"),  # math; the row above is text
    *("json_extract_path_text", "is_valid_json"),  # JSON
    *("cast", "try_cast", "convert"),  # data type formatting
}
# docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html: may not name a column unless it is quoted
RESERVED_WORDS = """
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between
binary blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials cross
current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag
delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except
explicit false for foreign freeze from full globaldict256 globaldict64k grant group gzip having identity
ignore ilike in initially inner intersect interval into is isnull join language leading left like limit
localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null
nulls off offline offset oid old on only open or order outer overlaps parallel partition percent
permissions pivot placing primary qualify raw readratio recover references rejectlog resort respect
restore right select session_user similar snapshot some sysdate system table tag tdes text255 text32k then
timestamp to top trailing true truncatecolumns union unique unnest unpivot user using verbose wallet when
where with without
"""
RESERVED = set(RESERVED_WORDS.split())
EXAMPLES = settings(
    max_examples=60, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
# What Redshift has and PostgreSQL lacks, for the text of the views as it is but for names and units
SHIMS = """
create function json_extract_path_text(it text, key text) returns text language sql immutable as
    $$ select it::json ->> key $$;
create function try_double(it text) returns double precision language plpgsql immutable as
    $$ begin return it::double precision; exception when others then return null; end $$;
create schema lake;
"""
TYPES = {"text": "text", "time": "timestamp", "number": "double precision", "integer": "bigint",
         "flag": "boolean", "json": "text"}  # fmt: skip


def query_of(view: str) -> str:
    head, tail = f"create or replace view {SCHEMA}.", "with no schema binding"
    assert view.startswith(head)
    assert view.endswith(tail)
    return view.partition(" as\n")[2].removesuffix(tail)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_only_what_redshift_has(name: str) -> None:
    query = query_of(VIEWS[name])
    tokens = sqlglot.tokenize(query, read="redshift")
    for token, after in pairwise(tokens):
        if after.token_type == TokenType.L_PAREN and token.token_type == TokenType.VAR:
            assert token.text.lower() in FUNCTIONS, token.text
    tree = sqlglot.parse_one(query, read="redshift")
    for word in tree.find_all(exp.Identifier):
        assert word.quoted or word.name.lower() not in RESERVED, word
    for window in tree.find_all(exp.Window):
        # "If an ORDER BY clause is used for an aggregate function, an explicit frame clause is required."
        if isinstance(window.this, exp.AggFunc) and not isinstance(window.this, exp.Lag | exp.Lead):
            assert window.args.get("spec") or not window.args.get("order"), window.sql()
    for found in tree.find_all(exp.RegexpExtract):  # the whole match is given, but for "e"
        flags = found.args.get("parameters")
        assert flags is not None, found.sql()
        assert flags.name == "e", found.sql()
    for order in tree.find_all(exp.Ordered):
        assert not order.args.get("desc") or not order.args.get("nulls_first"), order.sql()
    for table in tree.find_all(exp.Table):
        assert table.db == "lake" or table.name in {cte.alias for cte in tree.find_all(exp.CTE)}, table


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, duckdb.DuckDBPyConnection]]:
    """Give PostgreSQL and DuckDB with the same rows, full of ties, nulls and odd characters."""
    rows: list[dict[str, Any]] = []

    @EXAMPLES
    @given(ROWS)
    def draw(some: list[dict[str, Any]]) -> None:
        rows.extend(some)

    draw()
    looked_for = {"app_id": "shop", "visitor_id": "hal", "status": 404, "bot_reason": None, "is_bot": False}
    rows.extend(rows[0] | looked_for | {"object": f"/wp-{number}.php"} for number in range(12))
    file = tmp_path_factory.mktemp("redshift") / "events.parquet"
    pq.write_table(events_table(rows), file)
    with postgres() as url, duckdb.connect() as duck:
        duck.execute(f"create table events as from read_parquet('{file}')")
        place = urlsplit(url)
        client = pg8000.native.Connection(
            place.username, place.hostname, "postgres", place.port, startup_params={"TimeZone": "UTC"}
        )
        for statement in SHIMS.split(";\n"):
            client.run(statement)
        columns = ", ".join(f"{column.name} {TYPES[column.kind]}" for column in EVENTS)
        client.run(f"create table lake.{WHOLE} ({columns})")
        csv = duck.execute("from events").df().to_csv(index=False, header=False)
        client.run(f"copy lake.{WHOLE} from stdin with (format csv)", stream=iter([csv.encode()]))
        yield client, duck
        client.close()


def in_postgres(query: str) -> str:
    """Return Redshift's text with the few words that its ancestor says otherwise."""

    def said(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.TryCast):
            return exp.func("try_double", node.this)
        if isinstance(node, exp.RegexpExtract):
            return exp.Anonymous(this="regexp_substr", expressions=[
                node.this, node.expression, *map(exp.Literal.number, (1, 1)),
                exp.Literal.string("c"), exp.Literal.number(1),
            ])  # fmt: skip
        return node

    return sqlglot.parse_one(query, read="redshift").transform(said).sql(dialect="postgres")


@pytest.mark.parametrize("name", VIEWS)
def test_postgresql_answers_as_duckdb(stores: tuple[Any, duckdb.DuckDBPyConnection], name: str) -> None:
    client, duck = stores
    found = client.run(in_postgres(query_of(VIEWS[name])))
    expected = duck.execute(render(metric(name), {})).fetchall()
    assert len(found) == len(expected) > 0
    for theirs, ours in zip(found, expected, strict=True):
        near = [pytest.approx(cell, rel=1e-9, abs=0) if isinstance(cell, float) else cell for cell in ours]
        assert theirs == near


def test_what_is_left_out_is_what_redshift_cannot_say() -> None:
    assert set(VIEWS) == set(catalogue()) - set(LEFT_OUT)
