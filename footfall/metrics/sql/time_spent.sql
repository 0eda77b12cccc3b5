-- On what do people spend their time, and how much?
--
-- Events with a time_spent count, where the thing is known. Seconds are taken to the millisecond, so
-- that sums are exact whatever the order. The median is exact: the middle value, or the mean of the
-- two in the middle.
-- @chart bar
-- @column element text: The element, path, event or source menu, as by says.
-- @column events integer: Events with a time spent.
-- @column average_seconds number: Mean.
-- @column median_seconds number: Median.
-- @column total_seconds number: Sum.
-- @parameter by column element|path|event|source_menu = element: What to group by.
-- @parameter limit integer 1..10000 = 100: The most rows to give back.

with timed as (
    select
        element,
        path,
        event,
        json_extract_string(properties, '$.source_menu') as source_menu,
        round(time_spent * 1000) as milliseconds
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and time_spent is not null
),
lengths as (
    select $by as item, milliseconds, count(*) as times
    from timed
    where $by is not null
    group by $by, milliseconds
),
ranked as (
    select
        item,
        milliseconds,
        times,
        sum(times) over (
            partition by item order by milliseconds rows between unbounded preceding and current row
        ) as upto,
        sum(times) over (partition by item) as total
    from lengths
)
select
    item as element,
    cast(sum(times) as bigint) as events,
    sum(times * milliseconds) / cast(1000 * sum(times) as double) as average_seconds,
    (
        min(case when 2 * upto >= total then milliseconds end)
        + min(case when 2 * upto > total then milliseconds end)
    ) / 2000.0 as median_seconds,
    sum(times * milliseconds) / 1000.0 as total_seconds
from ranked
group by item
order by events desc, element
limit $limit
