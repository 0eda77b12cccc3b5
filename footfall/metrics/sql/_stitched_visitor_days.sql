-- Which people came on which day, earlier ids counted as the user that they turned out to be?
select
    visitor_days.app_id as app_id,
    visitor_days.day as day,
    coalesce(people.person, visitor_days.visitor_id) as visitor_id,
    visitor_days.is_bot as is_bot
from visitor_days
left join people on people.app_id = visitor_days.app_id and people.earlier_id = visitor_days.visitor_id
