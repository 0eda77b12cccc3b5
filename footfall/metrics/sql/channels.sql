-- Through which channels do visitors come?
--
-- By GA4's default channel groups. A visitor who came through two channels counts in both.
-- @chart bar
-- @column channel text: The channel group; the row without a name holds events that tell none.
-- @column visitors integer: Distinct visitors.
-- @column events integer: Their events.

with per_visitor as (
    select channel, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
    group by channel, app_id, visitor_id
)
select channel, count(*) as visitors, cast(sum(times) as bigint) as events
from per_visitor
group by channel
order by visitors desc, channel
