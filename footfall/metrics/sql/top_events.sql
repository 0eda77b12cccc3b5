-- Which events happen most often, and to how many visitors?
-- @chart bar
-- @column event text: The event's name.
-- @column events integer: How often it happened.
-- @column visitors integer: Distinct visitors who did it.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with per_visitor as (
    select event, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
    group by event, app_id, visitor_id
)
select event, cast(sum(times) as bigint) as events, count(*) as visitors
from per_visitor
group by event
order by events desc, event
limit $limit
