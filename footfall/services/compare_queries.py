"""The questions that a comparison asks of the warehouse, as SQL over the tables that everyone sees.

Values come in as literals that sqlglot writes; nothing is pasted into the text.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["AGAIN", "ARRIVED", "COUNTED", "EXTENT", "MOVED", "MOVED_VISITORS", "filled"]

Value = str | bool | int | Sequence[str] | Sequence[int] | Sequence[date] | datetime

# The days to count: each with its place in the export's list and its bounds in UTC.
_DAYS = """
days as (
    select unnest($places) as place, unnest($starts) as since, unnest($ends) as until
)"""

# What the trackers sent (no access logs), and which rows open a session: as metrics/sql/_sessions.sql
# has it, told by the half hour before the row alone.
_NEAR = """
near as (
    select
        app_id,
        visitor_id,
        is_bot,
        created_at,
        received_at,
        origin,
        list_contains($views, event) as viewed,
        coalesce(
            created_at > lag(created_at) over sender + interval '30' minute,
            true
        ) as opens
    from events
    where created_at >= cast($low as timestamp) - interval '30' minute
        and created_at < $high
        and ($every_app or app_id = $app)
        and not list_contains($logs, origin)
    window sender as (partition by visitor_id, app_id, is_bot order by created_at)
)"""

# How many visitors, page views and visits had each app on each day: of people, with bots, and of those
# of people what was received after the day? What was imported has no moment of receipt that counts.
COUNTED = f"""
with {_DAYS},
{_NEAR},
hits as (
    select
        days.place,
        near.app_id,
        near.visitor_id,
        near.is_bot,
        cast(near.viewed as integer) as viewed,
        cast(near.opens as integer) as opens,
        case when near.received_at >= days.until and not list_contains($imports, near.origin)
            then 1 else 0 end as late
    from near
    inner join days on near.created_at >= days.since and near.created_at < days.until
),
visitors as (
    select
        place,
        app_id,
        min(cast(is_bot as integer)) as bot,
        min(case when is_bot then 1 else late end) as late,
        sum(viewed) as views_with_bots,
        sum(case when is_bot then 0 else viewed end) as views,
        sum(case when is_bot then 0 else viewed * late end) as late_views,
        sum(opens) as visits_with_bots,
        sum(case when is_bot then 0 else opens end) as visits,
        sum(case when is_bot then 0 else opens * late end) as late_visits
    from hits
    group by place, app_id, visitor_id
)
select
    place,
    app_id,
    cast(sum(1 - bot) as bigint) as visitors,
    count(*) as visitors_with_bots,
    cast(sum((1 - bot) * late) as bigint) as late_visitors,
    cast(sum(views) as bigint) as page_views,
    cast(sum(views_with_bots) as bigint) as page_views_with_bots,
    cast(sum(late_views) as bigint) as late_page_views,
    cast(sum(visits) as bigint) as visits,
    cast(sum(visits_with_bots) as bigint) as visits_with_bots,
    cast(sum(late_visits) as bigint) as late_visits
from visitors
group by place, app_id
order by place, app_id
"""  # noqa: S608 - our own text

# What of earlier days was received on each day, of people?
ARRIVED = f"""
with {_DAYS}
select
    days.place,
    count(distinct events.visitor_id) as visitors,
    count(*) filter (where list_contains($views, events.event)) as page_views
from events
inner join days on events.received_at >= days.since and events.received_at < days.until
where events.received_at >= $low
    and events.received_at < $high
    and events.created_at < days.since
    and not events.is_bot
    and ($every_app or events.app_id = $app)
    and not list_contains($logs, events.origin)
    and not list_contains($imports, events.origin)
group by days.place
"""  # noqa: S608 - our own text

# What was received on each day and not stored: page views sent again, and rejected events?
AGAIN = f"""
with {_DAYS},
refused as (
    select app_id, received_at, origin, 0 as again, 1 as rejected from rejected_events
    union all
    select app_id, received_at, origin, cast(list_contains($views, event) as integer), 0
    from duplicate_events
)
select days.place, cast(sum(again) as bigint) as again, cast(sum(rejected) as bigint) as rejected
from refused
inner join days on refused.received_at >= days.since and refused.received_at < days.until
where ($every_app or app_id = $app)
    and not list_contains($logs, origin)
    and not list_contains($imports, origin)
group by days.place
"""  # noqa: S608 - our own text

# From when to when has each app events, and how many came from access logs?
EXTENT = """
select
    app_id,
    min(created_at) filter (where not list_contains($logs, origin)) as first_at,
    max(created_at) filter (where not list_contains($logs, origin)) as last_at,
    count(*) filter (where list_contains($logs, origin)) as logged
from events
where ($every_app or app_id = $app)
group by app_id
order by app_id
"""

# How many page views (or visits) would each day have, if all days began some hours later?
MOVED = f"""
with {_DAYS},
{_NEAR},
quarters as (
    select
        time_bucket(interval '15' minute, created_at) as quarter,
        sum(cast(if($count_visits, opens, viewed) as integer)) as counted
    from near
    where not is_bot
    group by quarter
),
shifts as (select unnest($hours) as shift)
select shifts.shift, days.place, cast(sum(quarters.counted) as bigint) as counted
from shifts
cross join days
inner join quarters
    on quarters.quarter >= days.since + shifts.shift * interval '1' hour
    and quarters.quarter < days.until + shifts.shift * interval '1' hour
group by shifts.shift, days.place
"""  # noqa: S608 - our own text

# How many visitors would each day have, if all days began some hours later?
MOVED_VISITORS = f"""
with {_DAYS},
{_NEAR},
quarters as (
    select distinct time_bucket(interval '15' minute, created_at) as quarter, app_id, visitor_id
    from near
    where not is_bot
),
shifts as (select unnest($hours) as shift)
select shifts.shift, days.place, count(distinct (quarters.app_id, quarters.visitor_id)) as counted
from shifts
cross join days
inner join quarters
    on quarters.quarter >= days.since + shifts.shift * interval '1' hour
    and quarters.quarter < days.until + shifts.shift * interval '1' hour
group by shifts.shift, days.place
"""  # noqa: S608 - our own text


def filled(question: str, values: dict[str, Value], *, pretty: bool = False) -> str:
    """Return the SQL with a literal in each parameter's place; ``values`` may hold more.

    Lists are lists: a tuple would be a row.
    """
    from sqlglot import exp

    tree = exp.replace_placeholders(_parsed(question).copy(), **values)
    return tree.sql(dialect="duckdb", comments=False, pretty=pretty)


@cache
def _parsed(question: str) -> "exp.Expr":
    import sqlglot

    return sqlglot.parse_one(question, read="duckdb")
