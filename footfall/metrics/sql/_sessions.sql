-- Which sessions were there? (The warehouse keeps this as a table; elsewhere it is computed.)
-- A session ends after more than 30 minutes without an event of the visitor. One pass finds the
-- first and last event of each; the few rows that remain are paired in a second. Only what metrics
-- read is here; the table has more columns.
with neighbours as (
    select
        app_id,
        visitor_id,
        is_bot,
        created_at,
        lag(created_at) over (partition by visitor_id, app_id, is_bot order by created_at) as before,
        lead(created_at) over (partition by visitor_id, app_id, is_bot order by created_at) as after,
        row_number() over (partition by visitor_id, app_id, is_bot order by created_at) as place
    from events
),
edges as (
    select
        app_id,
        visitor_id,
        is_bot,
        created_at,
        place,
        case when before is null or created_at > before + interval '30' minute then 1 else 0 end as opens,
        case when after is null or after > created_at + interval '30' minute then 1 else 0 end as closes
    from neighbours
    where before is null
        or created_at > before + interval '30' minute
        or after is null
        or after > created_at + interval '30' minute
),
paired as (
    select
        app_id,
        visitor_id,
        is_bot,
        created_at,
        place,
        opens,
        closes,
        lead(created_at) over (partition by visitor_id, app_id, is_bot order by place) as last_at,
        lead(place) over (partition by visitor_id, app_id, is_bot order by place) as last_place
    from edges
)
select
    app_id,
    visitor_id,
    is_bot,
    created_at as started_at,
    case when closes = 1 then created_at else last_at end as ended_at,
    case when closes = 1 then 1 else last_place - place + 1 end as events
from paired
where opens = 1
