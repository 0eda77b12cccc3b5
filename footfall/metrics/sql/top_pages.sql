-- Which pages are viewed most often, and by how many visitors?
--
-- A view is an event named page_view with a path. The same path on two hosts is one page.
-- @chart bar
-- @column path text: The page's path.
-- @column views integer: How often it was viewed.
-- @column visitors integer: Distinct visitors who viewed it.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with views as (
    select path, app_id, visitor_id
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and event = 'page_view'
        and path is not null
),
most_viewed as (
    select path, count(*) as viewed
    from views
    group by path
    order by viewed desc, path
    limit $limit
),
by_visitor as (
    select distinct most_viewed.path, most_viewed.viewed, views.app_id, views.visitor_id
    from most_viewed
    inner join views on most_viewed.path = views.path
)
select path, viewed as views, count(*) as visitors
from by_visitor
group by path, viewed
order by views desc, path
