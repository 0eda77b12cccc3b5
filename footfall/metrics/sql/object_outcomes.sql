-- What became of the requests for each file?
--
-- From access logs; an open is counted as in top_objects. Each request is counted in one of opens, parts,
-- revalidations, heads, errors and others.
-- @chart table
-- @column object text: The file, without its query.
-- @column opens integer: How often it was opened.
-- @column visitors integer: Distinct visitors who opened it.
-- @column finished integer: Opens for which all bytes were sent; nothing where the log tells no size (S3 does).
-- @column parts integer: Requests for further parts of what was open.
-- @column revalidations integer: Answers 304: a kept copy was looked at again.
-- @column heads integer: Looks without the file (HEAD).
-- @column errors integer: Answers of 400 and above.
-- @column others integer: Redirects, uploads, and what was not answered.
-- @column requests integer: All of them.
-- @column bytes integer: Bytes sent.
-- @parameter search text optional: Only files whose name holds this, in whatever case.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with asked as (
    select
        object,
        app_id,
        visitor_id,
        is_bot,
        day,
        opening,
        outcome,
        coalesce(bytes, 0) as piece,
        case when outcome in ('open', 'part') then size end as whole
    from requests
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
        and strpos(lower(object), lower($search)) > 0
),
per_open as (
    select
        object,
        app_id,
        visitor_id,
        case
            when opening is null then sum(case when whole is null then null when piece >= whole then 1 else 0 end)
            when max(whole) is null then null
            when sum(piece) >= max(whole) then 1
            else 0
        end as finished,
        count(*) as asked,
        sum(piece) as sent,
        sum(case when outcome = 'open' then 1 else 0 end) as opened,
        sum(case when outcome = 'part' then 1 else 0 end) as parts,
        sum(case when outcome = 'revalidation' then 1 else 0 end) as revalidations,
        sum(case when outcome = 'head' then 1 else 0 end) as heads,
        sum(case when outcome = 'error' then 1 else 0 end) as errors,
        sum(case when outcome = 'other' then 1 else 0 end) as others
    from asked
    group by object, app_id, visitor_id, is_bot, day, opening
),
per_visitor as (
    select
        object,
        sum(finished) as finished,
        sum(asked) as asked,
        sum(sent) as sent,
        sum(opened) as opened,
        sum(parts) as parts,
        sum(revalidations) as revalidations,
        sum(heads) as heads,
        sum(errors) as errors,
        sum(others) as others
    from per_open
    group by object, app_id, visitor_id
)
select
    object,
    cast(sum(opened) as bigint) as opens,
    cast(sum(case when opened > 0 then 1 else 0 end) as bigint) as visitors,
    cast(sum(finished) as bigint) as finished,
    cast(sum(parts) as bigint) as parts,
    cast(sum(revalidations) as bigint) as revalidations,
    cast(sum(heads) as bigint) as heads,
    cast(sum(errors) as bigint) as errors,
    cast(sum(others) as bigint) as others,
    cast(sum(asked) as bigint) as requests,
    cast(sum(sent) as bigint) as bytes
from per_visitor
group by object
order by opens desc, requests desc, object
limit $limit
