-- What happened in each of the last 30 minutes, and who was here in the last 5?
with recent as (
    select
        app_id || chr(31) || visitor_id as visitor,
        date_diff('second', created_at, $now) // 60 as minutes_ago
    from events
    where created_at > $since
      and created_at <= $now
      and ($app is null or app_id = $app)
      and not is_bot
)
select
    minutes_ago,
    count(*) as events,
    count(distinct visitor) as visitors,
    (select count(distinct visitor) from recent where minutes_ago < 5) as visitors_now
from recent
group by minutes_ago
order by minutes_ago
