-- How many events happened in each hour, day, week or month, and from how many visitors?
-- @chart line
-- @column time time: The start of the interval, UTC; intervals without events have no row.
-- @column events integer: Events in it.
-- @column visitors integer: Distinct visitors in it.
-- @parameter interval choice hour|day|week|month = day: The length of an interval; weeks begin on Monday.
-- @parameter event text optional: Only events of this name.

with per_visitor as (
    select date_trunc($interval, created_at) as interval_start, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and event = $event
    group by date_trunc($interval, created_at), app_id, visitor_id
)
select
    cast(interval_start as timestamp) as time,
    cast(sum(times) as bigint) as events,
    count(*) as visitors
from per_visitor
group by interval_start
order by interval_start
