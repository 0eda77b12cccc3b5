-- Who asks for many files that are not there, as programs do that look for holes?
--
-- From access logs: visitors whose requests within an hour were mostly errors, for many different files. Those
-- that a rule has named already (bot_reason "scanner: ...") are there with bots=true.
-- @chart table
-- @column hour time: The hour, UTC.
-- @column visitor text: Who, as visitors are counted.
-- @column ip text: The network.
-- @column country text: ISO 3166-1 alpha-2.
-- @column requests integer: What they asked for within the hour.
-- @column missing integer: Different files among it that they did not get (answers of 400 to 499).
-- @parameter missing integer 2..10000 = 10: From how many such files on.
-- @parameter limit integer 1..10000 = 100: The most rows to give back.

with per_object as (
    select
        date_trunc('hour', created_at) as hour,
        app_id,
        visitor_id,
        object,
        max(ip) as ip,
        max(country) as country,
        count(*) as asked,
        sum(case when status >= 400 and status < 500 then 1 else 0 end) as refusals
    from log_lines
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
    group by date_trunc('hour', created_at), app_id, visitor_id, object
),
per_hour as (
    select
        hour,
        app_id,
        visitor_id,
        max(ip) as ip,
        max(country) as country,
        sum(asked) as asked,
        sum(refusals) as refused,
        sum(case when refusals > 0 and object is not null then 1 else 0 end) as missing
    from per_object
    group by hour, app_id, visitor_id
)
select
    cast(hour as timestamp) as hour,
    visitor_id as visitor,
    ip,
    country,
    cast(asked as bigint) as requests,
    cast(missing as bigint) as missing
from per_hour
where missing >= $missing
    and 2 * refused > asked
order by missing desc, hour desc, visitor
limit $limit
