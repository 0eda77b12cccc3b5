-- Which hosts that requests were referred from are not the app's own?
-- (The warehouse has this as a view; elsewhere metrics compute it.) Own are the hosts of the app's pages and
-- files, as events and logs tell them, and those above and below them (cdn.example.com, example.com). Where
-- logs tell no host, a host is own when the server has most of its pages. Of an app of which no own
-- host is known, nothing is said.
with told_hosts as (
    select distinct app_id, host
    from events
    where host is not null
        and bot_reason is null
        and (status is null or status < 300)
),
referrers as (
    select distinct app_id, referrer_host as host, referrer
    from events
    where referrer_host is not null
        and status is not null
        and bot_reason is null
),
referring_pages as (
    select distinct app_id, host, regexp_extract(referrer, '^[a-zA-Z]+://[^/?#]+([^?#]*)', 1) as path
    from referrers
),
served_pages as (
    select distinct app_id, object as path, 1 as times
    from events
    where status = 200
        and object is not null
),
recognised_hosts as (
    select app_id, referring_pages.host as host
    from referring_pages
    left join served_pages using (app_id, path)
    where length(path) > 1
    group by app_id, referring_pages.host
    having 2 * sum(coalesce(served_pages.times, 0)) > count(*)
),
own_hosts as (
    select app_id, host from told_hosts
    union
    select app_id, host from recognised_hosts
),
referring_hosts as (
    select distinct app_id, host as site
    from referring_pages
)
select app_id, referring_hosts.site as site
from referring_hosts
inner join own_hosts using (app_id)
group by app_id, referring_hosts.site
having max(
    case
        when referring_hosts.site = own_hosts.host then 1
        when referring_hosts.site like '%.' || own_hosts.host then 1
        when own_hosts.host like '%.' || referring_hosts.site then 1
        else 0
    end
) = 0
