-- How many people came, each counted once, and how much did they do in the whole range?
with chosen as (
    select app_id, visitor_id, sum(events) as events
    from visitor_days
    where day >= $start
      and day <= $last
      and ($app is null or app_id = $app)
      and ($bots or not is_bot)
    group by app_id, visitor_id
)
select count(*) as visitors, cast(coalesce(sum(events), 0) as bigint) as events
from chosen
