-- How many sessions were there on each day, how long and how rich were they, and how many ended at once?
--
-- A session ends after more than 30 minutes without an event of the visitor; it belongs to the day
-- on which it starts. Late events may join or bridge sessions: the answer is that of all events at once.
-- @chart line
-- @column day date: The UTC day on which the sessions started.
-- @column sessions integer: Sessions.
-- @column visitors integer: Distinct visitors who started one.
-- @column average_seconds number: Mean time from the first to the last event of a session.
-- @column events_per_session number: Mean number of events.
-- @column bounce_rate number: Share of sessions with one event only.

with chosen as (
    select
        app_id,
        visitor_id,
        cast(started_at as date) as day,
        events,
        epoch_us(ended_at) - epoch_us(started_at) as lasted
    from sessions
    where started_at >= $since
        and started_at < $until
        and app_id = $app
        and ($bots or not is_bot)
),
per_visitor as (
    select
        day,
        count(*) as visits,
        sum(events) as happened,
        sum(lasted) as lasted,
        sum(case when events = 1 then 1 else 0 end) as bounces
    from chosen
    group by day, app_id, visitor_id
)
select
    day,
    cast(sum(visits) as bigint) as sessions,
    count(*) as visitors,
    cast(sum(lasted) as double) / cast(1000000 * sum(visits) as double) as average_seconds,
    cast(sum(happened) as double) / cast(sum(visits) as double) as events_per_session,
    cast(sum(bounces) as double) / cast(sum(visits) as double) as bounce_rate
from per_visitor
group by day
order by day
