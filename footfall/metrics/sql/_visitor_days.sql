-- Which visitors came on which day? (The warehouse keeps this as a table; elsewhere it is computed.)
select
    app_id,
    cast(created_at as date) as day,
    visitor_id,
    is_bot,
    count(*) as events,
    min(created_at) as first_at,
    max(created_at) as last_at
from events
group by app_id, cast(created_at as date), visitor_id, is_bot
