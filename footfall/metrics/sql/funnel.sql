-- How many visitors did these steps in this order within the window, and where did the others stop?
--
-- The answers are those of ClickHouse's windowFunnel in its default mode: the window counts from
-- step 1; other events may lie between; of events at the same microsecond the earlier step comes
-- first, whatever order they arrived in, and one event may take several steps if they have the same
-- name; doing step 1 again starts the window anew for what follows. For each event of a step it is
-- remembered when the latest run that led to it had started; of the events of earlier steps, one for
-- each visitor goes on, as the proof that they got there.
-- @chart funnel
-- @column step integer: The step's place, from 1.
-- @column event text: The step's event.
-- @column visitors integer: Visitors who reached the step.
-- @column from_previous number: Share of the visitors of the step before; 0 when there are none.
-- @column from_first number: Share of the visitors of step 1; 0 when there are none.
-- @parameter steps list 1..20: The events in order, separated by commas.
-- @parameter window duration = 1d: The longest time from step 1 to the last: a number with s, m, h, d or w.
-- @repeat reached after started over steps

with started as (
    select events.app_id, events.visitor_id, events.created_at, steps.place, events.created_at as started_at
    from events
    inner join steps on events.event = steps.item
    where steps.place = 1
        and events.created_at >= $since
        and events.created_at < $until
        and events.app_id = $app
        and ($bots or not events.is_bot)
),
reached as (
    select
        app_id,
        visitor_id,
        created_at,
        place,
        case when place = $n then latest_start else started_at end as started_at
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
            ) as latest_start,
            sum(case when place = $n - 1 then 1 else 0 end) over (
                partition by app_id, visitor_id
                order by created_at, place
                rows between unbounded preceding and current row
            ) as seen
        from (
            select app_id, visitor_id, created_at, place, started_at
            from started
            union all
            select
                events.app_id,
                events.visitor_id,
                events.created_at,
                steps.place,
                cast(null as timestamp) as started_at
            from events
            inner join steps on events.event = steps.item
            where steps.place = $n
                and events.created_at >= $since
                and events.created_at < $until
                and events.app_id = $app
                and ($bots or not events.is_bot)
        ) as met
    ) as runs
    where (place = $n and created_at <= latest_start + $window)
        or (place = $n - 1 and seen = 1)
        or place < $n - 1
),
arrived as (
    select distinct app_id, visitor_id, place
    from reached
),
stops as (
    select place, count(*) as visitors
    from arrived
    group by place
    union all
    select 0 as place, 0 as visitors
),
counted as (
    select
        steps.place,
        steps.item,
        cast(sum(case when stops.place = steps.place then stops.visitors else 0 end) as bigint) as visitors
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
