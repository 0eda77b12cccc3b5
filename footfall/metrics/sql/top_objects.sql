-- Which files are opened most often, and by how many visitors?
--
-- From access logs. An open is a successful GET (status 200); parts of a file (206, as viewers of
-- PDF and video ask for them) count as one open until 30 minutes pass without a successful GET of
-- the same file by the same visitor.
-- @chart bar
-- @column object text: The file, without its query.
-- @column opens integer: How often it was opened.
-- @column requests integer: All requests for it, whatever their answer.
-- @column bytes integer: Bytes sent.
-- @column visitors integer: Distinct visitors who opened it.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with asked as (
    select
        object,
        app_id,
        visitor_id,
        created_at,
        coalesce(bytes, 0) as sent,
        case
            when (method = 'GET' or method like '%.GET.OBJECT') and status in (200, 206) then status
        end as served
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
),
followed as (
    select
        object,
        app_id,
        visitor_id,
        created_at,
        sent,
        served,
        lag(created_at) over (
            partition by visitor_id, object, app_id, case when served is null then 0 else 1 end
            order by created_at, served
        ) as before
    from asked
),
per_visitor as (
    select
        object,
        count(*) as asked,
        sum(sent) as sent,
        sum(
            case
                when served = 200 then 1
                when served = 206 and (before is null or created_at > before + interval '30' minute) then 1
                else 0
            end
        ) as opened
    from followed
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
