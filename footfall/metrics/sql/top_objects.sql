-- Which files are opened most often, and by how many visitors?
--
-- From access logs. An open is a successful GET (status 200); parts of a file (206, as viewers of
-- PDF and video ask for them) count as one open until 30 minutes pass without a successful GET of
-- the same file by the same visitor, or the day (UTC) ends.
-- @chart bar
-- @column object text: The file, without its query.
-- @column opens integer: How often it was opened.
-- @column requests integer: All requests for it, whatever their answer.
-- @column bytes integer: Bytes sent.
-- @column visitors integer: Distinct visitors who opened it.
-- @parameter search text optional: Only files whose name holds this, in whatever case.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with per_visitor as (
    select
        object,
        app_id,
        visitor_id,
        count(*) as asked,
        sum(coalesce(bytes, 0)) as sent,
        sum(case when outcome = 'open' then 1 else 0 end) as opened
    from requests
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
        and strpos(lower(object), lower($search)) > 0
    group by object, app_id, visitor_id
)
select
    object,
    cast(sum(opened) as bigint) as opens,
    cast(sum(asked) as bigint) as requests,
    cast(sum(sent) as bigint) as bytes,
    cast(sum(case when opened > 0 then 1 else 0 end) as bigint) as visitors
from per_visitor
group by object
order by opens desc, requests desc, object
limit $limit
