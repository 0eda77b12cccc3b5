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
-- @parameter object text optional: Only requests for this file.
-- @parameter status integer 100..999 optional: Only answers with this status.
-- @parameter limit integer 1..10000 = 100: The most rows to give back.

with requests as (
    select created_at, event_id, visitor_id, ip, method, object, status, bytes, referrer
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and (object is not null or status is not null)
        and object = $object
        and status = $status
)
select
    created_at as time,
    visitor_id as visitor,
    ip,
    method,
    object,
    status,
    bytes,
    referrer
from requests
order by created_at desc, event_id
limit $limit
