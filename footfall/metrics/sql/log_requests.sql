-- What was asked for, request by request?
--
-- From access logs, the newest first.
-- @chart table
-- @column time time: When, UTC.
-- @column visitor text: Who, as visitors are counted.
-- @column ip text: The network.
-- @column method text: The HTTP method or the S3 operation.
-- @column object text: The file, without its query.
-- @column status integer: The HTTP status.
-- @column bytes integer: Bytes sent.
-- @column referrer text: The page before.
-- @column country text: ISO 3166-1 alpha-2.
-- @column device text: desktop, mobile, tablet, bot, ...
-- @column browser text: Family.
-- @column bot_reason text: Why it was taken for a program's, a scanner's among them.
-- @column hotlink text: The other site that shows the file as its own, as in hotlinks.
-- @parameter object text optional: Only requests for this file.
-- @parameter status integer 100..999 optional: Only answers with this status.
-- @parameter limit integer 1..10000 = 100: The most rows to give back.
-- @parameter offset integer 0..999999999 = 0: How many of the newest to pass over.

with asked as (
    select
        app_id,
        site,
        created_at,
        event_id,
        visitor_id,
        ip,
        method,
        object,
        status,
        bytes,
        referrer,
        country,
        device,
        browser,
        bot_reason,
        embeddable and status in (200, 206, 304) as shown
    from log_lines
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object = $object
        and status = $status
    order by created_at desc, event_id
    limit $limit
    offset $offset
),
others as (
    select app_id, site, site as other_site
    from other_sites
)
select
    created_at as time,
    visitor_id as visitor,
    ip,
    method,
    object,
    status,
    bytes,
    referrer,
    country,
    device,
    browser,
    bot_reason,
    case when shown then nullif(other_site, '') end as hotlink
from asked
left join others using (app_id, site)
order by time desc, event_id
