-- Which campaigns bring visitors?
--
-- Events with a campaign (utm_campaign) count.
-- @chart table
-- @column campaign text: The campaign.
-- @column source text: Where it ran.
-- @column medium text: By what means.
-- @column visitors integer: Distinct visitors.
-- @column events integer: Their events.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with per_visitor as (
    select campaign, source, medium, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and campaign is not null
    group by campaign, source, medium, app_id, visitor_id
)
select campaign, source, medium, count(*) as visitors, cast(sum(times) as bigint) as events
from per_visitor
group by campaign, source, medium
order by visitors desc, campaign, source, medium
limit $limit
