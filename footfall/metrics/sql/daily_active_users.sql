-- How many different visitors came on each day?
--
-- Days without a visitor have no row. Rows of every origin count, access logs included; the app
-- parameter separates them.
-- @chart line
-- @column day date: The UTC day.
-- @column visitors integer: Distinct visitors of that day.

with days as (
    select distinct app_id, day, visitor_id
    from visitor_days
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
)
select day, count(*) as visitors
from days
group by day
order by day
