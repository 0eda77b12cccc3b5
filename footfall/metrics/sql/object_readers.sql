-- Who opens files: from which countries and sites, with what?
--
-- From access logs; an open is counted as in top_objects. A visitor who came from two countries counts in
-- both. The row without a name holds what is not known, or, of sites, those who came from none.
-- @chart bar
-- @column reader text: The country, site, device, browser, system or channel, as by says.
-- @column opens integer: How often a file was opened.
-- @column visitors integer: Distinct visitors who opened one.
-- @column bytes integer: Bytes sent to them.
-- @parameter by column country|referrer_host|device|browser|os|channel = country: What to group by.
-- @parameter object text optional: Only this file.
-- @parameter limit integer 1..10000 = 10: The most rows to give back.

with per_visitor as (
    select
        $by as item,
        app_id,
        visitor_id,
        sum(case when outcome = 'open' then 1 else 0 end) as opened,
        sum(coalesce(bytes, 0)) as sent
    from requests
    where day >= $since
        and day < $until
        and app_id = $app
        and ($bots or not is_bot)
        and object is not null
        and outcome in ('open', 'part')
        and object = $object
    group by $by, app_id, visitor_id
)
select
    item as reader,
    cast(sum(opened) as bigint) as opens,
    cast(sum(case when opened > 0 then 1 else 0 end) as bigint) as visitors,
    cast(sum(sent) as bigint) as bytes
from per_visitor
group by item
order by opens desc, bytes desc, reader
limit $limit
