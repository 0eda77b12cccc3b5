-- What happened, earlier ids counted as the user that they turned out to be?
-- Only what metrics read is here.
select
    events.app_id as app_id,
    events.event_id as event_id,
    events.event as event,
    coalesce(people.person, events.visitor_id) as visitor_id,
    events.created_at as created_at,
    events.is_bot as is_bot,
    events.bot_reason as bot_reason,
    events.path as path,
    events.element as element,
    events.time_spent as time_spent,
    events.device as device,
    events.browser as browser,
    events.os as os,
    events.country as country,
    events.continent as continent,
    events.channel as channel,
    events.campaign as campaign,
    events.source as source,
    events.medium as medium,
    events.properties as properties,
    events.user_properties as user_properties,
    events.referrer as referrer,
    events.referrer_host as referrer_host,
    events.ip as ip,
    events.method as method,
    events.status as status,
    events.bytes as bytes,
    events.object as object
from events
left join people on people.app_id = events.app_id and people.earlier_id = events.visitor_id
