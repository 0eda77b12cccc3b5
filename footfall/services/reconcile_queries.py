"""The questions of a reconciliation, as SQL over the table that everyone sees.

Values come in as literals (``compare_queries.filled``); nothing is pasted into the text. The ids and
keys are hashes of 64 bits, so that what is joined stays narrow however long the paths are.
"""

__all__ = ["APPS", "COUNTED", "EXTENT", "WITHOUT_SCRIPT"]

# Which apps have lines of access logs, and which have the script's events?
APPS = """
select
    app_id,
    count(*) filter (where list_contains($origins, origin)) as lines,
    count(*) filter (where not list_contains($origins, origin)) as events
from events
group by app_id
order by app_id
"""

# From when to when, day by day, has an app lines of logs, and events of the script that can be joined?
EXTENT = """
with told as (
    select
        cast(created_at as date) as day,
        created_at,
        list_contains($origins, origin) as logged,
        path is not null and ip is not null and browser is not null as joinable
    from events
    where app_id = $app and created_at >= $since and created_at < $until
)
select
    day,
    count(*) filter (where logged) as lines,
    count(*) filter (where not logged and joinable) as events,
    count(*) filter (where not logged and not joinable) as other_events,
    min(created_at) filter (where logged) as first_line,
    max(created_at) filter (where logged) as last_line,
    min(created_at) filter (where not logged and joinable) as first_event,
    max(created_at) filter (where not logged and joinable) as last_event
from told
group by day
order by day
"""

# The rows of the time that is looked at, with the page under which log and script meet.
_BOTH = """
both_sides as (
    select
        *,
        cast(created_at as date) as day,
        epoch_us(created_at) as moment,
        regexp_replace(path, $index, '') as page,
        list_contains($origins, origin) as logged
    from events
    where app_id = $app
        and created_at between $since and $until
        and not list_contains($skipped, cast(created_at as date))
        and path is not null
)"""

# Which lines of the log are page loads? The rules are core.reconcile.page_loads.
_PAGE_LOAD = """
logged
        and list_contains($methods, method)
        and list_contains($statuses, status)
        and coalesce(
            contains(
                lower(
                    nullif(
                        coalesce(
                            json_extract_string(properties, $type_1),
                            json_extract_string(properties, $type_2),
                            json_extract_string(properties, $type_3),
                            json_extract_string(properties, $type_4)
                        ),
                        ''
                    )
                ),
                $html
            ),
            list_contains($endings, lower(regexp_extract(path, $extension, 1)))
        )"""

# From which pages that several people loaded did the script never report? They don't have it, so that
# their loads say nothing of blocking. Of a page that few loaded nothing is said.
WITHOUT_SCRIPT = f"""
with {_BOTH.strip()},
reported as (
    select distinct page from both_sides where not logged and not is_bot
),
loads as (
    select page, visitor_id
    from both_sides
    where not is_bot and ip is not null and browser is not null and {_PAGE_LOAD.strip()}
)
select loads.page, count(distinct loads.visitor_id) as visitors, count(*) as loads
from loads
anti join reported on reported.page = loads.page
group by loads.page
having count(distinct loads.visitor_id) >= $several
order by visitors desc, loads.page
limit $most_pages
"""  # noqa: S608 - our own text

# A load and an event can belong together when day, page, network, and all that is kept of the user
# agent are the same. A log knows browsers and not people, so the script's visitors are told apart by
# their browser too: somebody who logs in is one, with two devices two.
_KEY = "hash(day, page, ip, browser, browser_version, os, os_version) as meets"

_SIDES = f"""
loads as materialized (
    select
        hash(event_id, created_at) as load,
        day,
        moment,
        {_KEY},
        visitor_id,
        browser,
        country,
        case
            when is_bot then 'bot'
            when ip is null or browser is null then 'unreadable'
            when page in (select unnest(cast($without_script as varchar[]))) then 'no_script'
            else 'person'
        end as class
    from both_sides
    where {_PAGE_LOAD.strip()}
),
hits as materialized (
    select
        hash(event_id, created_at) as hit,
        day,
        moment,
        {_KEY},
        coalesce(anonymous_id, visitor_id) as visitor_id,
        browser,
        country,
        is_bot
    from both_sides
    where not logged and ip is not null and browser is not null
)"""  # noqa: S608 - our own text

