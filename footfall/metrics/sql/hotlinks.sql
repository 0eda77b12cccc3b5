-- Which other sites show this app's images, videos, fonts, styles and scripts as theirs?
--
-- From access logs: requests that were served (or 304) for what pages embed, referred from a host that is not
-- the app's own, no search engine and no AI assistant. Own are the hosts that the app's events and logs
-- tell, those above and below them, and hosts whose pages the server has; where none is known, nothing is
-- called a hot-link. A link to a document is none: its reader came along.
-- @chart bar
-- @column site text: The site's host.
-- @column objects integer: How many files it shows.
-- @column requests integer: How often they were asked for.
-- @column visitors integer: Distinct visitors who saw them there.
-- @column bytes integer: Bytes sent for it.
-- @parameter object text optional: Only this file.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with shown as (
    select site, object, app_id, visitor_id, coalesce(bytes, 0) as sent
    from log_lines
    inner join other_sites using (app_id, site)
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and embeddable
        and status in (200, 206, 304)
        and object = $object
),
per_visitor as (
    select site, app_id, visitor_id, count(*) as asked, sum(sent) as sent
    from shown
    group by site, app_id, visitor_id
),
files as (
    select site, count(*) as objects
    from (select distinct site, app_id, object from shown) as each_file
    group by site
)
select
    per_visitor.site as site,
    files.objects as objects,
    cast(sum(per_visitor.asked) as bigint) as requests,
    count(*) as visitors,
    cast(sum(per_visitor.sent) as bigint) as bytes
from per_visitor
inner join files on files.site = per_visitor.site
group by per_visitor.site, files.objects
order by requests desc, site
limit $limit
