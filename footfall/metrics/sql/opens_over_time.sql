-- How often were files opened in each hour, day, week or month, and by how many visitors?
--
-- From access logs; an open is counted as in top_objects.
-- @chart line
-- @column time time: The start of the interval, UTC; intervals without requests have no row.
-- @column opens integer: How often a file was opened in it.
-- @column visitors integer: Distinct visitors who opened one in it.
-- @column requests integer: All requests for files, whatever their answer.
-- @column revalidations integer: Answers 304: a kept copy was looked at again.
-- @column errors integer: Answers of 400 and above.
-- @column bytes integer: Bytes sent.
-- @parameter interval choice hour|day|week|month = day: The length of an interval; weeks begin on Monday.
-- @parameter object text optional: Only this file.

with per_visitor as (
    select
        date_trunc($interval, created_at) as interval_start,
        app_id,
        visitor_id,
        count(*) as asked,
        sum(coalesce(bytes, 0)) as sent,
        sum(case when outcome = 'open' then 1 else 0 end) as opened,
        sum(case when outcome = 'revalidation' then 1 else 0 end) as revalidations,
        sum(case when outcome = 'error' then 1 else 0 end) as errors
    from requests
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
        and object = $object
    group by date_trunc($interval, created_at), app_id, visitor_id
)
select
    cast(interval_start as timestamp) as time,
    cast(sum(opened) as bigint) as opens,
    cast(sum(case when opened > 0 then 1 else 0 end) as bigint) as visitors,
    cast(sum(asked) as bigint) as requests,
    cast(sum(revalidations) as bigint) as revalidations,
    cast(sum(errors) as bigint) as errors,
    cast(sum(sent) as bigint) as bytes
from per_visitor
group by interval_start
order by interval_start
