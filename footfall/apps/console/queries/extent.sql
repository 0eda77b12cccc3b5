-- Which days hold data, so that a page opens where something can be seen?
-- Days after today (a sender's wrong clock) do not move the page away from the present.
select
    min(day) as first_day,
    coalesce(max(day) filter (day <= $today), max(day)) as last_day,
    cast(coalesce(sum(events), 0) as bigint) as events,
    (select list(distinct app_id order by app_id) from visitor_days) as apps
from visitor_days
where ($app is null or app_id = $app)
