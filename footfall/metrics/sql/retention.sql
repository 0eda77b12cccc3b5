-- Of the visitors who came first in a day or week, how many came again in each later one?
--
-- A visitor's first day is searched in all data of the app, not only in the range; the range
-- chooses cohorts by the day they begin on, and what those visitors did after the range counts.
-- @chart grid
-- @column cohort date: The day, or the Monday of the week, in which the visitors were first seen.
-- @column period integer: Days or weeks since the cohort; 0 is the cohort itself.
-- @column visitors integer: Visitors of the cohort who were active in that period; periods without any have no row.
-- @parameter period choice day|week = day: Length of a period; weeks begin on Monday (ISO 8601).

with actives as (
    select distinct app_id, visitor_id, cast(date_trunc($period, day) as date) as active
    from visitor_days
    where app_id = $app
        and ($bots or not is_bot)
),
firsts as (
    select app_id, visitor_id, min(active) as cohort
    from actives
    group by app_id, visitor_id
),
cohorts as (
    select cohort, active
    from firsts
    inner join actives using (visitor_id, app_id)
    where cohort >= $since
        and cohort < $until
)
select cohort, date_diff($period, cohort, active) as period, count(*) as visitors
from cohorts
group by cohort, active
order by cohort, active
