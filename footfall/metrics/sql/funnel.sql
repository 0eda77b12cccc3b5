-- How many visitors did these steps in this order within the window, and where did the others stop?
--
-- The answers are those of ClickHouse's windowFunnel in its default mode: the window counts from
-- step 1; other events may lie between; of events at the same microsecond the earlier step comes
-- first, whatever order they arrived in, and one event may take several steps if they have the same
-- name; doing step 1 again starts the window anew for what follows. A hit is an event of a step: 32
-- times its time plus the step's place, so that hits sort by both and one number holds both. Each
-- visitor's hits are gone through once; runs holds, behind a first number that is never read, for each
-- step when the latest run that got there had started.
-- @chart funnel
-- @column step integer: The step's place, from 1.
-- @column event text: The step's event.
-- @column visitors integer: Visitors who reached the step.
-- @column from_previous number: Share of the visitors of the step before; 0 when there are none.
-- @column from_first number: Share of the visitors of step 1; 0 when there are none.
-- @parameter steps list 1..20: The events in order, separated by commas.
-- @parameter window duration = 1d: The longest time from step 1 to the last: a number with s, m, h, d or w.

with hits as (
    select events.app_id, events.visitor_id, 32 * epoch_us(events.created_at) + steps.place as hit
    from events
    inner join steps on events.event = steps.item
    where events.created_at >= $since
        and events.created_at < $until
        and events.app_id = $app
        and ($bots or not events.is_bot)
),
in_order as (
    select list_sort(array_agg(hit)) as hits
    from hits
    group by visitor_id, app_id
),
unstarted as (
    select array_agg(cast(-1000000000000000000 as bigint)) as runs
    from (
        select place
        from steps
        union all
        select 0 as place
    ) as slots
),
gone_through as (
    select
        list_reduce(
            in_order.hits,
            lambda runs, hit: case
                when hit - (hit & 31) - 32 * cast($window as bigint) <= case when hit & 31 = 1 then hit else list_extract(runs, hit & 31) end
                    then list_concat(
                        list_slice(runs, 1, hit & 31),
                        [case when hit & 31 = 1 then hit else list_extract(runs, hit & 31) end],
                        list_slice(runs, (hit & 31) + 2, 21)
                    )
                else runs
            end,
            unstarted.runs
        ) as runs
    from in_order
    cross join unstarted
),
reached as (
    select steps.place, count(*) as visitors
    from gone_through
    cross join steps
    where list_extract(gone_through.runs, steps.place + 1) > -1000000000000000000
    group by steps.place
),
counted as (
    select steps.place, steps.item, coalesce(reached.visitors, 0) as visitors
    from steps
    left join reached on steps.place = reached.place
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
