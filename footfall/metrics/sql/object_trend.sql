-- How do the opens of the most opened files change from day to day?
--
-- From access logs; an open is counted as in top_objects.
-- @chart line
-- @column time time: The start of the interval, UTC; intervals in which a file was not opened have no row.
-- @column object text: The file, without its query.
-- @column opens integer: How often it was opened in the interval.
-- @column visitors integer: Distinct visitors who opened it in the interval.
-- @parameter interval choice hour|day|week|month = day: The length of an interval; weeks begin on Monday.
-- @parameter search text optional: Only files whose name holds this, in whatever case.
-- @parameter limit integer 1..1000 = 10: How many files, the most opened first.

with per_visitor as (
    select
        date_trunc($interval, created_at) as interval_start,
        object,
        app_id,
        visitor_id,
        count(*) as opened
    from requests
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
        and outcome = 'open'
        and strpos(lower(object), lower($search)) > 0
    group by date_trunc($interval, created_at), object, app_id, visitor_id
),
most_opened as (
    select object, sum(opened) as opened
    from per_visitor
    group by object
    order by opened desc, object
    limit $limit
)
select
    cast(per_visitor.interval_start as timestamp) as time,
    per_visitor.object as object,
    cast(sum(per_visitor.opened) as bigint) as opens,
    count(*) as visitors
from per_visitor
inner join most_opened on most_opened.object = per_visitor.object
group by per_visitor.interval_start, per_visitor.object
order by time, opens desc, object
