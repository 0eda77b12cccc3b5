-- Who is new, who stays, who comes back, and who stays away?
--
-- Compares each day or week with the one before it. The first time of a visitor is searched in all
-- data of the app, not only in the range. Periods in which nobody came or stayed away have no row.
-- @chart bar
-- @column time date: The day, or the Monday of the week.
-- @column new integer: Visitors who were never seen before.
-- @column returning integer: Visitors who were there in the period before too.
-- @column resurrecting integer: Visitors who were there once, but not in the period before.
-- @column dormant integer: Visitors of the period before who did not come; counted up to the last period with data.
-- @parameter period choice day|week = day: Length of a period; weeks begin on Monday (ISO 8601).

with actives as (
    select distinct app_id, visitor_id, cast(date_trunc($period, day) as date) as active
    from visitor_days
    where app_id = $app
        and ($bots or not is_bot)
),
neighbours as (
    select
        active,
        lag(active) over (partition by visitor_id, app_id order by active) as before,
        lead(active) over (partition by visitor_id, app_id order by active) as after,
        max(active) over () as last_active,
        cast(case when $period = 'week' then active + interval '7' day else active + interval '1' day end as date)
            as following
    from actives
),
changes as (
    select
        active as period_start,
        case when before is null then 1 else 0 end as arrived,
        case when date_diff($period, before, active) = 1 then 1 else 0 end as stayed,
        case when date_diff($period, before, active) > 1 then 1 else 0 end as revived,
        0 as left_off
    from neighbours
    union all
    select following as period_start, 0 as arrived, 0 as stayed, 0 as revived, 1 as left_off
    from neighbours
    where following <= last_active
        and (after is null or after > following)
)
select
    period_start as time,
    cast(sum(arrived) as bigint) as new,
    cast(sum(stayed) as bigint) as returning,
    cast(sum(revived) as bigint) as resurrecting,
    cast(sum(left_off) as bigint) as dormant
from changes
where period_start >= $since
    and period_start < $until
group by period_start
order by period_start
