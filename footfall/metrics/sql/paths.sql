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
            partition by visitor_id, app_id, is_bot order by created_at, event_id
        ) as following,
        lead(created_at) over (
            partition by visitor_id, app_id, is_bot order by created_at, event_id
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
    where page = $path
),
most_taken as (
    select page, following, count(*) as taken
    from steps_taken
    group by page, following
    order by taken desc, page, following
    limit $limit
),
by_visitor as (
    select distinct most_taken.page, most_taken.following, most_taken.taken, app_id, visitor_id
    from most_taken
    inner join steps_taken
        on most_taken.page = steps_taken.page
        and coalesce(most_taken.following, '') = coalesce(steps_taken.following, '')
        and (most_taken.following is null) = (steps_taken.following is null)
)
select page as path, following as next_path, taken as times, count(*) as visitors
from by_visitor
group by page, following, taken
order by times desc, path, next_path
