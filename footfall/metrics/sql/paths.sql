-- Where do visitors go next?
--
-- Steps from one viewed page to the next within 30 minutes, by the same visitor; the same page
-- viewed again is a step too.
-- @chart table
-- @column path text: The page they were on.
-- @column next_path text: The page viewed next; the row without one holds views after which they left.
-- @column times integer: How often.
-- @column visitors integer: Distinct visitors who did it.
-- @parameter path text optional: Only steps from this page.
-- @parameter limit integer 1..10000 = 20: The most rows to give back.

with views as (
    select
        app_id,
        visitor_id,
        path as page,
        created_at,
        lead(path) over (
            partition by app_id, visitor_id, is_bot order by created_at, event_id
        ) as following,
        lead(created_at) over (
            partition by app_id, visitor_id, is_bot order by created_at, event_id
        ) as followed_at
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and event = 'page_view'
        and path is not null
),
steps_taken as (
    select
        app_id,
        visitor_id,
        page,
        case when followed_at <= created_at + interval '30' minute then following end as following
    from views
),
per_visitor as (
    select page, following, app_id, visitor_id, count(*) as taken
    from steps_taken
    where page = $path
    group by page, following, app_id, visitor_id
)
select page as path, following as next_path, cast(sum(taken) as bigint) as times, count(*) as visitors
from per_visitor
group by page, following
order by times desc, path, next_path
limit $limit
