-- How many visitors were active on a day, in the 7 and in the 30 days up to it, and how often do they come?
--
-- The 7 and 30 days end with the row's day and may begin before the range. Each active day of a
-- visitor adds one on that day and takes one away when the window is over or the visitor comes
-- again, whichever is first; the running sum is the number of distinct visitors.
-- @chart line
-- @column day date: The UTC day; days without a visitor have no row.
-- @column dau integer: Distinct visitors of the day.
-- @column wau integer: Distinct visitors of the 7 days up to and with the day.
-- @column mau integer: Distinct visitors of the 30 days up to and with the day.
-- @column stickiness number: dau / mau.

with days as (
    select distinct app_id, visitor_id, day
    from visitor_days
    where day < $until
        and app_id = $app
        and ($bots or not is_bot)
),
returns as (
    select
        day,
        cast(day + interval '7' day as date) as week_end,
        cast(day + interval '30' day as date) as month_end,
        lead(day) over (partition by visitor_id, app_id order by day) as next_day
    from days
),
spans as (
    select
        day,
        case when next_day < week_end then next_day else week_end end as week_end,
        case when next_day < month_end then next_day else month_end end as month_end
    from returns
),
changes as (
    select
        day,
        cast(count(*) as bigint) as today,
        cast(count(*) as bigint) as week,
        cast(count(*) as bigint) as month
    from spans
    group by day
    union all
    select
        week_end as day,
        cast(0 as bigint) as today,
        -cast(count(*) as bigint) as week,
        cast(0 as bigint) as month
    from spans
    group by week_end
    union all
    select
        month_end as day,
        cast(0 as bigint) as today,
        cast(0 as bigint) as week,
        -cast(count(*) as bigint) as month
    from spans
    group by month_end
),
daily as (
    select day, sum(today) as today, sum(week) as week, sum(month) as month
    from changes
    group by day
),
running as (
    select
        day,
        today as dau,
        sum(week) over (
            order by day rows between unbounded preceding and current row
        ) as wau,
        sum(month) over (
            order by day rows between unbounded preceding and current row
        ) as mau
    from daily
)
select
    day,
    cast(dau as bigint) as dau,
    cast(wau as bigint) as wau,
    cast(mau as bigint) as mau,
    cast(dau as double) / cast(mau as double) as stickiness
from running
where dau > 0
    and day >= $since
order by day
