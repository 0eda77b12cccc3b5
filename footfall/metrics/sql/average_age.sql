-- How old are the visitors on average?
--
-- A visitor's age is the latest one told within the range: the person's age, else the event's
-- property age; numbers above 0 and below 130 are believed. Visitors who told none are not counted.
-- With by, each visitor counts where they told the age, and that column comes first.
-- @chart number
-- @column average_age number: Mean age in years; empty when nobody told it.
-- @column visitors integer: Visitors whose age is known.
-- @parameter by column country|continent|device|browser|os|channel optional: One average for each of these.

with told as (
    select
        app_id,
        visitor_id,
        created_at,
        event_id,
        country,
        continent,
        device,
        browser,
        os,
        channel,
        try_cast(json_extract_string(user_properties, '$.age') as double) as own_age,
        try_cast(json_extract_string(properties, '$.age') as double) as event_age
    from events
    where created_at >= $since
        and created_at < $until
        and app_id = $app
        and ($bots or not is_bot)
        and (user_properties like '%"age"%' or properties like '%"age"%')
),
believed as (
    select
        *,
        case
            when own_age > 0 and own_age < 130 then own_age
            when event_age > 0 and event_age < 130 then event_age
        end as age
    from told
),
latest as (
    select app_id, visitor_id, max(created_at) as last_at
    from believed
    where age is not null
    group by app_id, visitor_id
),
told_last as (
    select
        country,
        continent,
        device,
        browser,
        os,
        channel,
        age,
        row_number() over (partition by visitor_id, app_id order by age desc, event_id) as place
    from latest
    inner join believed using (visitor_id, app_id)
    where age is not null
        and created_at = last_at
)
select
    $by,
    sum(round(age * 1000)) / cast(1000 * count(*) as double) as average_age,
    count(*) as visitors
from told_last
where place = 1
group by $by
order by visitors desc, $by