# Which event belongs to which page load? Every pair within the window is a candidate. In each round the
# pairs that are nearest for both sides are taken, and what they compete with falls away: the same as
# taking the nearest pair of all, again and again.
_MATCHES = """
near as (
    select
        hit,
        meets,
        moment,
        unnest([moment // $window - 1, moment // $window, moment // $window + 1]) as slot
    from hits
    where not is_bot
),
pairs as (
    select loads.load, near.hit, abs(near.moment - loads.moment) as gap
    from loads
    inner join near on near.meets = loads.meets and near.slot = loads.moment // $window
    where loads.class = 'person' and abs(near.moment - loads.moment) <= $window
),
rounds as (
    select
        load,
        hit,
        gap,
        row_number() over (partition by load order by gap, hit) = 1
            and row_number() over (partition by hit order by gap, load) = 1 as taken
    from pairs
    union all
    select
        load,
        hit,
        gap,
        row_number() over (partition by load order by gap, hit) = 1
            and row_number() over (partition by hit order by gap, load) = 1 as taken
    from rounds
    where not taken
        and load not in (select load from rounds where taken)
        and hit not in (select hit from rounds where taken)
),
matches as materialized (
    select rounds.load, rounds.hit, loads.browser, loads.country, hits.moment - loads.moment as delay
    from rounds
    inner join loads on loads.load = rounds.load
    inner join hits on hits.hit = rounds.hit
    where rounds.taken
)"""

# Who came on each day, by the log and by the script? Those in both stand where the log has them.
_VISITORS = """
log_visitors as (
    select
        loads.day,
        min(loads.browser) as browser,
        min(loads.country) as country,
        count(*) as loads,
        count(matches.load) as matched,
        count(*) filter (where loads.class = 'person' and matches.load is null) as unmatched,
        count(*) filter (where loads.class = 'no_script') as no_script,
        count(*) filter (where loads.class = 'unreadable') as unreadable,
        count(*) filter (where loads.class = 'bot') as bot
    from loads
    left join matches on matches.load = loads.load
    group by loads.day, loads.visitor_id
),
script_visitors as (
    select
        hits.day,
        coalesce(min(matches.browser), min(hits.browser)) as browser,
        coalesce(min(matches.country), min(hits.country)) as country,
        count(matches.hit) as matched,
        bool_and(hits.is_bot) as bot
    from hits
    left join matches on matches.hit = hits.hit
    group by hits.day, hits.visitor_id
),
visitors as (
    select
        'log' as side,
        case
            when matched > 0 then 'matched'
            when unmatched > 0 then 'unmatched'
            when no_script > 0 then 'no_script'
            when unreadable > 0 then 'unreadable'
            else 'bot'
        end as state,
        day, browser, country, loads, matched, unmatched, no_script, unreadable, bot
    from log_visitors
    union all
    select
        'script' as side,
        case when matched > 0 then 'matched' when bot then 'bot' else 'unmatched' end as state,
        day, browser, country, 0, 0, 0, 0, 0, 0
    from script_visitors
)"""

# How many visitors and page loads of each kind were there, by day, by browser and by country? The
# days stand alone, so that they may be asked for together or some at a time.
COUNTED = f"""
with recursive {_BOTH.strip()},
{_SIDES.strip()},
{_MATCHES.strip()},
{_VISITORS.strip()}
select
    side,
    part,
    case part when 'day' then cast(day as varchar) when 'browser' then browser else country end as name,
    state,
    count(*) as visitors,
    count(*) filter (where loads = 1) as single,
    cast(sum(matched) as bigint) as matched,
    cast(sum(unmatched) as bigint) as unmatched,
    cast(sum(no_script) as bigint) as no_script,
    cast(sum(unreadable) as bigint) as unreadable,
    cast(sum(bot) as bigint) as bot,
    cast(null as double) as delay_seconds
from visitors
cross join (select unnest(['day', 'browser', 'country']) as part) as parts
group by side, part, name, state
union all
select 'script', 'delay', null, 'matched', count(*), 0, count(*), 0, 0, 0, 0, median(delay) / 1e6
from matches
"""  # noqa: S608 - our own text
