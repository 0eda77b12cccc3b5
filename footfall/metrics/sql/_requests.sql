-- What was asked for, request by request, and which of these requests opened a file?
-- (The warehouse has this as a view; elsewhere metrics compute it.) The outcome of a request is one of
--   open          a GET answered with the file (200), or with a first part of it (206)
--   part          a further part (206) for the same visitor within 30 minutes: PDF and video viewers and
--                 download managers ask for many; together they are one open
--   revalidation  a GET answered 304: a copy that was kept was looked at again
--   head          a look without the file
--   error         an answer of 400 and above
--   other         all else: redirects, uploads, deletions, no answer
-- A day (UTC) stands for itself: what was opened before midnight is opened anew after it, so that days
-- add up. The first request of an open has the next number in opening, and what follows has the same.
with each_request as (
    select
        app_id,
        event_id,
        cast(created_at as date) as day,
        created_at,
        visitor_id,
        is_bot,
        bot_reason,
        object,
        method,
        status,
        bytes,
        try_cast(json_extract_string(properties, '$.object_size') as double) as size,
        referrer,
        case when channel in ('Organic Search', 'AI Assistant') then null else referrer_host end as site,
        regexp_matches(
            lower(object),
            '[.](avif|bmp|css|eot|gif|ico|jpe?g|js|m4[av]|mjs|mov|mp[34]|og[gv]|otf|png|svg|ttf|wav|web[mp]|woff2?)$'
        ) as embeddable,
        referrer_host,
        channel,
        ip,
        country,
        device,
        browser,
        os,
        case
            when status >= 400 then 'error'
            when method = 'HEAD' or method like '%.HEAD.OBJECT' then 'head'
            when method = 'GET' or method like '%.GET.OBJECT' then
                case when status in (200, 206) then 'served' when status = 304 then 'revalidation' else 'other' end
            else 'other'
        end as answer
    from events
    where (object is not null or status is not null)
),
after_another as (
    select
        *,
        lag(created_at) over (
            partition by app_id, day, visitor_id, is_bot, object, answer order by created_at, status, event_id
        ) as before
    from each_request
),
with_outcome as (
    select
        *,
        case
            when answer <> 'served' then answer
            when status = 206 and created_at <= before + interval '30' minute then 'part'
            else 'open'
        end as outcome
    from after_another
)
select
    app_id,
    event_id,
    day,
    created_at,
    visitor_id,
    is_bot,
    bot_reason,
    object,
    method,
    status,
    bytes,
    size,
    outcome,
    sum(case when outcome = 'open' then 1 else 0 end) over (
        partition by app_id, day, visitor_id, is_bot, object order by created_at, status, event_id
        rows between unbounded preceding and current row
    ) as opening,
    referrer,
    site,
    embeddable,
    referrer_host,
    channel,
    ip,
    country,
    device,
    browser,
    os
from with_outcome
