"""The relational mart: the tables that ``footfall export mysql`` keeps, said once.

Each is a SELECT over the warehouse and the columns that it gives. ``log_requests`` is kept request by
request, the daily tables day by day: a day that has news is computed anew, so that late events
and relabelled sessions come out right and nothing is ever counted on top.
"""

from typing import Literal, NamedTuple

__all__ = ["MART", "MartColumn", "MartKind", "MartTable"]

MartKind = Literal["name", "text", "hash", "day", "moment", "count", "number", "flag"]
"""``name`` is text of up to 200 characters that may be a key, ``hash`` 32 hex digits."""


class MartColumn(NamedTuple):
    """A column; ``key`` columns together name a row."""

    name: str
    kind: MartKind
    doc: str
    key: bool = False


class MartTable(NamedTuple):
    """A table: ``sql`` selects its rows of the days from ``$first`` to before ``$end``.

    A table of ``changes`` gets only the rows of what changed, named by ``{changed}`` in its SQL (slices of
    hours, as the lake has them); the others get whole days. ``time`` is the column that tells the day.
    """

    name: str
    question: str
    columns: tuple[MartColumn, ...]
    sql: str
    changes: bool = False
    time: str = "day"

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return tuple(column.name for column in self.columns if column.key)


APP = MartColumn("app_id", "name", "The app.", True)
DAY = MartColumn("day", "day", "UTC.", True)
VISITORS = MartColumn("visitors", "count", "Distinct visitors; bots are left out.")

LOG_REQUESTS = MartTable(
    "log_requests",
    "Who asked for what, request by request?",
    (
        APP,
        MartColumn("event_id", "name", "The request's id: the log's own, or made of its line.", True),
        MartColumn("requested_at", "moment", "UTC."),
        MartColumn("origin", "name", "The log's format: s3, cloudfront, combined, ..."),
        MartColumn("method", "name", "The HTTP method or S3 operation."),
        MartColumn("status", "count", "The HTTP status."),
        MartColumn("bytes", "count", "Bytes sent."),
        MartColumn("object", "text", "The file, without its query."),
        MartColumn("url", "text", "The address with its query, personal data masked."),
        MartColumn("referrer", "text", "The page before, personal data masked."),
        MartColumn("ip", "name", "The network only."),
        MartColumn("country", "name", "ISO 3166-1 alpha-2."),
        MartColumn("visitor_id", "name", "Who asked: a daily hash when the log names nobody."),
        MartColumn("browser", "name", "Family."),
        MartColumn("os", "name", "Family."),
        MartColumn("device", "name", "desktop, mobile, tablet, bot, ..."),
        MartColumn("is_bot", "flag", "Whether a rule took the sender for a program."),
        MartColumn("properties", "text", "What else the log says, as JSON."),
    ),
    """
    select app_id, event_id, created_at as requested_at, origin, method, status, bytes, object, url,
        referrer, ip, country, visitor_id, browser, os, device, is_bot, properties
    from store.lake_rows
    where created_at >= $first and created_at < $end and (object is not null or method is not null)
        and (hour, slice) in ({changed})
    """,
    changes=True,
    time="requested_at",
)

OBJECT_OPENS = MartTable(
    "object_opens_daily",
    "Which files were opened, by whom, on which day?",
    (
        APP,
        DAY,
        MartColumn("object_id", "hash", "MD5 of object: the key, since paths may be long.", True),
        MartColumn("object", "text", "The file, without its query."),
        MartColumn("opens", "count", "As top_objects counts them: parts of one download are one open."),
        MartColumn("requests", "count", "All requests, whatever their answer."),
        MartColumn("bytes", "count", "Bytes sent."),
        MartColumn("visitors", "count", "Distinct visitors who opened it; bots are left out."),
    ),
    """
    with per_visitor as (
        select app_id, day, object, visitor_id, count(*) as asked, sum(coalesce(bytes, 0)) as sent,
            count(*) filter (outcome = 'open') as opened
        from requests
        where day >= $first::date and day < $end::date and object is not null and not is_bot
        group by all
    )
    select app_id, day, md5(object) as object_id, object, sum(opened)::bigint as opens,
        sum(asked)::bigint as requests, sum(sent)::bigint as bytes, count(*) filter (opened > 0) as visitors
    from per_visitor
    group by app_id, day, object
    """,
)

EVENTS_DAILY = MartTable(
    "events_daily",
    "What was done, how often, by how many?",
    (
        APP,
        DAY,
        MartColumn("event", "name", "The action.", True),
        MartColumn("origin", "name", "How the events came.", True),
        MartColumn("is_bot", "flag", "Programs stand in rows of their own.", True),
        MartColumn("events", "count", "How many."),
        MartColumn("visitors", "count", "Distinct visitors."),
        MartColumn("value", "number", "Sum of value, whatever the currency."),
        MartColumn("time_spent", "number", "Sum of seconds."),
    ),
    """
    select app_id, created_at::date as day, event, origin, is_bot, count(*) as events,
        count(distinct visitor_id) as visitors, sum(value) as value, sum(time_spent) as time_spent
    from store.lake_rows
    where created_at >= $first and created_at < $end
    group by all
    """,
)

COUNTRIES_DAILY = MartTable(
    "countries_daily",
    "Where do they come from?",
    (
        APP,
        DAY,
        MartColumn("country", "name", "ISO 3166-1 alpha-2; empty when not known.", True),
        MartColumn("events", "count", "How many; bots are left out."),
        VISITORS,
    ),
    """
    select app_id, created_at::date as day, coalesce(country, '') as country, count(*) as events,
        count(distinct visitor_id) as visitors
    from store.lake_rows
    where created_at >= $first and created_at < $end and not is_bot
    group by all
    """,
)

PAGES_DAILY = MartTable(
    "pages_daily",
    "Which pages are seen?",
    (
        APP,
        DAY,
        MartColumn("path_id", "hash", "MD5 of path.", True),
        MartColumn("path", "text", "The page."),
        MartColumn("views", "count", "Page views; bots are left out."),
        VISITORS,
    ),
    """
    select app_id, created_at::date as day, md5(path) as path_id, path, count(*) as views,
        count(distinct visitor_id) as visitors
    from store.lake_rows
    where created_at >= $first and created_at < $end and not is_bot and event = 'page_view'
        and path is not null
    group by all
    """,
)

MART: tuple[MartTable, ...] = (LOG_REQUESTS, OBJECT_OPENS, EVENTS_DAILY, COUNTRIES_DAILY, PAGES_DAILY)
