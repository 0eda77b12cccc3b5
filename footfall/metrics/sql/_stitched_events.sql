-- What happened, earlier ids counted as the user that they turned out to be?
-- Only what metrics read is here.
select
    events.app_id,
    events.event_id,
    events.event,
    coalesce(people.person, events.visitor_id) as visitor_id,
    events.created_at,
    events.is_bot,
    events.path,
    events.element,
    events.time_spent,
    events.device,
    events.browser,
    events.os,
    events.country,
    events.continent,
    events.channel,
    events.campaign,
    events.source,
    events.medium,
    events.properties,
    events.user_properties,
    events.referrer,
    events.ip,
    events.method,
    events.status,
    events.bytes,
    events.object
from events
left join people on people.app_id = events.app_id and people.earlier_id = events.visitor_id
