-- Which pages are viewed most often, and by how many visitors?
--
-- A view is an event named page_view with a path. The same path on two hosts is one page.
-- @chart bar
-- @column path text: The page's path.
-- @column views integer: How often it was viewed.
-- @column visitors integer: Distinct visitors who viewed it.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with per_visitor as (
    select path, app_id, visitor_id, count(*) as times
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and event = 'page_view'
        and path is not null
    group by path, app_id, visitor_id
)
select path, cast(sum(times) as bigint) as views, count(*) as visitors
from per_visitor
group by path
order by views desc, path
limit $limit
