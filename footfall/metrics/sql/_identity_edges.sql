-- Which id was said to be which user, when, and by which event?
-- (The warehouse has this as a view; stitched metrics compute it.) An identify call tells it of its
-- anonymous_id, an alias call of its previous id. Nothing is kept beside the events: an edge goes when
-- its event goes, and comes again when that is replayed.
with identity_calls as (
    select
        app_id,
        event as kind,
        case
            when event = 'alias' then coalesce(json_extract_string(properties, '$.previous_id'), anonymous_id)
            else anonymous_id
        end as previous_id,
        user_id,
        created_at,
        event_id,
        origin
    from events
    where event in ('identify', 'alias')
        and user_id is not null
)
select app_id, kind, previous_id, user_id, created_at, event_id, origin
from identity_calls
where previous_id <> user_id
