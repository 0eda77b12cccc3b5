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
-- add up. Few files are read in parts, and only for them does it matter what was asked before: the opens of
-- these are numbered in opening, parts by the open that they belong to. Elsewhere opening is null, and
-- each open stands alone. What a line tells by itself is in log_lines, at less cost.
with read_in_parts as (
    select distinct app_id, cast(created_at as date) as day, visitor_id, is_bot, object
    from events
    where status = 206
        and (method = 'GET' or method like '%.GET.OBJECT')
        and object is not null
),
served as (
    select app_id, cast(created_at as date) as day, visitor_id, is_bot, object, created_at, status, event_id
    from events
    where status in (200, 206)
        and (method = 'GET' or method like '%.GET.OBJECT')
        and object is not null
),
after_another as (
    select
        *,
        lag(created_at) over (
            partition by app_id, day, visitor_id, is_bot, object order by created_at, status, event_id
        ) as before
    from served
    inner join read_in_parts using (app_id, day, visitor_id, is_bot, object)
),
told_apart as (
    select *, status = 206 and before is not null and created_at <= before + interval '30' minute as continues
    from after_another
),
numbered as (
    select
        app_id,
        day,
        object,
        event_id,
        continues,
        sum(case when continues then 0 else 1 end) over (
            partition by app_id, day, visitor_id, is_bot, object order by created_at, status, event_id
            rows between unbounded preceding and current row
        ) as opening
    from told_apart
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
    case when answer <> 'served' then answer when continues then 'part' else 'open' end as outcome,
    nullif(opening, 0) as opening,
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
from log_lines
left join numbered using (app_id, day, object, event_id)
