-- What do visitors browse with?
--
-- A visitor who used two devices counts in both. The row without a name holds what is not known.
-- @chart bar
-- @column device text: The kind of device, the browser or the operating system, as by says.
-- @column visitors integer: Distinct visitors.
-- @column events integer: Their events.
-- @parameter by column device|browser|os = device: What to group by.

with per_visitor as (
    select $by as item, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
    group by $by, app_id, visitor_id
)
select item as device, count(*) as visitors, cast(sum(times) as bigint) as events
from per_visitor
group by item
order by visitors desc, device
