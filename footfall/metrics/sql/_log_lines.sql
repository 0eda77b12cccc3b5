-- What do the lines of access logs say, request by request?
-- (The warehouse has this as a view; elsewhere metrics compute it.) What a request did is told as far as its
-- own line tells it, in answer: served, revalidation, head, error, other. Whether what was served is an open
-- depends on the requests before it, which the view requests looks at.
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
