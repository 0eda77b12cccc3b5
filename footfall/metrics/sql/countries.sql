-- From which countries do visitors come?
--
-- A visitor who was seen in two countries counts in both. The row without a country holds those
-- whose country is not known.
-- @chart map
-- @column country text: ISO 3166-1 alpha-2.
-- @column continent text: AF, AN, AS, EU, NA, OC or SA.
-- @column visitors integer: Distinct visitors.
-- @column events integer: Their events.

with per_visitor as (
    select country, continent, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
    group by country, continent, app_id, visitor_id
)
select country, continent, count(*) as visitors, cast(sum(times) as bigint) as events
from per_visitor
group by country, continent
order by visitors desc, country, continent
