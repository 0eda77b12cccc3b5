-- How many visitors did these steps in this order within the window, and where did the others stop?
--
-- The answers are those of ClickHouse's windowFunnel in its default mode: the window counts from
-- step 1; other events may lie between; of events at the same microsecond the earlier step comes
-- first, whatever order they arrived in, and one event may take several steps if they have the same
-- name; doing step 1 again starts the window anew for what follows. For each event of a step it is
-- remembered when the latest run that led to it had started.
-- @chart funnel
-- @column step integer: The step's place, from 1.
-- @column event text: The step's event.
-- @column visitors integer: Visitors who reached the step.
-- @column from_previous number: Share of the visitors of the step before; 0 when there are none.
-- @column from_first number: Share of the visitors of step 1; 0 when there are none.
-- @parameter steps list 1..20: The events in order, separated by commas.
-- @parameter window duration = 1d: The longest time from step 1 to the last: a number with s, m, h, d or w.
-- @repeat reached after started over steps

with matched as (
    select distinct events.app_id, events.visitor_id, events.created_at, steps.place
    from events
    inner join steps on events.event = steps.item
    where events.created_at >= $since
        and events.created_at < $until
        and events.app_id = $app
        and ($bots or not events.is_bot)
),
started as (
    select app_id, visitor_id, created_at, place, case when place = 1 then created_at end as started_at
    from matched
),
reached as (
    select
        app_id,
        visitor_id,
        created_at,
        place,
        case
            when place < $n then started_at
            when place = $n and created_at <= latest_start + $window then latest_start
        end as started_at
    from (
        select
            app_id,
            visitor_id,
            created_at,
            place,
            started_at,
            max(case when place = $n - 1 then started_at end) over (
                partition by app_id, visitor_id
                order by created_at, place
                rows between unbounded preceding and current row
            ) as latest_start
        from started
    ) as runs
),
farthest as (
    select app_id, visitor_id, max(place) as place
    from reached
    where started_at is not null
    group by app_id, visitor_id
),
stops as (
    select place, count(*) as visitors
    from farthest
    group by place
    union all
    select 0 as place, 0 as visitors
),
counted as (
    select
        steps.place,
        steps.item,
        cast(sum(case when stops.place >= steps.place then stops.visitors else 0 end) as bigint) as visitors
    from steps
    cross join stops
    group by steps.place, steps.item
),
compared as (
    select
        place,
        item,
        visitors,
        lag(visitors, 1, visitors) over (order by place) as previous,
        max(visitors) over () as first
    from counted
)
select
    place as step,
    item as event,
    visitors,
    case when previous = 0 then 0.0 else cast(visitors as double) / cast(previous as double) end as from_previous,
    case when first = 0 then 0.0 else cast(visitors as double) / cast(first as double) end as from_first
from compared
order by place
