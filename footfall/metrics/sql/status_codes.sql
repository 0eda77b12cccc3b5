-- How did the server answer?
--
-- From access logs.
-- @chart bar
-- @column status integer: The HTTP status.
-- @column requests integer: Requests answered with it.
-- @column share number: Their share of all requests.
-- @column bytes integer: Bytes sent with them.
-- @parameter object text optional: Only requests for this file.

with answers as (
    select status, count(*) as answered, sum(coalesce(bytes, 0)) as sent
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and status is not null
        and object = $object
    group by status
)
select
    status,
    answered as requests,
    cast(answered as double) / cast(sum(answered) over () as double) as share,
    cast(sent as bigint) as bytes
from answers
order by answered desc, status
