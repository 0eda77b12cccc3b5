"""What the warehouse's file holds: internal tables in schema ``store``, and the views that SQL sees."""

from footfall.adapters.duckdb_warehouse.rollups import ROLLUPS, Rollup
from footfall.core.schema import EVENTS, column_names, duckdb_ddl
from footfall.metrics.catalogue import sql_files
from footfall.metrics.render import VIEWS as METRIC_VIEWS

__all__ = ["DDL", "LAYOUT"]

LAYOUT = 1
"""The version of this layout, kept in the file; another one is refused at open."""

EVENT_COLUMNS = ", ".join(f'"{name}"' for name in column_names(EVENTS))

TABLES = """
create schema if not exists store;

{rows};
alter table store.rows add column if not exists slice bigint;
alter table store.rows add column if not exists given_session boolean;

-- The ids of 7 days as a 128-bit digest in two halves: a batch is compared by the first half alone.
create table if not exists store.seen (hi ubigint, lo ubigint, received_at timestamp);

create table if not exists store.duplicates (
    app_id varchar, event_id varchar, received_at timestamp, origin varchar, event varchar);

create table if not exists store.rejected (
    rejected_id varchar, app_id varchar, event_id varchar, received_at timestamp,
    origin varchar, reasons varchar[], body varchar);
alter table store.rejected add column if not exists ip varchar;
alter table store.rejected add column if not exists country varchar;
alter table store.rejected add column if not exists user_agent varchar;
alter table store.rejected add column if not exists language varchar;
alter table store.rejected add column if not exists visitor_hash varchar;
alter table store.rejected add column if not exists header varchar;

create table if not exists store.books (
    app_id varchar primary key, stored bigint, duplicate bigint, rejected bigint);

create table if not exists store.positions (source varchar primary key, position bigint);

-- One row: what each commit moves on.
create table if not exists store.state (
    layout integer, version bigint, slice bigint, slice_rows bigint, slice_commits bigint,
    fresh_to timestamp);
insert into store.state select {layout}, 0, 0, 0, 0, null where not exists (from store.state);

-- Which hours of the lake have news: rows of a slice of commits, and the last commit that touched them.
create table if not exists store.hour_changes (
    hour timestamp, slice bigint, rows bigint, version bigint);

create table if not exists store.sessions (
    app_id varchar, visitor_id varchar, is_bot boolean, started_at timestamp, ended_at timestamp,
    events bigint, page_views bigint, first_at timestamp, first_path varchar, last_at timestamp,
    last_path varchar, session_id varchar);
"""

VIEWS = """
create or replace view main.events as select {columns} from store.rows;

create or replace view main.sessions as
select app_id, visitor_id, is_bot, session_id, started_at, ended_at, events, page_views,
    first_path as entry_path, last_path as exit_path
from store.sessions;

create or replace view main.rejected_events as
select rejected_id, app_id, event_id, received_at, origin, reasons, body from store.rejected;

create or replace view main.duplicate_events as
select app_id, event_id, received_at, origin, event from store.duplicates;

create or replace view store.lake_rows as
select {columns}, slice, date_trunc('hour', created_at) as hour from store.rows;

create or replace view store.lake_hours as
select hour, slice, sum(rows)::bigint as rows, max(version) as version
from store.hour_changes group by hour, slice;
"""


def _view_ddl(name: str) -> str:
    return f"create or replace view main.{name} as\n{dict(sql_files())[f'_{name}']}"


def _rollup_ddl(rollup: Rollup) -> str:
    parts = [f"create table if not exists {rollup.base} ({rollup.columns})"]
    parts.append(f"create table if not exists {rollup.delta} ({rollup.columns})")
    parts.append(f"create or replace view main.{rollup.name} as {rollup.merged('all')}")
    return ";\n".join(parts)


DDL = ";\n".join(
    [
        TABLES.format(rows=duckdb_ddl("store.rows"), layout=LAYOUT),
        VIEWS.format(columns=EVENT_COLUMNS),
        *map(_view_ddl, ("identity_edges", *METRIC_VIEWS)),
        *map(_rollup_ddl, ROLLUPS),
    ]
)
